"""Two plans around a step: each value that only one of them writes refuses it."""

from reconciler.api.migration.plan_proof import PlansOfStep, pending_bridge
from reconciler.core.changes import Cause, Change
from reconciler.core.plan import DraftPlan, ModelPlan, RegistryRef, StateRef
from reconciler.core.state import Field, Value
from reconciler.errors import ExitCode, Problem

_ALIAS = Field("alias", None, "champion")
_BROKEN = Problem("v9 does not exist", ExitCode.DECLARATION, model="m")
_UNREAD = Problem("model `m` cannot be read: 403", ExitCode.REGISTRY, model="m")


def change(
    before: Value | None, after: Value | None, cause: Cause = "declared", field: Field = _ALIAS
) -> Change:
    return Change("m", field, before, after, cause)


def plan(*changes: Change, problems: tuple[Problem, ...] = ()) -> DraftPlan:
    model = ModelPlan("m", "changes", changes=changes, problems=problems)
    return DraftPlan(RegistryRef("http://fake"), StateRef("state", None), (model,))


def told(before: DraftPlan, after: DraftPlan) -> list[str]:
    return [problem.message for problem in PlansOfStep(before, after).differences()]


def test_plans_that_write_the_same_have_no_difference_whatever_the_causes() -> None:
    assert told(plan(), plan()) == []
    assert told(plan(change(3, 4, "bridge")), plan(change(3, 4))) == []
    assert told(plan(problems=(_BROKEN,)), plan(problems=(_BROKEN,))) == []


def test_what_only_one_of_two_plans_writes_is_told() -> None:
    stage = change("Staging", "Production", field=Field("stage", 4))
    assert told(plan(change(3, 4)), plan(change(3, 5), stage)) == [
        "`m` @champion: 3 → 5: the step would have it written",
        "`m` v4 stage: Staging → Production: the step would have it written",
        "`m` @champion: 3 → 4: it is to be written, and would not be after the step",
    ]
    assert told(plan(), plan(change(3, None))) == [
        "`m` @champion: 3 → nothing: the step would have it written"
    ]
    assert told(plan(), plan(problems=(_BROKEN,))) == ["v9 does not exist"]


def test_nothing_is_proven_of_a_model_that_cannot_be_read() -> None:
    assert told(plan(problems=(_UNREAD,)), plan(problems=(_UNREAD,))) == [_UNREAD.message]


def test_what_the_bridge_still_adds_is_pending() -> None:
    writes = pending_bridge(plan(change(None, 4, "bridge"), change(1, 2)))
    assert [str(write) for write in writes] == ["`m` @champion: - → 4"]
