"""The three-way difference of one model: base + desired + live → changes."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from reconciler.core.changes import Cause, Change
from reconciler.core.declaring.undeclared_pairs import UndeclaredPairs, undeclared_pairs
from reconciler.core.state import Base, Declaration, Field, Fields, Live, Value, stages

_AT_REST = {"None", "Archived"}  # not in use, so not counted as unmanaged


@dataclass(frozen=True, slots=True)
class Difference:
    """The changes to one model, what is left as it is, and what git does not manage.

    `changes` are sorted for reading; `left` are sentences, each shown once: in the plan that moves
    the record past it; `unmanaged` are live values that are not declared.
    """

    changes: tuple[Change, ...]
    left: tuple[str, ...]
    unmanaged: tuple[Field, ...]


def diff(base: Base, desired: Declaration, live: Live, *, exclusive: Sequence[str]) -> Difference:
    """Return the difference of one model.

    `live` and `base` must be without ignored fields. A declared version that the registry does not
    have is skipped: `planning.preconditions` decides whether that is an error.
    """
    pairs = undeclared_pairs(base, desired, live)
    rows = _sets(base, desired, live)
    rows |= _archivals(desired, pairs)
    rows |= _displacements(base, desired, live, exclusive)
    rows |= _removals(base, desired, live, pairs)
    return Difference(
        changes=tuple(sorted(rows.values(), key=lambda change: change.sort_key)),
        left=tuple(_left(base, desired, live, pairs, handled=rows)),
        unmanaged=unmanaged(desired.fields, live.fields, handled=rows),
    )


def unmanaged(desired: Fields, live: Fields, handled: Iterable[Field] = ()) -> tuple[Field, ...]:
    """Return the live fields that are not declared and not in `handled`, sorted."""
    undeclared = (
        address
        for address, value in live.items()
        if address not in desired and not (address.name == "stage" and value in _AT_REST)
    )
    return tuple(sorted(set(undeclared) - set(handled), key=lambda address: address.sort_key))


def applied(fields: Fields, changes: Iterable[Change]) -> dict[Field, Value]:
    """Return `fields` after `changes`."""
    after = dict(fields)
    for change in changes:
        if change.after is None:
            after.pop(change.field, None)
        else:
            after[change.field] = change.after
    return after


def same(address: Field, one: Value | None, other: Value | None) -> bool:
    """Return whether two values of a field are equal; no description equals an empty one."""
    if address.name == "description":
        return (one or "") == (other or "")
    return one == other


def _sets(base: Base, desired: Declaration, live: Live) -> dict[Field, Change]:
    rows = {}
    for address, after in desired.fields.items():
        before = live.fields.get(address)
        if _gone(address, live) or same(address, before, after):
            continue
        is_bridged = address.name in ("alias", "stage") and address in desired.implied
        new: Cause = "bridge" if is_bridged else "declared"
        cause: Cause = "drift" if base.first.get(address) == after else new
        rows[address] = Change(desired.model, address, before, after, cause)
    return rows


def _displacements(
    base: Base, desired: Declaration, live: Live, exclusive: Sequence[str]
) -> dict[Field, Change]:
    """Move other versions out of a taken exclusive stage: as declared, else to Archived.

    That is drift where git did not have them there: while the holder had the stage in base, or
    while another version had it and the apply that changed that is unfinished.
    """
    rows = {}
    held = set(stages(base.first).values())
    holders = {stage: v for v, stage in stages(desired.fields).items() if stage in exclusive}
    for version, stage in stages(live.fields).items():
        holder = holders.get(stage)
        if holder is None or holder == version or holder not in live.versions:
            continue
        address = Field("stage", version)
        holder_is_old = base.first.get(Field("stage", holder)) == stage
        intruded = holder_is_old or (bool(base.later) and stage in held)
        after = desired.fields.get(address, "Archived")
        was_there = base.first.get(address) == stage
        cause: Cause = "drift" if intruded and not was_there else "replaced"
        rows[address] = Change(desired.model, address, stage, after, cause)
    return rows


def _archivals(desired: Declaration, pairs: UndeclaredPairs) -> dict[Field, Change]:
    """Archive the versions that only their alias had brought into a bridged stage."""
    return {
        address: Change(desired.model, address, stage, "Archived", "bridge")
        for address, stage in pairs.archived.items()
    }


def _removals(
    base: Base, desired: Declaration, live: Live, pairs: UndeclaredPairs
) -> dict[Field, Change]:
    return {
        address: Change(desired.model, address, live.fields[address], None, "removed")
        for address, values in _undeclared(base, desired, live)
        if address.name in ("alias", "tag")
        and address not in pairs.kept
        and not _entry_gone(address, desired)
        and live.fields[address] in values
    }


def _undeclared(
    base: Base, desired: Declaration, live: Live
) -> Iterable[tuple[Field, frozenset[Value]]]:
    """Yield each live field that git declared before and not now, with the values it declared."""
    for address in sorted(base.ever, key=lambda address: address.sort_key):
        if address not in desired.fields and address in live.fields:
            yield address, base.ever[address]


def _left(
    base: Base,
    desired: Declaration,
    live: Live,
    pairs: UndeclaredPairs,
    handled: Collection[Field],
) -> Iterable[str]:
    for version in sorted(base.versions - set(desired.versions)):
        if version in live.versions:
            is_moved = Field("stage", version) in handled
            stay = "tags and description stay" if is_moved else "stage, tags and description stay"
            alias = pairs.beside.get(version)
            beside = f", and so does @{alias}" if alias else ""
            yield f"v{version} is no longer declared: its {stay}{beside}"
    for address, _ in _undeclared(base, desired, live):
        if _entry_gone(address, desired) or address in handled:
            continue
        sentence = pairs.sentences.get(address)
        if sentence is None:
            yield _stays(address, live)
        elif sentence:
            yield sentence


def _stays(address: Field, live: Live) -> str:
    if address.name in ("stage", "description"):
        clear = "stage: None" if address.name == "stage" else 'description: ""'
        return f"{address} is no longer declared and stays as it is; `{clear}` clears it"
    return (
        f"{address} is no longer declared and stays as it is: it was changed to "
        f"`{live.fields[address]}` outside git"
    )


def _entry_gone(address: Field, desired: Declaration) -> bool:
    return address.version is not None and address.version not in desired.versions


def _gone(address: Field, live: Live) -> bool:
    return address.version is not None and address.version not in live.versions
