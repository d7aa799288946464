"""The guard `pinned-consumer`: no change takes away what a declared consumer loads."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from shlex import quote
from typing import Final

from reconciler.core.changes import Change
from reconciler.core.declaring.consumers import (
    AffectedConsumer,
    affected,
    is_number,
    phrase,
    unresolved,
    was_declared,
)
from reconciler.core.state import Base, Consumer, Declaration, Fields, stages
from reconciler.core.violations import Violation

PINNED_CONSUMER: Final = "pinned-consumer"

_NAMED: Final = 5  # consumers that a message names


@dataclass(frozen=True, slots=True)
class ConsumerInput:
    """What the guard judges of one model: its change, and who loads it.

    `base` is what recorded commits declared; `before` are the consumers before the change, of which
    it cannot rid itself.
    """

    declaration: Declaration
    live: Fields
    changes: Collection[Change]
    base: Base
    before: Collection[Consumer]


def check_consumers(model: ConsumerInput) -> Iterator[Violation]:
    """Yield a violation for each alias, stage or version that consumers load and that goes."""
    own = model.declaration.consumers
    keys = {consumer.key for consumer in own}
    removed = [consumer for consumer in model.before if consumer.key not in keys]
    # What puts back drift takes away only what git never declared.
    changes = [change for change in model.changes if change.cause != "drift"]
    rows = affected((*own, *removed), model.live, changes, stages(model.live))
    taken = {row.consumer.loads: row for row in rows if _is_taken(row)}
    lost = {
        consumer.loads: None
        for consumer in unresolved(model.declaration)
        if was_declared(consumer.loads, model.base)
    }
    for loads in sorted({*taken, *lost}):
        loading = [one for one in (*own, *removed) if one.loads == loads]
        what = _loss(taken[loads], changes) if loads in taken else "which is no longer declared"
        verb = "loads" if len(loading) == 1 else "load"
        yield Violation(
            PINNED_CONSUMER,
            model.declaration.model,
            f"{_names(loading)} {verb} {phrase(loads)}, {what}",
            _hint(model.declaration.model, loads, changes, is_removed=not keys & _keys(loading)),
        )


def _is_taken(row: AffectedConsumer) -> bool:
    return row.effect == "loses" or (row.effect == "archives" and is_number(row.consumer.loads))


def _loss(row: AffectedConsumer, changes: Iterable[Change]) -> str:
    loads = row.consumer.loads
    if not is_number(loads):
        where = "which would name" if loads.startswith("@") else "which would hold"
        return f"{where} no version; now it is v{row.before}"
    takers = _takers(row.before, changes)
    why = f", because {takers}" if takers else ""
    return f"which would be archived{why}"


def _takers(version: int | None, changes: Iterable[Change]) -> str | None:
    """Return what displaces a version from its exclusive stage, None where git archives it."""
    listed = [change for change in changes if change.field.name == "stage"]
    left = next((c for c in listed if c.field.version == version and c.cause == "replaced"), None)
    if left is None:
        return None
    taker = next((c.field.version for c in listed if c.after == left.before), None)
    return f"v{taker} takes {left.before}" if taker is not None else f"{left.before} is taken"


def _hint(model: str, loads: str, changes: Iterable[Change], *, is_removed: bool) -> str:
    ways = ["let it load something else first, and merge that by itself"]
    if is_removed:
        ways = ["merge what takes it out of `consumers` first, by itself"]
    if is_number(loads) and any(c.after == "Archived" for c in changes):
        ways.append(f"write `stage: None` under version {loads}, which then is not archived")
    ways.append(f"`apply --accept {quote(f'{PINNED_CONSUMER}={model}')}`")
    return ", or ".join(ways)


def _names(consumers: Collection[Consumer]) -> str:
    names = [f"`{name}`" for name in dict.fromkeys(consumer.name for consumer in consumers)]
    if len(names) > _NAMED:
        names = [*names[:_NAMED], f"{len(names) - _NAMED} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _keys(consumers: Iterable[Consumer]) -> set[tuple[str, str]]:
    return {consumer.key for consumer in consumers}
