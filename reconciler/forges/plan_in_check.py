"""Encodes a shown plan as text for a forge: JSON, compressed, of bounded size."""

import base64
import binascii
import zlib
from collections.abc import Sequence
from typing import Final

from pydantic import TypeAdapter, ValidationError

from reconciler.errors import Refused
from reconciler.planning.approved_plan import ShownPlan

_PLAN: Final = TypeAdapter(ShownPlan)
_MARK: Final = "reconciler-plan-1 "
MOST_PARTS: Final = 50  # checks that one plan is read from
_LARGEST: Final = 64 * 1024 * 1024  # bytes of an unpacked text


def dumps(plan: ShownPlan, *, longest: int) -> tuple[str, ...]:
    """Return the plan as texts of at most `longest` characters, to be kept in their order.

    Raises `Refused` for a plan that `loads` would not read.
    """
    data = _PLAN.dump_json(plan)
    packed = base64.b64encode(zlib.compress(data, 9)).decode("ascii")
    room = longest - len(_MARK)
    if len(packed) > MOST_PARTS * room or len(data) > _LARGEST:
        raise Refused(
            f"this plan is too large to be kept: {len(data):,} bytes, packed {len(packed):,}; "
            f"{_LARGEST:,} and {MOST_PARTS * room:,} are read again",
            hint="open a pull request for fewer models, or for fewer values at a time",
        )
    return tuple(_MARK + packed[at : at + room] for at in range(0, len(packed), room))


def loads(texts: Sequence[str]) -> ShownPlan | None:
    """Return the plan from the texts of `dumps`, None when it cannot be read."""
    if not texts or not all(text.startswith(_MARK) for text in texts):
        return None
    packed = "".join(text[len(_MARK) :].strip() for text in texts)
    try:
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(base64.b64decode(packed, validate=True), _LARGEST)
        return None if unpacking.unconsumed_tail else _PLAN.validate_json(data)
    except (binascii.Error, zlib.error, ValidationError, ValueError):
        return None
