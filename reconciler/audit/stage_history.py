"""Since when a version has been in its stage, and whether it served before, by merged history."""

from collections.abc import Sequence
from itertools import groupby

from reconciler.audit.evidence import Entry
from reconciler.core.state import Declaration, Field, Value
from reconciler.policy.builtin_rules import StageEntry

_NOTHING_DONE = ("never", "not yet")


def served_before(history: Sequence[Entry], version: int) -> bool:
    """Return whether a version was declared to serve and was then replaced.

    The run of changes that lasts until today does not count: it may be the one that is judged. Nor
    does a run of which nothing was ever applied by the records: a promotion that was refused and
    reverted never served.
    """
    runs = [(which, list(run)) for which, run in groupby(history, lambda entry: entry.serving)]
    return any(
        which == version and any(entry.apply_state not in _NOTHING_DONE for entry in run)
        for which, run in runs[:-1]
    )


def entered(history: Sequence[Entry], version: int, stage: str, registry: str) -> StageEntry | None:
    """Return when a version last entered a stage, None where git never declared it there.

    The time is that of the first recorded apply to that registry, else that of the merge.
    """
    address = Field("stage", version)
    first: Entry | None = None
    before: Value | None = None
    for entry in history:
        declared = _value(entry.step.after, address)
        if declared == stage and before != stage:
            first = entry
        before = declared
    if first is None:
        return None
    times = [applied.time for applied in first.applied if applied.registry == registry]
    if times:
        return StageEntry(min(times), "apply record", first.step.commit.id)
    return StageEntry(first.time, "main line", first.step.commit.id)


def _value(declaration: Declaration | None, address: Field) -> Value | None:
    return declaration.fields.get(address) if declaration else None
