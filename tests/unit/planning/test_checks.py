"""What guards and policies say of a plan: which moves are judged, by which rules, at what cost."""

import math
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.facts import Facts
from reconciler.core.plan import StateRef, accepting
from reconciler.core.policies import (
    DatedFreeze,
    Expression,
    On,
    Policy,
    Soak,
    Transitions,
)
from reconciler.core.settings import Ignore, ServingRules, Settings
from reconciler.core.state import (
    COMMIT_TAG,
    OWNER_TAG,
    DatedConsent,
    Declaration,
    DeclaredVersion,
    Field,
    Serving,
)
from reconciler.core.violations import Consent
from reconciler.planning.checks import Judging, closed_by_now
from reconciler.planning.planner import Checkout, PlanRequest, reconcile
from reconciler.policy.builtin_rules import StageEntry
from reconciler.policy.variables import Approval, Commit
from tests.support.plans.checks_lab import (
    APPROVED,
    BETTER,
    NOW,
    OWNER,
    PROMOTE,
    REF,
    TO_PRODUCTION,
    WORSE,
    Gates,
    declared,
    rule,
)
from tests.support.plans.gate_lab import GATE
from tests.support.repositories.fake_history import FakeHistory


class Past:
    """What the merged history would say."""

    def __init__(self, served: set[int], entered: StageEntry | None = None) -> None:
        self.served = served
        self.since = entered

    def served_before(self, model: str, version: int) -> bool:  # noqa: ARG002  one model
        return version in self.served

    def entered(self, model: str, version: int, stage: str) -> StageEntry | None:  # noqa: ARG002
        return self.since


@pytest.fixture
def gates() -> Gates:
    return Gates()


def test_a_promotion_that_meets_its_policy_is_planned(gates: Gates) -> None:
    plan = gates.plan((BETTER,), PROMOTE)
    assert plan.violations == ()
    assert plan.exit_code() == 0


def test_one_that_does_not_is_refused_with_the_values_and_the_way_out(gates: Gates) -> None:
    plan = gates.plan((BETTER,), WORSE)
    (violation,) = plan.violations
    assert (violation.name, violation.model) == ("good", "m")
    assert violation.message.startswith("v3 → Production: ")
    assert "0.85" in violation.message
    assert "0.9" in violation.message
    assert "--accept good=m" in violation.hint
    assert plan.exit_code() == 4


def test_the_users_own_message_is_the_hint(gates: Gates) -> None:
    plan = gates.plan((replace(BETTER, message="train it longer"),), WORSE)
    assert plan.violations[0].hint.startswith("train it longer")


def test_a_warning_is_listed_and_does_not_deny(gates: Gates) -> None:
    plan = gates.plan((replace(BETTER, enforce="warn"),), WORSE)
    assert [violation.enforce for violation in plan.violations] == ["warn"]
    assert plan.denied == ()
    assert plan.exit_code() == 0


def test_every_violation_of_every_model_is_listed_with_those_of_the_guards(gates: Gates) -> None:
    empty = declared({1: "Archived"}, "other")
    low = rule("metrics.auc > 0.99", "high")
    plan = gates.plan((BETTER, low), WORSE, empty)
    assert [(one.name, one.model) for one in plan.violations] == [
        ("empty-serving", "other"),
        ("good", "m"),
        ("high", "m"),
    ]


def test_what_is_live_already_is_not_judged_unless_everything_is(gates: Gates) -> None:
    live = declared({1: "Production"})
    impossible = rule("false")
    assert gates.plan((impossible,), live).violations == ()
    assert gates.plan((impossible,), live, judging=replace(GATE, everything=True)).violations != ()


def test_drift_that_is_put_back_is_not_judged_again(gates: Gates) -> None:
    base = gates.commits.commit({"m": PROMOTE})
    gates.registry.set_tag("m", None, COMMIT_TAG, base)
    gates.registry.set_tag("m", None, OWNER_TAG, OWNER)
    plan = gates.plan((rule("false"),), PROMOTE)
    assert {change.cause for change in plan.changes} == {"drift"}
    assert plan.violations == ()


