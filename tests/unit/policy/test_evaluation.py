"""What nothing else noticed in plan, guards and policies when one operator was another one.

Found by mutation testing (`make mutate`).
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta, timezone

import pytest

from reconciler.core.changes import Change
from reconciler.core.facts import Column, Facts, Run, Signature
from reconciler.core.plan import (
    DraftPlan,
    JudgedPlan,
    ModelPlan,
    RegistryRef,
    Snapshot,
    StateRef,
    accepting,
    only,
)
from reconciler.core.policies import (
    Approvals,
    Lineage,
    On,
    Policy,
    Requirement,
    SignatureRule,
    Soak,
    Transitions,
)
from reconciler.core.state import Declaration, Field, Identity, Live, Serving, Value
from reconciler.core.transitions import Transition
from reconciler.core.violations import Consent, Violation
from reconciler.errors import ExitCode, Problem
from reconciler.policy.builtin_rules import StageEntry
from reconciler.policy.evaluation import (
    PolicyContext,
    PolicyInput,
    PolicyResult,
    Topic,
    check_policies,
    versions_to_know,
)
from reconciler.policy.guards import (
    GuardInput,
    check_guards,
    check_registry,
    checkout_violations,
)
from reconciler.policy.unread import Gap
from reconciler.policy.variables import Approval, Commit

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=timezone.utc)
MOVE = Transition("m", 2, stage="Production", before="Staging", incumbent=1)
SERVED = (Serving(),)
LIVE = Live("m", {Field("tag", 2, "ticket"): "A-1", Field("tag", 1, "other"): "x"}, {})
LOADED = Facts(
    params={"lr": "0.1"},
    run=Run("r", tags={"git": "c0ffee"}),
    signature=Signature((Column("a", "long"),)),
)


class NoExpressions:
    """The port's answer where no policy is written in CEL: asking it anything is a mistake."""

    def unmet(self, source: str, scope: Mapping[str, object]) -> str | None:
        raise AssertionError(source, scope)

    def holds_without(
        self, source: str, scope: Mapping[str, object], gaps: Collection[Gap]
    ) -> bool:
        raise AssertionError(source, scope, gaps)

    def may_be_approved(self, source: str, scope: Mapping[str, object]) -> bool:
        raise AssertionError(source, scope)

    def reads(self, source: str, topic: Topic) -> bool:
        raise AssertionError(source, topic)

    def keys(self, source: str, path: str) -> Collection[str | int | None]:
        raise AssertionError(source, path)


class StageHistory:
    """A history in which one version of one model served, and one of one is in one stage."""

    def __init__(self, served: tuple[str, int], since: datetime) -> None:
        self._served = served
        self._since = since

    def served_before(self, model: str, version: int) -> bool:
        return (model, version) == self._served

    def entered(self, model: str, version: int, stage: str) -> StageEntry | None:
        here = (model, version, stage) == ("m", 2, "Staging")
        return StageEntry(self._since, "main line") if here else None


def policy(requires: Requirement, name: str = "rule") -> Policy:
    return Policy(name, On(stages=("Production",)), requires)


def verdict(
    requires: Requirement,
    facts: Mapping[int, Facts] | None = None,
    *,
    stage_history: StageHistory | None = None,
    transition: Transition = MOVE,
) -> PolicyResult:
    policy_input = PolicyInput(
        Declaration("m", {}, {}), LIVE, (transition,), SERVED, (policy(requires),)
    )
    return check_policies(
        policy_input, facts or {}, PolicyContext(NoExpressions(), NOW, stage_history)
    )


def said(found: PolicyResult) -> list[str]:
    return [violation.message for violation in found.violations]


# --- policies


def test_lineage_looks_at_the_version_that_moves_and_at_its_live_tags() -> None:
    rule = Lineage(("params.lr", "run.tags.git", "tags.ticket"))
    assert said(verdict(rule, {2: LOADED})) == []
    (message,) = said(verdict(rule, {1: LOADED}))
    assert "no `params.lr`, no `run.tags.git`" in message
    (message,) = said(verdict(Lineage(("tags.other",)), {2: LOADED}))
    assert message.startswith("v2 → Production: v2: no `tags.other`")


def test_a_signature_is_compared_with_the_incumbents() -> None:
    rule = SignatureRule("compatible")
    wider = Facts(signature=Signature((Column("b", "long"),)))
    assert said(verdict(rule, {1: LOADED, 2: LOADED})) == []
    (message,) = said(verdict(rule, {1: LOADED, 2: wider}))
    assert "breaks callers of v1" in message
    alone = Transition("m", 2, stage="Production", before="Staging")
    assert said(verdict(rule, {1: LOADED, 2: wider}, transition=alone)) == []
    assert said(verdict(rule, {2: wider})) == []


def test_soak_asks_for_this_version_in_the_stage_that_it_leaves() -> None:
    rule = Soak(timedelta(days=2))
    never = ("m", 9)
    long_ago = StageHistory(never, NOW - timedelta(days=2))
    assert said(verdict(rule, stage_history=long_ago)) == []
    assert len(said(verdict(rule, stage_history=StageHistory(never, NOW - timedelta(days=1))))) == 1
    for transition in (
        Transition("other", 2, stage="Production", before="Staging"),
        Transition("m", 3, stage="Production", before="Staging"),
    ):
        (message,) = said(verdict(rule, stage_history=long_ago, transition=transition))
        assert "it is not known when" in message


