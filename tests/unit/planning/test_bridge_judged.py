"""Guards and policies see a bridged stage and its alias as one."""

from dataclasses import replace

import pytest

from reconciler.core.declaring.bridge import Bridge
from reconciler.core.declaring.implied import complete
from reconciler.core.durations import parse_duration
from reconciler.core.plan import JudgedPlan
from reconciler.core.policies import Expression, On, Policy, Soak
from reconciler.core.settings import ServingRules, Settings
from reconciler.core.state import COMMIT_TAG, Declaration, Serving
from reconciler.core.transitions import Transition, in_both_words
from tests.support.plans.checks_lab import Gates, declared

PAIR = Bridge((("Production", "champion"),))
BRIDGED = Settings(bridge=PAIR)
BY_STAGE = On(stages=("Production",))
BY_ALIAS = On(aliases=("champion",))
BY_BOTH = On(stages=("Production",), aliases=("champion",))
PROMOTIONS = {
    "stage": declared({3: "Production"}),
    "alias": declared({}, aliases={"champion": 3}),
    "both": declared({3: "Production"}, aliases={"champion": 3}),
}


def never(on: On, name: str) -> Policy:
    return Policy(name, on, Expression("metrics.auc > 0.99"))


class Bridged(Gates):
    """The same registry, under a bridge: v1 is in Production and has @champion."""

    def __init__(self) -> None:
        super().__init__()
        self.registry.set_alias("m", "champion", 1)
        self.was = BRIDGED

    def judged(self, settings: Settings, desired: Declaration, *, was: Declaration) -> JudgedPlan:
        """Return the plan of a merge onto what `was` declares and is applied."""
        tree = {"m": complete(was, self.was)}
        base = self.commits.commit(tree, settings=self.was)
        self.registry.set_tag("m", None, COMMIT_TAG, base)
        self.parents = (base,)
        self.before = self.was
        return self.plan(settings, complete(desired, settings))


@pytest.fixture
def gates() -> Bridged:
    return Bridged()


def said(plan: JudgedPlan) -> list[tuple[str, str]]:
    return [(one.name, one.message.partition(":")[0]) for one in plan.violations]


ONE = declared({1: "Production"})


@pytest.mark.parametrize("word", PROMOTIONS)
def test_a_promotion_in_either_word_is_judged_by_policies_on_both(
    gates: Bridged, word: str
) -> None:
    policies = (never(BY_STAGE, "by-stage"), never(BY_ALIAS, "by-alias"), never(BY_BOTH, "by-both"))
    gates.was = settings = replace(BRIDGED, policies=policies)
    plan = gates.judged(settings, PROMOTIONS[word], was=ONE)
    assert said(plan) == [
        ("by-alias", "v3 → @champion"),
        ("by-both", "v3 → Production, @champion"),
        ("by-stage", "v3 → Production"),
    ]


def test_a_policy_that_gives_each_word_another_reason_is_broken_once(gates: Bridged) -> None:
    policy = Policy("soaked", BY_BOTH, Soak(parse_duration("48h")))
    gates.was = settings = replace(BRIDGED, policies=(policy,))
    plan = gates.judged(settings, PROMOTIONS["stage"], was=ONE)
    assert said(plan) == [("soaked", "v3 → Production, @champion")]


def test_a_word_that_is_live_by_hand_is_judged_when_git_declares_the_pair(gates: Bridged) -> None:
    gates.registry.set_alias("m", "champion", 3)
    gates.was = settings = replace(BRIDGED, policies=(never(BY_ALIAS, "by-alias"),))
    plan = gates.judged(settings, PROMOTIONS["stage"], was=ONE)
    assert said(plan) == [("by-alias", "v3 → @champion")]


def test_a_change_that_also_removes_the_bridge_is_judged_by_policies_on_both(
    gates: Bridged,
) -> None:
    policies = (never(BY_STAGE, "by-stage"),)
    gates.was = replace(BRIDGED, policies=policies)
    was = declared({}, aliases={"champion": 1})
    for settings in (Settings(policies=policies), Settings()):
        plan = gates.judged(settings, PROMOTIONS["alias"], was=was)
        assert [change.field.name for change in plan.changes] == ["alias"]
        assert [name for name, _ in said(plan)] == ["by-stage"]


@pytest.mark.parametrize(
    "serving", [Serving("Production"), Serving(None, "champion")], ids=["stage", "alias"]
)
@pytest.mark.parametrize("word", ["stage", "alias", "both"])
def test_a_model_that_would_serve_nothing_is_told_once(
    gates: Bridged, serving: Serving, word: str
) -> None:
    was = {
        "stage": ONE,
        "alias": declared({}, aliases={"champion": 1}),
        "both": declared({1: "Production"}, aliases={"champion": 1}),
    }
    gates.was = settings = replace(BRIDGED, serving=ServingRules(serving))
    gone = declared({1: "Archived"})
    plan = gates.judged(settings, gone, was=was[word])
    assert [one.name for one in plan.violations] == ["empty-serving"]
    names = "Production, @champion" if serving.stage else "@champion"
    assert plan.violations[0].message == f"no version would be serving ({names}); now it is v1"


