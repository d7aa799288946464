"""The guard `pinned-consumer`: no change takes away what a declared consumer loads."""

from collections.abc import Collection, Iterable, Iterator
from shlex import quote
from typing import Final

from reconciler.core.changes import Change
from reconciler.core.declaring.consumers import (
    AffectedConsumer,
    affected,
    is_number,
    phrase,
)
from reconciler.core.state import Consumer, Declaration, Fields, stages
from reconciler.core.violations import Violation

PINNED_CONSUMER: Final = "pinned-consumer"

_NAMED: Final = 5  # consumers that a message names


def check_consumers(
    declaration: Declaration,
    live: Fields,
    changes: Collection[Change],
    before: Collection[Consumer],
) -> Iterator[Violation]:
    """Yield a violation for each alias, stage or version that consumers load and that goes.

    `before` are the consumers before the change: it cannot rid itself of them.
    """
    own = declaration.consumers
    keys = {consumer.key for consumer in own}
    removed = [consumer for consumer in before if consumer.key not in keys]
    # What puts back drift takes away only what git never declared.
    changes = [change for change in changes if change.cause != "drift"]
    rows = affected((*own, *removed), live, changes, stages(live))
    taken = {row.consumer.loads: row for row in rows if _is_taken(row)}
    for loads, row in sorted(taken.items()):
        loading = [one for one in (*own, *removed) if one.loads == loads]
        verb = "loads" if len(loading) == 1 else "load"
        is_removed = all(one.key not in keys for one in loading)
        yield Violation(
            PINNED_CONSUMER,
            declaration.model,
            f"{_names(loading)} {verb} {phrase(loads)}, {_loss(row, changes)}",
            _hint(declaration.model, row, is_removed=is_removed),
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


def _hint(model: str, row: AffectedConsumer, *, is_removed: bool) -> str:
    ways = ["let it load something else first, and merge that by itself"]
    if is_removed:
        ways = ["merge what takes it out of `consumers` first, by itself"]
    if row.effect == "archives":
        ways.append(f"write `stage: None` under version {row.after}, which then is not archived")
    ways.append(f"`apply --accept {quote(f'{PINNED_CONSUMER}={model}')}`")
    return ", or ".join(ways)


def _names(consumers: Collection[Consumer]) -> str:
    names = [f"`{name}`" for name in dict.fromkeys(consumer.name for consumer in consumers)]
    if len(names) > _NAMED:
        names = [*names[:_NAMED], f"{len(names) - _NAMED} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
