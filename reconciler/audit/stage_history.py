"""Since when a version is where it is, and whether it served before: as the merged history says."""

from collections.abc import Sequence
from itertools import groupby

from reconciler.audit.evidence import Entry
from reconciler.core.state import Declaration, Field, Value
from reconciler.policy.builtin_rules import StageEntry

_NOTHING_DONE = ("never", "not yet")


def served_before(history: Sequence[Entry], version: int) -> bool:
    """Return whether a version was declared to serve, and then another one or none was.

    The run of changes that lasts until today does not count: it may be the one that is judged.
    Neither does one of which the records say that nothing of it was ever applied: a promotion
    that was refused and taken back is no past.
    """
    runs = [(which, list(run)) for which, run in groupby(history, lambda entry: entry.serving)]
    return any(
        which == version and any(entry.apply_state not in _NOTHING_DONE for entry in run)
        for which, run in runs[:-1]
    )


def entered(history: Sequence[Entry], version: int, stage: str, registry: str) -> StageEntry | None:
    """Return when a version last came into a stage, None where git never declared it there.

    From the first apply on that registry where its record is here, else from the merge.
    """
    address = Field("stage", version)
    first: Entry | None = None
    before: Value | None = None
    for entry in history:
        here = _value(entry.step.after, address)
        if here == stage and before != stage:
            first = entry
        before = here
    if first is None:
        return None
    applied = [one for one in first.applied if one.registry == registry]
    if applied:
        return StageEntry(min(one.time for one in applied), "apply record", first.step.commit.id)
    return StageEntry(first.time, "main line", first.step.commit.id)


def _value(declaration: Declaration | None, address: Field) -> Value | None:
    return declaration.fields.get(address) if declaration else None