def test_models_that_do_not_change_cost_no_request(gates: Gates) -> None:
    other = declared({1: "Production"}, "other")
    rested = gates.cost((BETTER,), declared({1: "Production"}), other)
    assert rested == gates.cost((), declared({1: "Production"}), other)
    assert gates.cost((BETTER,), PROMOTE, other) == rested + 2  # v2, and v1 that it displaces


def test_a_policy_that_reads_no_run_costs_no_request_either(gates: Gates) -> None:
    tagged = rule('version.tags.validated == "true"')
    assert gates.cost((tagged,), PROMOTE) == gates.cost((), PROMOTE)


def test_a_tag_that_the_change_itself_sets_does_not_satisfy_it(gates: Gates) -> None:
    judging = rule('version.tags.validated == "true"')
    own = replace(PROMOTE, fields={**PROMOTE.fields, Field("tag", 2, "validated"): "true"})
    assert "validated" in gates.plan((judging,), own).violations[0].message
    gates.registry.set_tag("m", 2, "validated", "true")
    assert gates.plan((judging,), own).violations == ()


@pytest.mark.parametrize("value", ["", " ", "false"])
def test_an_empty_tag_is_not_true(gates: Gates, value: str) -> None:
    gates.registry.set_tag("m", 2, "validated", value)
    assert gates.plan((rule('version.tags.validated == "true"'),), PROMOTE).denied != ()


def test_an_alias_is_judged_by_what_is_asked_of_it(gates: Gates) -> None:
    gates.registry.set_alias("m", "champion", 1)
    onto = Policy("champ", On(aliases=("champion",)), Expression("change.from == 1"))
    away = replace(onto, requires=Expression("incumbent.number == 2"))
    moved = declared({}, aliases={"champion": 2})
    assert gates.plan((onto,), moved).violations == ()
    assert "@champion" in gates.plan((away,), moved).violations[0].message


def test_the_same_reason_for_a_stage_and_an_alias_is_said_once(gates: Gates) -> None:
    both = Policy("both", On(("Production",), ("champion",)), Expression("metrics.auc > 0.99"))
    plan = gates.plan((both,), declared({2: "Production"}, aliases={"champion": 2}))
    (violation,) = plan.violations
    assert violation.message.startswith("v2 → Production, @champion: ")


def test_models_that_a_policy_does_not_name_are_free(gates: Gates) -> None:
    fraud = replace(rule("false"), on=On(("Production",), models=("fraud-*",)))
    assert gates.plan((fraud,), WORSE).violations == ()


def test_consent_of_the_run_names_the_rule_and_the_model(gates: Gates) -> None:
    accept = frozenset({Consent("good", "m")})
    plan = gates.plan((BETTER,), WORSE, judging=replace(GATE, accept=accept))
    assert plan.violations[0].accepted
    assert plan.exit_code() == 0
    other = frozenset({Consent("good", "other")})
    assert gates.plan((BETTER,), WORSE, judging=replace(GATE, accept=other)).exit_code() == 4


@pytest.mark.parametrize(("days", "code"), [(-1, 4), (0, 0), (1, 0)])
def test_consent_in_the_file_ends_after_its_day(gates: Gates, days: int, code: int) -> None:
    until: date = NOW.date() + timedelta(days=days)
    consenting = replace(WORSE, accept=(DatedConsent("good", until, "a known dip"),))
    assert gates.plan((BETTER,), consenting).exit_code() == code


def test_a_rule_that_the_change_drops_or_loosens_still_judges_it(gates: Gates) -> None:
    gates.before = Settings(policies=(BETTER,))
    dropped = gates.plan((), WORSE)
    assert [violation.name for violation in dropped.violations] == ["good"]
    assert "before this change" in dropped.violations[0].message
    loosened = gates.plan((rule("metrics.auc >= 0.5"),), WORSE)
    assert [violation.name for violation in loosened.violations] == ["good"]