def test_only_a_version_of_this_model_that_served_before_is_exempt() -> None:
    rule, straight = (
        Transitions(("Staging", "Production")),
        Transition("m", 2, "Production", "Archived"),
    )
    for served, broken in ((("m", 2), 0), (("m", 1), 1), (("other", 2), 1)):
        found = verdict(rule, stage_history=StageHistory(served, NOW), transition=straight)
        assert len(found.violations) == broken


def test_a_rule_from_before_is_named_as_such_and_one_of_now_is_not() -> None:
    now, before = policy(Lineage(("tags.a",)), "now"), policy(Lineage(("tags.b",)), "before")
    policy_input = PolicyInput(None, LIVE, (MOVE,), SERVED, (now,), (now, before))
    messages = {
        one.name: one.message
        for one in check_policies(policy_input, {}, PolicyContext(NoExpressions(), NOW)).violations
    }
    assert set(messages) == {"now", "before"}
    assert messages["before"].endswith("`ticket` (the rule as it was before this change)")
    assert messages["now"].endswith("tags: `ticket`")


def test_facts_are_read_for_every_move_of_every_rule_that_looks_at_them() -> None:
    transitions = (
        MOVE,
        Transition("m", 3, stage="Staging"),
        Transition("m", 4, stage="Production", incumbent=2),
    )
    rules = (policy(Lineage(("params.lr",))), policy(Lineage(("tags.ticket",))))
    policy_input = PolicyInput(None, LIVE, transitions, SERVED, rules)
    assert list(versions_to_know(policy_input, NoExpressions())) == [1, 2, 4]
    assert (
        list(
            versions_to_know(
                PolicyInput(None, LIVE, transitions, SERVED, rules[1:]), NoExpressions()
            )
        )
        == []
    )


def test_the_commit_is_asked_for_with_the_live_model() -> None:
    def commit_of(live: Live) -> Commit:
        return Commit(approvals=(Approval("ann"), Approval("bob")) if live is LIVE else ())

    policy_input = PolicyInput(
        None, LIVE, (MOVE,), SERVED, (policy(Approvals(2)), policy(Approvals(3), "three"))
    )
    for planning in (True, False):
        context = PolicyContext(NoExpressions(), NOW, None, commit_of, planning=planning)
        found = check_policies(policy_input, {}, context)
        broken = found.pending if planning else found.violations
        assert [one.name for one in broken] == ["three"]
        assert len(found.pending) + len(found.violations) == 1


# --- guards


@pytest.mark.parametrize(
    ("asked", "found", "what"),
    [
        (("a", "b"), ("c", "d", "e"), "it has 3 others"),
        (("a", "b"), (), "it lists no models"),
    ],
)
def test_a_registry_with_none_of_several_models_is_told_by_what_it_has(
    asked: tuple[str, ...], found: tuple[str, ...], what: str
) -> None:
    (violation,) = check_registry(asked, found, "http://x")
    assert violation.message == f"none of the 2 declared models is in http://x; {what}"
    assert violation.name == "wrong-registry"
    assert (
        violation.hint
        == "check that this is the right registry, and that these credentials may read it"
    )


@pytest.mark.parametrize(("asked", "found"), [(("a",), ()), (("a", "b"), ("b", "c"))])
def test_one_missing_model_or_one_that_is_there_is_no_wrong_registry(
    asked: tuple[str, ...], found: tuple[str, ...]
) -> None:
    assert check_registry(asked, found, "http://x") == ()


def test_a_dirty_checkout_names_three_files_and_how_many_more() -> None:
    (violation,) = checkout_violations(["a", "b", "c", "d", "e"], None, [])
    assert violation.message == "not committed: a, b, c and 2 more"
    assert (violation.name, violation.model, violation.denies) == ("dirty", None, True)
    assert (
        checkout_violations(["a", "b", "c", "d"], None, [])[0].message
        == "not committed: a, b, c and 1 more"
    )
    (violation,) = checkout_violations(["a", "b", "c"], None, [])
    assert violation.message == "not committed: a, b, c"
    assert violation.hint == "commit them: only committed files are applied"


def test_a_commit_off_the_main_line_is_refused_unless_that_is_accepted() -> None:
    (violation,) = checkout_violations([], "it is not on main", [Consent("removals")])
    assert (violation.name, violation.model) == ("off-main", None)
    assert (violation.message, violation.denies) == ("it is not on main", True)
    assert "`apply --accept off-main`" in violation.hint
    (accepted,) = checkout_violations([], "it is not on main", [Consent("off-main")])
    assert not accepted.denies
    assert checkout_violations([], None, []) == ()
    assert [one.name for one in checkout_violations(["a"], "it is not", [])] == [
        "dirty",
        "off-main",
    ]


