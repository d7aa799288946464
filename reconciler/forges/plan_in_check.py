"""A shown plan as the text that a forge keeps: JSON, compressed, of bounded size."""

import base64
import binascii
import zlib
from collections.abc import Sequence
from typing import Final

from pydantic import TypeAdapter, ValidationError

from reconciler.audit.approved_plan import ShownPlan

_PLAN: Final = TypeAdapter(ShownPlan)
_MARK: Final = "reconciler-plan-1 "
_LARGEST: Final = 64 * 1024 * 1024  # bytes that a kept text may grow to


def dumps(plan: ShownPlan, *, longest: int) -> tuple[str, ...]:
    """Return the plan as texts of at most `longest` characters, to be kept in their order."""
    packed = base64.b64encode(zlib.compress(_PLAN.dump_json(plan), 9)).decode("ascii")
    room = longest - len(_MARK)
    return tuple(_MARK + packed[at : at + room] for at in range(0, len(packed), room))


def loads(texts: Sequence[str]) -> ShownPlan | None:
    """Return the plan that `dumps` gave these texts for, None when it cannot be read."""
    if not texts or not all(text.startswith(_MARK) for text in texts):
        return None
    packed = "".join(text[len(_MARK) :].strip() for text in texts)
    try:
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(base64.b64decode(packed, validate=True), _LARGEST)
        return None if unpacking.unconsumed_tail else _PLAN.validate_json(data)
    except (binascii.Error, zlib.error, ValidationError, ValueError):
        return None