def test_a_rule_that_the_change_brings_judges_it_at_once(gates: Gates) -> None:
    gates.before = Settings()
    assert [violation.name for violation in gates.plan((BETTER,), WORSE).violations] == ["good"]


def test_without_a_branch_the_rules_before_are_those_of_the_models_recorded_commit(
    gates: Gates,
) -> None:
    live = declared({1: "Production"})
    base = gates.commits.commit({"m": live}, settings=Settings(policies=(BETTER,)))
    gates.registry.set_tag("m", None, COMMIT_TAG, base)
    gates.registry.set_tag("m", None, OWNER_TAG, OWNER)
    head = gates.commits.commit({"m": WORSE}, base, settings=Settings())
    checkout = Checkout(
        DeclaredState(OWNER, Settings(), {"m": WORSE}),
        StateRef(OWNER, head),
        OWNER,
        FakeHistory(gates.commits, head),
    )
    plan = reconcile(
        checkout, gates.registry, REF, PlanRequest(planning=False), Judging(gates.context)
    ).plan
    assert [violation.name for violation in plan.violations] == ["good"]


def test_a_rule_that_was_dropped_one_merge_before_is_gone_for_every_model(gates: Gates) -> None:
    live = {"m": declared({1: "Production"})}
    base = gates.commits.commit(live, settings=Settings(policies=(BETTER,)))
    gates.registry.set_tag("m", None, COMMIT_TAG, base)
    gates.registry.set_tag("m", None, OWNER_TAG, OWNER)
    dropped = gates.commits.commit(live, base, settings=Settings())
    for before, names in ((base, ["good"]), (dropped, [])):
        head = gates.commits.commit({"m": WORSE}, before, settings=Settings())
        checkout = Checkout(
            DeclaredState(OWNER, Settings(), {"m": WORSE}),
            StateRef(OWNER, head),
            OWNER,
            FakeHistory(gates.commits, head),
        )
        ask = PlanRequest(planning=False)
        plan = reconcile(checkout, gates.registry, REF, ask, Judging(gates.context)).plan
        assert [violation.name for violation in plan.violations] == names


def test_settings_that_loosen_take_effect_one_merge_later_and_the_plan_says_so(
    gates: Gates,
) -> None:
    gates.registry.set_tag("m", 1, "kept", "x")
    gates.before = Settings(guarded_aliases=("champion", "blue"))
    loose = Settings(
        exclusive=(),
        guarded_aliases=("champion",),
        ignore=Ignore(tags=("mlflow.*", "reconciler.*", "kept")),
        serving=ServingRules(Serving(stage="Staging")),
    )
    tagged = declared({2: "Production"}, tags={(1, "kept"): "y"})
    tagged = replace(tagged, versions={**tagged.versions, 1: DeclaredVersion()})
    plan = gates.plan(loose, tagged)
    moved = {(change.field, change.after) for change in plan.changes}
    assert (Field("stage", 1), "Archived") in moved  # Production still holds one
    assert (Field("tag", 1, "kept"), "y") in moved  # and the tag is not ignored yet
    said = " ".join(plan.notes)
    for word in ("Production", "@blue", "kept", "Staging"):
        assert word in said


def test_tighter_settings_take_effect_at_once(gates: Gates) -> None:
    gates.before = Settings(exclusive=())
    plan = gates.plan(Settings(), PROMOTE)
    assert plan.notes == ()
    assert Field("stage", 1) in {change.field for change in plan.changes}


def test_a_new_meaning_of_serving_is_guarded_besides_the_old_one(gates: Gates) -> None:
    gates.registry.set_alias("m", "live", 1)
    gates.before = Settings(guarded_aliases=())
    own = Settings(serving=ServingRules(Serving(None, "live")), guarded_aliases=())
    base = declared({1: "Production"}, aliases={"live": 1})
    recorded = gates.commits.commit({"m": base}, settings=own)
    gates.registry.set_tag("m", None, COMMIT_TAG, recorded)
    gates.registry.set_tag("m", None, OWNER_TAG, OWNER)
    for lost in (declared({1: "Archived"}, aliases={"live": 1}), declared({1: "Production"})):
        tree = {"m": lost}
        head = gates.commits.commit(tree, recorded, settings=own)
        checkout = Checkout(
            DeclaredState(OWNER, own, tree),
            StateRef(OWNER, head),
            OWNER,
            FakeHistory(gates.commits, head),
            base_settings=gates.before,
        )
        plan = reconcile(checkout, gates.registry, REF, PlanRequest(), GATE).plan
        assert [violation.name for violation in plan.violations] == ["empty-serving"]


