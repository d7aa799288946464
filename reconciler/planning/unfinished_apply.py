"""Separates what an unfinished apply wrote from what a person changed meanwhile. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.core.changes import in_order
from reconciler.core.diff import applied, diff, same
from reconciler.core.state import Base, Declaration, Field, Fields, Live, stages


def as_far_as_written(base: Base, live: Live, exclusive: Sequence[str]) -> Base:
    """Return the base whose `first` has what the unfinished applies wrote, where live proves it.

    A value that differs from it was changed by a person; what it does not have yet is still to be
    written. `live` must be without ignored fields.
    """
    fields = base.first
    for declaration in base.later:
        fields = _written(replace(base, first=fields), declaration, live, exclusive)
    return replace(base, first=fields)


def _written(base: Base, declaration: Declaration, live: Live, exclusive: Sequence[str]) -> Fields:
    """Return the fields after the part of an apply that was certainly written.

    A model's changes are written in order, up to the first failure. One that is live proves that
    those before it were written, whatever they are now. An absent value proves nothing: anybody
    may have removed it.
    """
    before = {**base.first, **_unclaimed_occupants(base.first, live, exclusive)}
    ever = {address: frozenset({value}) for address, value in before.items()}
    changes = diff(
        Base(before, ever, implied=base.implied & ever.keys(), bridged=base.bridged),
        declaration,
        Live(live.model, before, live.versions),
        exclusive=exclusive,
    ).changes
    ordered = in_order(changes, exclusive)
    proofs = [
        place
        for place, change in enumerate(ordered, start=1)
        if change.after is not None
        and same(change.field, live.fields.get(change.field), change.after)
    ]
    return applied(before, ordered[: max(proofs, default=0)])


def _unclaimed_occupants(before: Fields, live: Live, exclusive: Sequence[str]) -> Fields:
    """Return the live versions in exclusive stages for which git had declared no holder.

    They may have been there before the apply, which displaces them.
    """
    claimed = set(stages(before).values())
    return {
        Field("stage", version): stage
        for version, stage in stages(live.fields).items()
        if stage in exclusive and stage not in claimed and Field("stage", version) not in before
    }
