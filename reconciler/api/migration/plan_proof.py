"""Proves with a plan before and after a step that the step has nothing written."""

from collections.abc import Iterator
from typing import NamedTuple

from reconciler.api.workspace import Workspace
from reconciler.core.changes import Change
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.plan import DraftPlan
from reconciler.core.state import Field, Value
from reconciler.errors import ExitCode, Problem
from reconciler.planning.live_state import read_live
from reconciler.planning.planner import PlanRequest, compare


class Write(NamedTuple):
    """One value that a plan would write, whatever its cause."""

    model: str
    field: Field
    before: Value | None
    after: Value | None

    def __str__(self) -> str:
        now = "nothing" if self.after is None else self.after
        return f"`{self.model}` {self.field}: {'-' if self.before is None else self.before} → {now}"


class PlansOfStep(NamedTuple):
    """What is to be written before a step, and after it, from the same live registry."""

    before: DraftPlan
    after: DraftPlan

    def differences(self) -> Iterator[Problem]:
        """Yield a refusal for each value that only one of the plans writes, and each new error.

        A model that cannot be read is refused, too: two plans without it prove nothing of it.
        """
        was, now = _writes(self.before), _writes(self.after)
        for write in sorted(now.keys() - was.keys(), key=_order):
            yield _refusal(write, "the step would have it written")
        for write in sorted(was.keys() - now.keys(), key=_order):
            yield _refusal(write, "it is to be written, and would not be after the step")
        was_told = {p.message for p in self.before.problems if p.code is not ExitCode.REGISTRY}
        yield from (problem for problem in self.after.problems if problem.message not in was_told)


def plans_of_step(workspace: Workspace, after: DeclaredState) -> PlansOfStep:
    """Return the plans of a checkout as it is, and as it would be; writes nothing."""
    names = {name: tuple(one.versions) for name, one in workspace.desired.declarations.items()}
    live, _ = read_live(workspace.registry, names, everything=True)

    def plan(of: Workspace) -> DraftPlan:
        request = PlanRequest(allow_superseded=True)
        return compare(of.checkout, of.registry, of.ref, request, listing=lambda: live).plan

    return PlansOfStep(plan(workspace), plan(workspace.declaring(after)))


def pending_bridge(plan: DraftPlan) -> tuple[Write, ...]:
    """Return what the bridge still has to write."""
    return tuple(write for write, change in _writes(plan).items() if change.cause == "bridge")


def _writes(plan: DraftPlan) -> dict[Write, Change]:
    changes = (change for model in plan.models for change in model.changes)
    return {Write(one.model, one.field, one.before, one.after): one for one in changes}


def _order(write: Write) -> tuple[str, tuple[int, int, str]]:
    return write.model, write.field.sort_key


def _refusal(write: Write, why: str) -> Problem:
    hint = "apply what is pending first; if nothing is, change the file by hand and look at a plan"
    return Problem(f"{write}: {why}", ExitCode.REFUSED, model=write.model, hint=hint)
