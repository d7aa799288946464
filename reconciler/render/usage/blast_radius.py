"""What a plan does to the consumers of a model: a sentence, and rows of the JSON document."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from reconciler.render import phrases

if TYPE_CHECKING:  # as in `json_documents`
    from collections.abc import Iterator, Sequence

    from reconciler.core.declaring.consumers import AffectedConsumer
    from reconciler.core.plan import ModelPlan

_NAMED: Final = 5  # consumers that a sentence names
_MOVING: Final = ("stage", "alias")


def sentence(model: ModelPlan) -> str:
    """Return who loads what the plan moves, takes or archives; empty where nobody is concerned."""
    rows = [row for row in model.consumers if row.effect != "stays"]
    if rows:
        return "; ".join(_parts(rows))
    if model.consumers and any(change.field.name in _MOVING for change in model.changes):
        count = len(model.consumers)
        return f"{phrases.count(count, 'consumer')} load{'s' * (count == 1)} what stays"
    return ""


def documents(model: ModelPlan) -> list[dict[str, Any]]:
    """Return the consumers of a changed model as the items of its `consumers`."""
    return [
        {
            "name": row.consumer.name,
            "owner": row.consumer.owner,
            "loads": row.consumer.loads,
            "code": row.consumer.code,
            "before": row.before,
            "after": row.after,
            "effect": row.effect,
        }
        for row in model.consumers
    ]


def _parts(rows: Sequence[AffectedConsumer]) -> Iterator[str]:
    """Yield a part for each thing that is loaded, first those by alias and stage."""

    def order(row: AffectedConsumer) -> tuple[bool, str]:
        return (row.consumer.loads.isdecimal(), row.consumer.loads)

    thing = " consumer"
    for (is_pin, loads), group in groupby(sorted(rows, key=order), key=order):
        listed = list(group)
        several = len(listed) > 1
        noun = f"{len(listed)}{thing}{'s' if several and thing else ''}"
        thing = ""
        names = phrases.some([row.consumer.name for row in listed], _NAMED)
        verb = ("pin" if is_pin else "load") + ("" if several else "s")
        yield f"{noun} {verb} {_what(listed[0], loads, is_pin=is_pin)}: {names}"


def _what(row: AffectedConsumer, loads: str, *, is_pin: bool) -> str:
    name = f"v{loads}" if is_pin else loads
    match row.effect:
        case "archives" if is_pin:
            return f"{name}, which this archives"
        case "archives":
            return f"{name} (v{row.after}, which this archives)"
        case "loses":
            return f"{name} (v{row.before} → nothing)"
        case "moves" | "stays":
            before = "nothing" if row.before is None else f"v{row.before}"
            return f"{name} ({before} → v{row.after})"