def _recorded(gates: Gates, *declarations: Declaration, settings: Settings) -> None:
    """Have the registry record a commit that declares this."""
    tree = {declaration.model: declaration for declaration in declarations}
    commit = gates.commits.commit(tree, settings=settings)
    gates.parents = (commit,)
    gates.registry.set_tag("m", None, COMMIT_TAG, commit)
    gates.registry.set_tag("m", None, OWNER_TAG, OWNER)


def test_a_model_cannot_say_that_something_else_serves_and_lose_what_serves(gates: Gates) -> None:
    gates.registry.set_alias("m", "live", 2)
    settings = Settings(guarded_aliases=())
    _recorded(gates, declared({1: "Production"}), settings=settings)
    lost = replace(declared({1: "Archived"}, aliases={"live": 2}), serving=Serving(None, "live"))
    plan = gates.plan(settings, lost)
    assert [violation.name for violation in plan.violations] == ["empty-serving"]
    assert "`serving` of `m` is still Production, not @live" in plan.notes


def test_what_the_recorded_file_said_serves_already_is_all_that_counts(gates: Gates) -> None:
    gates.registry.set_alias("m", "live", 1)
    settings, by_alias = Settings(guarded_aliases=()), Serving(None, "live")
    before = declared({1: "Production"}, aliases={"live": 1})
    _recorded(gates, replace(before, serving=by_alias), settings=settings)
    after = replace(declared({1: "Archived"}, aliases={"live": 1}), serving=by_alias)
    plan = gates.plan(settings, after)
    assert plan.changes
    assert (plan.violations, plan.notes) == ((), ())


def test_a_glob_cannot_either(gates: Gates) -> None:
    gates.registry.set_alias("m", "live", 2)
    gates.before = Settings(guarded_aliases=())
    rules = ServingRules(Serving(), (("m*", Serving(None, "live")),))
    plan = gates.plan(replace(gates.before, serving=rules), declared({1: "Archived"}))
    assert [violation.name for violation in plan.violations] == ["empty-serving"]


def test_a_rule_about_what_serves_follows_a_model_to_the_old_place_and_the_new(
    gates: Gates,
) -> None:
    gates.registry.set_alias("m", "live", 1)
    no = (Policy("no", On(serving=True), Expression("false")),)
    settings = Settings(guarded_aliases=(), policies=no)
    _recorded(gates, declared({1: "Production"}, aliases={"live": 1}), settings=settings)
    by_alias = Serving(None, "live")
    stage = declared({2: "Production", 1: "Archived"}, aliases={"live": 1})
    stage = replace(stage, serving=by_alias)
    alias = replace(declared({1: "Production"}, aliases={"live": 2}), serving=by_alias)
    for moved in (stage, alias):
        assert [one.name for one in gates.plan(settings, moved).violations] == ["no"]
    # What serves by the stage is not concerned by an alias.
    other = declared({1: "Production"}, aliases={"live": 2})
    assert gates.plan(settings, other).violations == ()


