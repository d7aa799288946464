"""Decides in which state a model is, and gives a sentence for each reason."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.audit.overview.holders import ModelNames, holders
from reconciler.audit.overview.model_overview import ModelState
from reconciler.core.changes import Change
from reconciler.core.plan import ModelPlan
from reconciler.core.state import ACTIVE_STAGES, Field, Fields, Value, aliases, stages
from reconciler.core.violations import Violation
from reconciler.errors import Problem

_BLOCKED: Final = ("error", "superseded", "behind", "diverged")
_LONGEST: Final = 120  # characters of a value in a sentence
_OFFLINE: Final = "the registry was not read"


@dataclass(frozen=True, slots=True)
class ModelVerdict:
    """The result of a plan for one model; `plan` is None for a model that the plan does not have.

    `refusals` deny what the plan has for it, `waiting` wait for an approval, `managed_by` is the
    other state folder whose model it is. `unread` is why its versions were not read.
    """

    plan: ModelPlan | None = None
    refusals: tuple[Violation, ...] = ()
    waiting: tuple[Violation, ...] = ()
    managed_by: str | None = None
    unread: str | None = None


def state_of(of: ModelNames, verdict: ModelVerdict) -> tuple[ModelState, tuple[str, ...]]:
    """Return the state of a model, and a sentence for each reason."""
    plan = verdict.plan
    if not of.is_read:
        problems = tuple(map(_problem, plan.problems)) if plan else ()
        return "not read", problems or (verdict.unread or _OFFLINE,)
    if plan is None:
        return "unmanaged", tuple(_undeclared(of, verdict))
    drift = [change for change in plan.changes if change.cause == "drift"]
    pending = [change for change in plan.changes if change.cause != "drift"]
    why = (
        *map(_problem, plan.problems),
        *(f"{violation.name}: {violation.message}" for violation in verdict.refusals),
        *(f"waits for {violation.name}: {violation.message}" for violation in verdict.waiting),
        *map(_drifted, drift),
        *map(_pending, pending),
        *plan.messages,
        *(_apart(of) if plan.outcome == "held" else ()),
        *_unmanaged(of, plan.unmanaged),
    )
    return _state(of, verdict, plan, is_drifted=bool(drift or plan.deleted)), why


def _state(
    of: ModelNames, verdict: ModelVerdict, plan: ModelPlan, *, is_drifted: bool
) -> ModelState:
    if plan.problems or plan.outcome in _BLOCKED:
        return "blocked"
    if plan.outcome == "held":
        return "held"
    if plan.outcome == "released":
        return "unmanaged"
    if verdict.refusals:
        return "refused"
    if is_drifted:
        return "drifted"
    if plan.changes:
        return "pending"
    serving = of.serving.versions(of.live_fields)
    declared = of.serving.versions(of.declaration.fields) if of.declaration else frozenset()
    return "in sync" if serving <= declared else "unmanaged"


def _problem(problem: Problem) -> str:
    where = f"{problem.where}: " if problem.where else ""
    return f"{where}{problem.message}{f'; {problem.hint}' if problem.hint else ''}"


def _drifted(change: Change) -> str:
    live, declared = _value(change.field, change.before), _value(change.field, change.after)
    return f"{change.field}: {live} by hand, and git declares {declared}"


def _pending(change: Change) -> str:
    live, declared = _value(change.field, change.before), _value(change.field, change.after)
    cause = "" if change.cause == "declared" else f" ({change.cause})"
    return f"{change.field}: {live} → {declared} is pending{cause}"


def _apart(of: ModelNames) -> Iterable[str]:
    """Yield the names that are not as declared; the plan of a held model only counts them."""
    for holder in holders(of):
        if holder.declared not in (None, holder.version):
            live = "nothing" if holder.version is None else f"v{holder.version}"
            yield f"{holder.name}: {live} is live, and git declares v{holder.declared}"


def _value(address: Field, held: Value | None) -> str:
    if held is None:
        return "nothing"
    if address.name == "alias":
        return f"v{held}"
    text = str(held)
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"
    return cut if address.name == "stage" else f"“{cut}”"


def _undeclared(of: ModelNames, verdict: ModelVerdict) -> Iterable[str]:
    if verdict.managed_by is not None:
        yield f"the state folder `{verdict.managed_by}` manages it"
    else:
        yield "git does not declare this model"
    yield from _in_use(of.live_fields)


def _unmanaged(of: ModelNames, addresses: Sequence[Field]) -> Iterable[str]:
    fields = of.live_fields
    found = {address: fields[address] for address in addresses if address in fields}
    return (f"{sentence}, which git does not declare" for sentence in _in_use(found))


def _in_use(fields: Fields) -> Iterable[str]:
    for version, stage in sorted(stages(fields).items()):
        if stage in ACTIVE_STAGES:
            yield f"v{version} is in {stage}"
    for alias, version in sorted(aliases(fields).items()):
        yield f"@{alias} is on v{version}"
