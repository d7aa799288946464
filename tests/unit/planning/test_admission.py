"""What can be applied at all: a plan that was judged and that nothing forbids."""

from dataclasses import replace

import pytest

from reconciler.apply.executor import apply
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.plan import AdmittedPlan, StateRef, only
from reconciler.core.settings import Settings
from reconciler.core.violations import Consent
from reconciler.errors import ExitCode, Refused
from reconciler.planning.checks import Judging
from reconciler.planning.planner import Checkout, PlanRequest, compare, reconcile
from tests.support.plans.checks_lab import (
    APPROVED,
    BETTER,
    OWNER,
    PROMOTE,
    REF,
    WORSE,
    Gates,
    declared,
)
from tests.support.plans.gate_lab import GATE
from tests.support.repositories.fake_history import FakeHistory

_ACCEPTED = frozenset({Consent("good", "m")})


@pytest.fixture
def gates() -> Gates:
    return Gates()


def test_a_plan_that_a_policy_denies_is_not_admitted_and_says_every_reason(gates: Gates) -> None:
    rules = (BETTER, replace(BETTER, name="again"))
    with pytest.raises(Refused) as refused:
        AdmittedPlan(gates.plan(rules, WORSE, planning=False))
    assert refused.value.message == "the plan is refused by again, good"
    problems = refused.value.problems
    assert [(one.code, one.model) for one in problems] == [(ExitCode.REFUSED, "m")] * 2
    assert "metrics.auc is 0.85" in problems[0].message
    assert "--accept good=m" in (problems[1].hint or "")


def test_a_plan_that_a_guard_denies_is_not_admitted(gates: Gates) -> None:
    with pytest.raises(Refused, match="empty-serving"):
        AdmittedPlan(gates.plan((), declared({1: "Archived"}), planning=False))


def test_a_plan_that_waits_for_an_approval_is_not_admitted(gates: Gates) -> None:
    plan = gates.plan((APPROVED,), PROMOTE)
    assert plan.denied == ()
    with pytest.raises(Refused, match="two-people"):
        AdmittedPlan(plan)


@pytest.mark.parametrize("enforce", ["warn", "deny"])
def test_what_only_warns_or_is_consented_to_is_admitted(gates: Gates, enforce: str) -> None:
    warns = enforce == "warn"
    rule = replace(BETTER, enforce="warn" if warns else "deny")
    judging = GATE if warns else replace(GATE, accept=_ACCEPTED)
    plan = gates.plan((rule,), WORSE, judging=judging, planning=False)
    assert plan.violations != ()
    assert apply(AdmittedPlan(plan), gates.registry).exit_code() == 0


def test_a_plan_is_not_applied_before_it_is_admitted(gates: Gates) -> None:
    plan = gates.plan((), PROMOTE, planning=False)
    gates.registry.writes.clear()
    with pytest.raises(AttributeError):
        apply(plan, gates.registry)  # type: ignore[arg-type]
    assert gates.registry.writes == []


def test_what_nobody_judged_is_for_looking_at_alone(gates: Gates) -> None:
    settings = Settings(policies=(BETTER,))
    commit = gates.commits.commit({"m": WORSE}, settings=settings)
    desired = DeclaredState(OWNER, settings, {"m": WORSE})
    history = FakeHistory(gates.commits, commit)
    checkout = Checkout(desired, StateRef(OWNER, commit), OWNER, history)
    compared = compare(checkout, gates.registry, REF, PlanRequest(planning=False))
    for draft in (compared.plan, only(compared.plan, lambda _: True)):
        assert draft.changes != ()
        with pytest.raises(AttributeError):
            AdmittedPlan(draft)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="judging"):
        reconcile(checkout, gates.registry, REF, PlanRequest())  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="context"):
        Judging()  # type: ignore[call-arg]