def test_a_pull_request_is_held_to_what_the_file_says_serves_on_the_main_line(
    gates: Gates,
) -> None:
    gates.registry.set_alias("m", "live", 1)
    settings = Settings(policies=(Policy("no", On(serving=True), Expression("false")),))
    by_alias = replace(
        declared({1: "Production"}, aliases={"live": 1}), serving=Serving(None, "live")
    )
    main = gates.commits.commit({"m": by_alias}, settings=settings)
    tree = {"m": declared({1: "Production"}, aliases={"live": 2})}
    branch = gates.commits.commit({"m": replace(by_alias, serving=None)}, main, settings=settings)
    head = gates.commits.commit(tree, branch, settings=settings)
    for base, names in ((None, []), (main, ["no"])):
        checkout = Checkout(
            DeclaredState(OWNER, settings, tree),
            StateRef(OWNER, head),
            OWNER,
            FakeHistory(gates.commits, head),
            base_settings=settings if base else None,
            base_commit=base,
        )
        plan = reconcile(checkout, gates.registry, REF, PlanRequest(), GATE).plan
        assert [violation.name for violation in plan.violations] == names


def test_where_an_alias_and_a_stage_part_the_plan_says_it(gates: Gates) -> None:
    gates.registry.set_alias("m", "champion", 1)
    (model,) = gates.plan((), declared({2: "Production", 1: "Archived"})).models
    (message,) = model.messages
    assert message.startswith("@champion stays on v1, which goes to Archived, while v2 takes Prod")


def test_a_registry_with_none_of_the_declared_models_is_likely_another_one(gates: Gates) -> None:
    lost = (declared({1: "Production"}, "x"), declared({1: "Production"}, "y"))
    plan = gates.plan((), *lost)
    assert [violation.name for violation in plan.violations] == ["wrong-registry"]
    assert "2 others" in plan.violations[0].message
    assert gates.plan((), *lost, PROMOTE).violations == ()


def test_whoever_is_displaced_is_an_incumbent(gates: Gates) -> None:
    gates.registry.set_stage("m", 3, "Production")  # worse than v1, and higher
    between = rule("metrics.auc >= incumbent.metrics.auc")
    gates.registry.set_facts("m", 2, Facts(metrics={"auc": 0.88}))
    plan = gates.plan((between,), declared({2: "Production"}))
    (violation,) = plan.violations
    assert "0.9" in violation.message


def test_a_freeze_that_began_after_a_plan_was_saved_stops_it(gates: Gates) -> None:
    begin = datetime(2026, 11, 18, 13, 0)  # noqa: DTZ001  on the wall clock of its zone
    frozen = Policy("frozen", TO_PRODUCTION, DatedFreeze(begin, begin + timedelta(days=1), "UTC"))
    saved = gates.plan((frozen,), PROMOTE)
    assert saved.violations == ()
    desired = DeclaredState(OWNER, Settings(policies=(frozen,)), {"m": PROMOTE})
    assert closed_by_now(saved, desired, gates.context).violations == ()
    later = replace(gates.context, now=NOW + timedelta(hours=2))
    assert [one.name for one in closed_by_now(saved, desired, later).denied] == ["frozen"]


def test_a_missing_approval_waits_in_a_plan_and_denies_in_an_apply(gates: Gates) -> None:
    plan = gates.plan((APPROVED,), PROMOTE)
    assert plan.violations == ()
    assert [waiting.name for waiting in plan.pending] == ["two-people"]
    assert plan.exit_code() == 0
    refused = gates.plan((APPROVED,), PROMOTE, planning=False)
    assert [violation.name for violation in refused.violations] == ["two-people"]
    assert refused.exit_code() == 4


_ALICE = 'commit.approvals.exists(a, a.login == "alice")'
_OF_RISK = 'commit.approvals.exists(a, a.login.endsWith("-risk"))'