def _judged(removed: int, declared: int) -> GuardInput:
    live: dict[Field, Value] = {Field("tag", 1, f"t{number}"): "x" for number in range(removed)}
    changes = [Change("m", address, "x", None, "removed") for address in live]
    return GuardInput(Declaration("m", {}, {}), live, changes, declared, (), ())


@pytest.mark.parametrize(
    ("removed", "declared", "refused"),
    [(10, 10, False), (11, 11, True), (11, 36, True), (11, 37, False), (12, 40, False)],
)
def test_removals_are_refused_above_ten_and_above_thirty_percent(
    removed: int, declared: int, *, refused: bool
) -> None:
    found = check_guards([_judged(removed, declared)])
    assert [one.name for one in found] == ["removals"] * refused
    assert all("on 1 model;" in one.message for one in found)
    assert all(one.hint.endswith("`apply --accept removals`") for one in found)


def test_removals_are_counted_over_all_models_that_have_some() -> None:
    models = [_judged(6, 6), _judged(6, 6), _judged(0, 1)]
    named = [
        GuardInput(Declaration(name, {}, {}), one.live, one.changes, one.declared, (), ())
        for name, one in zip("abc", models, strict=True)
    ]
    (violation,) = check_guards(named)
    assert violation.message.startswith(
        "12 of 13 declared aliases and tags would be removed, on 2 models;"
    )


def test_a_guarded_alias_and_who_serves_may_not_vanish_unless_the_model_is_retired() -> None:
    stage, champion = Field("stage", 1), Field("alias", None, "champion")
    second = Field("stage", 2)
    live: dict[Field, Value] = {stage: "Production", second: "Production", champion: 1}
    live[Field("alias", None, "x")] = 1
    changes = [
        Change("m", stage, "Production", "Archived", "declared"),
        Change("m", second, "Production", "None", "declared"),
        Change("m", champion, 1, None, "removed"),
        Change("m", Field("alias", None, "x"), 1, None, "removed"),
    ]
    for retired in (False, True):
        declaration = Declaration("m", {}, {}, retired=retired)
        one = GuardInput(declaration, live, changes, 9, ("champion", "gone"), (Serving(),))
        found = check_guards([one])
        assert all("`apply --accept empty-serving=m`" in violation.hint for violation in found)
        messages = [violation.message for violation in found]
        assert messages == (
            []
            if retired
            else [
                "no version would be serving (Production); now it is v1, v2",
                "@champion would be removed; it names v1 now",
            ]
        )


# --- the plan as a value

CHAMPION = Field("alias", None, "champion")
REGISTRY = RegistryRef("http://mlflow", "prod")
DIGEST = "sha256:488ee0658e4a81e4746230695a988ffb8575f6e996172c2c7c694ceab82a2c2d"
ROWS = ModelPlan(
    "fräud",
    "changes",
    changes=(Change("fräud", CHAMPION, 1, 2, "declared"),),
    seen=Snapshot(None, None, {1: Identity("r1", "s1", 1), 2: None}),
)


def plan_of(*models: ModelPlan, **rest: object) -> JudgedPlan:
    return JudgedPlan(REGISTRY, StateRef("state"), models, **{"violations": (), **rest})  # type: ignore[arg-type]


def test_a_digest_stays_the_same_from_release_to_release() -> None:
    other = ModelPlan("other", "changes", changes=(Change("other", CHAMPION, None, 3, "drift"),))
    assert plan_of(ROWS, other).digest == DIGEST
    assert plan_of(other, ROWS).digest != DIGEST
    assert plan_of(ROWS).digest == ROWS.digest(REGISTRY) != DIGEST


def test_a_saved_plans_violations_are_sorted_accepted_where_said_and_nothing_waits() -> None:
    broken = Violation("b", "m", "broken", "mend it")
    waiting = Violation("a", "m", "waits", "ask somebody")
    once = Violation("c", "m", "was accepted when it was saved", "mend it", accepted=True)
    saved = plan_of(ROWS, violations=(broken, once), pending=(waiting,))
    found = accepting(saved, [Consent("b", "m")])
    accepted = {one.name: one.accepted for one in found.violations}
    assert list(accepted.items()) == [("a", False), ("b", True), ("c", False)]
    assert found.pending == ()


def test_looking_at_some_rows_takes_the_judgement_away() -> None:
    broken = Violation("b", "m", "broken", "mend it")
    whole = plan_of(ROWS, violations=(broken,), pending=(broken,))
    seen = only(whole, lambda change: change.before == 1)
    assert seen == DraftPlan(REGISTRY, StateRef("state"), (ROWS,))
    assert only(whole, lambda change: change.cause == "drift").changes == ()


def test_a_detailed_exit_code_is_two_only_where_nothing_else_is_wrong() -> None:
    wrong = ModelPlan("n", "error", problems=(Problem("no", ExitCode.DECLARATION),))
    assert plan_of(ROWS).exit_code(detailed=True) is ExitCode.CHANGES
    assert plan_of(ROWS).exit_code() is ExitCode.OK
    assert plan_of().exit_code(detailed=True) is ExitCode.OK
    assert plan_of(ROWS, wrong).exit_code(detailed=True) is ExitCode.DECLARATION
