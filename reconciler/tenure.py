"""Since when a version is where it is, and whether it served before: as the merged history says."""

from collections.abc import Sequence
from itertools import groupby

from reconciler.evidence import Entry
from reconciler.ready_made import Entered
from reconciler.rules import Rules
from reconciler.state import Declaration, Field, Value
from reconciler.timeline import Step


def served_before(steps: Sequence[Step], version: int, rules: Rules) -> bool:
    """Say whether a version was declared to serve, and then another one or none was.

    The run of steps that lasts until today does not count: it may be the change that is judged.
    """
    runs = [which for which, _ in groupby(steps, lambda step: step.served(rules)[1])]
    return version in runs[:-1]


def entered(history: Sequence[Entry], version: int, stage: str, registry: str) -> Entered | None:
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
        return Entered(min(one.time for one in applied), "apply record", first.step.commit.id)
    return Entered(first.time, "main line", first.step.commit.id)


def _value(declaration: Declaration | None, address: Field) -> Value | None:
    return declaration.fields.get(address) if declaration else None