@pytest.mark.parametrize(
    "source",
    [
        _ALICE,
        f"commit.approvals != null && {_ALICE}",
        'size(commit.approvals.filter(a, a.login in ["alice", "bo"])) == 2',
        'commit.approvals.exists_one(a, a.login.matches("^(ana|cy)$"))',
        "size(commit.approvals) == 2",
        "size(commit.approvals) >= 25",
        'size(commit.approvals) > 1 && !commit.approvals.exists(a, a.login == "mallory")',
        'commit.approvals.exists(a, a.commit == commit.id && a.time.startsWith("2026-"))',
        f"metrics.auc > 0.99 || {_ALICE}",
        f"metrics.never_logged > 0.99 || {_ALICE}",
        "metrics.never_logged > 0.99 || size(commit.approvals) >= 3",
        f"{_ALICE} && metrics.auc + 1 > 1",
        f"metrics.auc + 1 > 1 && {_OF_RISK}",
    ],
)
@pytest.mark.parametrize("known", [None, (), (Approval("zoe"),)])
def test_a_condition_that_approvals_can_meet_waits_for_them(
    gates: Gates, source: str, known: tuple[Approval, ...] | None
) -> None:
    commit = Commit(id="c" * 40, author="bo", approvals=known)
    gates.context = replace(gates.context, commit_of=lambda _: commit)
    plan = gates.plan((rule(source),), PROMOTE)
    assert plan.violations == ()
    assert [waiting.name for waiting in plan.pending] == ["good"]
    refused = gates.plan((rule(source),), PROMOTE, planning=False)
    assert [violation.name for violation in refused.denied] == ["good"]


@pytest.mark.parametrize(
    "source",
    [
        "size(commit.approvals) >= 1 && metrics.auc > 0.99",
        f"metrics.auc > 0.99 && {_ALICE}",
        f"metrics.auc > 0.99 && {_OF_RISK}",
        f"metrics.auc + 1 > 3 && {_OF_RISK}",
        f"metrics.never_logged > 0.5 && {_ALICE}",
        f"{_ALICE} && metrics.never_logged > 0.5",
        f"metrics.broken > 0.5 || {_ALICE}",
        "commit.approvals > 3",
        f"{_ALICE} && commit.author == 'ann'",
    ],
)
def test_what_fails_for_another_reason_does_not_wait_for_an_approval(
    gates: Gates, source: str
) -> None:
    gates.registry.set_facts("m", 2, Facts(metrics={"auc": 0.93, "broken": math.nan}))
    plan = gates.plan((rule(source),), PROMOTE)
    assert plan.pending == ()
    assert [violation.name for violation in plan.violations] == ["good"]


def test_a_saved_plan_that_waits_for_an_approval_is_not_applied_without_it(gates: Gates) -> None:
    saved = accepting(gates.plan((APPROVED,), PROMOTE), frozenset())
    assert [violation.name for violation in saved.denied] == ["two-people"]


def test_verified_approvals_of_others_than_the_authors_count(gates: Gates) -> None:
    by = tuple(Approval(login) for login in ("ana", "Bo", "cy"))
    commit = Commit(id="c", author="Bo <bo@x>", authors=frozenset({"bo"}), approvals=by)
    gates.context = replace(gates.context, commit_of=lambda _: commit)
    assert gates.plan((APPROVED,), PROMOTE, planning=False).violations == ()
    alone = replace(commit, approvals=by[:2])
    gates.context = replace(gates.context, commit_of=lambda _: alone)
    assert gates.plan((APPROVED,), PROMOTE, planning=False).denied != ()


ORDER = Policy(
    "order",
    On(("Staging", "Production")),
    Transitions(("None", "Staging", "Production", "Archived")),
)


def test_a_version_that_served_before_may_come_back_at_once(gates: Gates) -> None:
    soaked = Policy("soak", TO_PRODUCTION, Soak(timedelta(days=1)))
    assert {one.name for one in gates.plan((ORDER, soaked), WORSE).violations} == {"order", "soak"}
    gates.context = replace(gates.context, stage_history=Past({3}))
    assert gates.plan((ORDER, soaked), WORSE).violations == ()


def test_a_stage_is_soaked_from_when_it_was_entered(gates: Gates) -> None:
    soaked = Policy("soak", TO_PRODUCTION, Soak(timedelta(days=1)))
    for hours, names in ((23, ["soak"]), (25, [])):
        since = StageEntry(NOW - timedelta(hours=hours), "apply record", "c0ffee")
        gates.context = replace(gates.context, stage_history=Past(set(), since))
        assert [one.name for one in gates.plan((soaked,), PROMOTE).violations] == names