def test_a_switch_of_what_serves_is_told_once_for_the_pair(gates: Bridged) -> None:
    by_alias = replace(BRIDGED, serving=ServingRules(Serving(None, "champion")))
    plan = gates.judged(by_alias, declared({1: "Archived"}), was=ONE)
    assert [one.name for one in plan.violations] == ["empty-serving"]


def test_a_change_that_removes_the_bridge_and_its_alias_is_guarded(gates: Bridged) -> None:
    gates.was = replace(BRIDGED, guarded_aliases=())
    both = declared({1: "Production"}, aliases={"champion": 1})
    plan = gates.judged(Settings(guarded_aliases=()), ONE, was=both)
    assert [one.message for one in plan.violations] == [
        "@champion would be removed; it names v1 now"
    ]


PAIRS = Bridge((("Production", "champion"), ("Staging", "challenger")))
EXCLUSIVE = Settings(exclusive=("Production", "Staging"))
OF_A_FLEET = replace(EXCLUSIVE, bridge=PAIRS)


def fleet(gates: Bridged, was: Declaration, now: Declaration, settings: Settings) -> JudgedPlan:
    """Return the plan of a merge that changes twelve models alike."""
    before, after = {}, []
    for name in (f"m{number}" for number in range(12)):
        gates.registry.create_model(name)
        for number in (1, 2):
            gates.registry.create_version(name, run_id=f"run-{number}")
            gates.registry.set_stage(name, number, ("Production", "Staging")[number - 1])
        gates.registry.set_alias(name, "champion", 1)
        gates.registry.set_alias(name, "challenger", 2)
        gates.registry.set_alias(name, "canary", 2)
        before[name] = complete(replace(was, model=name), OF_A_FLEET)
        after.append(complete(replace(now, model=name), settings))
    base = gates.commits.commit(before, settings=OF_A_FLEET)
    for name in before:
        gates.registry.set_tag(name, None, COMMIT_TAG, base)
    gates.parents, gates.before = (base,), OF_A_FLEET
    plan = gates.plan(settings, *after)
    assert sum(change.action == "remove" for change in plan.changes) == len(before)
    return plan


STAGED = declared({1: "Production", 2: "Staging"})


def test_an_alias_that_leaves_with_its_stage_is_no_lost_file(gates: Bridged) -> None:
    """A release of many challengers is not what the guard `removals` is about."""
    released = declared({2: "Production", 1: "Archived"})
    assert fleet(gates, STAGED, released, OF_A_FLEET).violations == ()


@pytest.mark.parametrize(
    ("was", "now", "settings"),
    [
        pytest.param(
            declared({1: "Production"}, aliases={"challenger": 2}),
            declared({1: "Production"}),
            OF_A_FLEET,
            id="the alias alone",
        ),
        pytest.param(
            declared({1: "Production", 2: "Staging"}, aliases={"challenger": 2}),
            STAGED,
            EXCLUSIVE,
            id="the alias and the bridge",
        ),
        pytest.param(
            declared({1: "Production", 2: "Staging"}, aliases={"canary": 2}),
            STAGED,
            OF_A_FLEET,
            id="an alias of no pair",
        ),
    ],
)
def test_many_aliases_that_files_lose_are_told(
    gates: Bridged, was: Declaration, now: Declaration, settings: Settings
) -> None:
    plan = fleet(gates, was, now, settings)
    assert "removals" in {violation.name for violation in plan.denied}


def test_a_bridge_that_is_new_judges_no_version_again_for_the_stage_that_it_has(
    gates: Bridged,
) -> None:
    gates.registry.delete_alias("m", "champion")
    policies = (never(BY_STAGE, "by-stage"), never(BY_ALIAS, "by-alias"))
    gates.was = Settings(policies=policies)
    plan = gates.judged(replace(BRIDGED, policies=policies), ONE, was=ONE)
    assert [change.cause for change in plan.changes] == ["bridge"]
    assert said(plan) == [("by-alias", "v1 → @champion")]


def test_each_version_of_a_pair_that_parts_is_judged_for_both_words() -> None:
    """As by a change that also removes the bridge."""
    live = declared({1: "Production", 2: "None", 3: "None"}, aliases={"champion": 1}).fields
    staged = Transition("m", 3, stage="Production", before="None", incumbent=1)
    named = Transition("m", 2, alias="champion", before="None", incumbent=1)
    assert in_both_words((staged, named), live, {}, PAIR.pairs) == (
        staged,
        Transition("m", 2, stage="Production", before="None", incumbent=1),
        named,
        Transition("m", 3, alias="champion", before="None", incumbent=1),
    )


def test_a_version_displaces_nobody_from_the_word_that_it_has() -> None:
    held = {1: "Production", 2: "Production", 3: "Production"}
    live = declared(held, aliases={"champion": 3}).fields
    staged = Transition("m", 3, stage="Production", before="None", incumbent=1)
    (_, by_alias) = in_both_words((staged,), live, {}, PAIR.pairs)
    assert (by_alias.alias, by_alias.in_place, by_alias.incumbent) == ("champion", True, None)
    named = Transition("m", 3, alias="champion", before="Production", incumbent=1)
    (by_stage, _) = in_both_words((named,), live, {}, PAIR.pairs)
    assert (by_stage.stage, by_stage.in_place, by_stage.incumbent) == ("Production", True, 2)
