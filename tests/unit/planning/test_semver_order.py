"""A semantic version is never edited once it is merged, and rises with what serves."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from reconciler.core.declaring.bridge import Bridge
from reconciler.core.declaring.implied import complete
from reconciler.core.plan import ModelPlan
from reconciler.core.settings import ServingRules, Settings
from reconciler.core.state import (
    COMMIT_TAG,
    OWNER_TAG,
    Declaration,
    DeclaredVersion,
    Field,
    Serving,
    Value,
)
from reconciler.errors import ExitCode
from reconciler.policy.builtin_rules import StageEntry
from tests.support.plans.gate_lab import GATE
from tests.support.plans.planner_lab import OWNER, Lab

EDITED = "a semantic version is never edited once it is merged"
NUMBERS = {1: "1.0.0", 2: "2.0.0", 3: "2.1.0"}


def model(
    serving: int, numbers: Mapping[int, str | None], *, run: str | None = None, **aliases: int
) -> Declaration:
    """Return a declaration in which one version is in Production and the others are archived."""
    fields: dict[Field, Value] = {
        Field("stage", v): "Production" if v == serving else "Archived" for v in numbers
    }
    fields |= {Field("alias", None, alias): v for alias, v in aliases.items()}
    versions = {
        v: DeclaredVersion(semver=text, line=7 + v, run_id=run) for v, text in numbers.items()
    }
    return complete(Declaration("m", fields, versions, file="m.yaml", line=1), Settings())


def problem(plan: ModelPlan) -> tuple[str, str]:
    """Return the message and the hint of a model's only problem, which is exit 3."""
    (found,) = plan.problems
    assert (plan.outcome, found.code, found.file) == ("error", ExitCode.DECLARATION, "m.yaml")
    return found.message, str(found.hint)


@dataclass
class Served:
    """A merged history in which these versions served."""

    versions: tuple[int, ...] = ()

    def served_before(self, _: str, version: int) -> bool:
        return version in self.versions

    def entered(self, *_: object) -> StageEntry | None:
        return None


def planned(lab: Lab, *served: int) -> ModelPlan:
    context = replace(GATE.context, stage_history=Served(served))
    (found,) = lab.plan(gate=replace(GATE, context=context)).models
    return found


# --- never edited once merged


def test_a_merged_number_is_never_edited() -> None:
    lab = Lab()
    lab.apply(model(2, {2: "2.0.0", 1: "1.0.0"}))
    lab.commit(model(2, {2: "2.0.1", 1: "1.0.0"}))
    message, hint = problem(lab.only())
    assert message == (
        f"`m` v2 has the semantic version 2.0.1, and git declared 2.0.0 for it: {EDITED}"
    )
    assert hint == ("write `semver: 2.0.0` again; what needs another number is another version")
    assert lab.only().problems[0].line == 9


@pytest.mark.parametrize("numbers", [{2: None}, {2: "2.0.0", 1: "1.0.0"}, {1: "1.0.0"}])
def test_numbers_come_and_go_as_a_revert_has_them(numbers: Mapping[int, str | None]) -> None:
    lab = Lab()
    lab.apply(model(2, {2: "2.0.0"}))
    lab.commit(model(2, {2: None, **numbers}))
    assert lab.only().problems == ()


def test_a_number_that_was_taken_away_by_an_apply_can_be_another_one() -> None:
    lab = Lab()
    lab.apply(model(2, {2: "2.0.0"}))
    lab.apply(model(2, {2: None}))
    assert Field("tag", 2, "semver") not in lab.registry.read()["m"].fields
    lab.commit(model(2, {2: "3.0.0"}))
    assert lab.only().problems == ()


def test_another_version_under_the_number_has_a_number_of_its_own() -> None:
    lab = Lab()
    lab.apply(model(2, {2: "2.0.0"}, run="run-2"))
    for run, edited in (("again", 0), ("run-2", 1)):
        lab.commit(model(2, {2: "3.0.0"}, run=run))
        assert sum(EDITED in problem.message for problem in lab.only().problems) == edited


def test_a_tag_that_was_written_by_hand_is_no_number() -> None:
    lab = Lab()
    by_hand = model(2, {2: None})
    lab.apply(replace(by_hand, fields={**by_hand.fields, Field("tag", 2, "semver"): "old"}))
    lab.commit(model(2, {2: "2.0.0"}))
    assert [str(change.field) for change in lab.only().changes] == ["v2 tag semver"]


def unfinished(lab: Lab, *declarations: Declaration) -> None:
    """Commit these, and record each: the apply of the last one did not finish."""
    for declaration in declarations:
        lab.commit(declaration)
    lab.registry.set_tag("m", None, COMMIT_TAG, " ".join(lab.heads))
    lab.registry.set_tag("m", None, OWNER_TAG, OWNER)


def test_an_apply_that_did_not_finish_holds_its_number_too() -> None:
    lab = Lab()
    unfinished(lab, model(2, {2: None}), model(2, {2: "2.0.0"}))
    lab.commit(model(2, {2: "2.0.1"}))
    assert EDITED in problem(lab.only())[0]
    lab.commit(model(2, {2: None}))
    assert lab.only().problems == ()
    lab.commit(model(2, {2: "2.0.0"}))
    assert lab.only().problems == ()


def test_where_two_recorded_commits_differ_either_number_may_stay() -> None:
    lab = Lab()
    unfinished(lab, model(2, {2: "2.0.0"}), model(2, {2: "2.0.1"}))
    for text, edited in (("2.0.0", 0), ("2.0.1", 0), ("2.0.2", 1)):
        lab.commit(model(2, {2: text}))
        assert len(lab.only().problems) == edited, text


# --- higher than what it displaces


def test_what_a_person_put_live_is_not_judged_with_what_moves_beside_it() -> None:
    lab = Lab()
    lab.apply(model(1, {1: "2.0.0", 2: None}))
    lab.registry.set_stage("m", 2, "Production")
    lab.registry.set_stage("m", 1, "Archived")
    lab.commit(model(2, {1: "2.0.0", 2: "1.5.0", 3: None}))
    (plan,) = lab.plan().models
    assert "v3 stage" in {str(change.field) for change in plan.changes}
    assert plan.problems == ()


@pytest.mark.parametrize("text", ["1.9.9", "2.0.0-equal"])
def test_the_next_version_has_a_higher_number(text: str) -> None:
    lab = Lab()
    lab.apply(model(2, {2: "2.0.0"}))
    own = text.removesuffix("-equal")
    lab.commit(model(3, {3: own, 2: "2.0.0" if own != "2.0.0" else None}))
    message, hint = problem(planned(lab))
    assert message == (
        f"`m` v3 has the semantic version {own}, which is not higher than 2.0.0 of v2, which it "
        "displaces"
    )
    assert hint == "give it a higher number: 2.0.1, or more where its signature differs"
    lab.commit(model(3, {3: "2.0.1", 2: "2.0.0"}))
    assert planned(lab).problems == ()


def test_a_number_that_is_merged_cannot_be_raised_and_the_hint_says_so() -> None:
    lab = Lab()
    lab.apply(model(2, {3: "1.5.0", 2: "2.0.0"}))
    lab.commit(model(3, {3: "1.5.0", 2: "2.0.0"}))
    _, hint = problem(planned(lab))
    assert hint.startswith("its number is merged and stays: register the model again")


def test_the_entry_of_what_is_displaced_may_go_in_the_same_change() -> None:
    lab = Lab()
    lab.apply(model(2, {2: "2.0.0"}))
    lab.commit(model(3, {3: "1.0.0"}))
    assert "not higher than 2.0.0 of v2" in problem(planned(lab))[0]


def test_an_older_version_at_rest_comes_back_without_any_history() -> None:
    lab = Lab()
    lab.apply(model(3, NUMBERS))
    lab.commit(model(2, NUMBERS))
    assert planned(lab).problems == ()
    assert lab.only().problems == ()


def test_an_older_version_that_gets_its_number_only_now_does_not_come_back() -> None:
    lab = Lab()
    lab.apply(model(2, {2: "2.0.0", 1: None}))
    lab.commit(model(1, {2: "2.0.0", 1: "1.0.0"}))
    _, hint = problem(lab.only())
    assert hint.startswith("give it a higher number: 2.0.1")


def test_the_alias_of_its_major_keeps_no_version_from_coming_back() -> None:
    lab = Lab()
    base = model(3, NUMBERS)
    lab.apply(replace(base, fields={**base.fields, Field("alias", None, "major-1"): 1}))
    lab.commit(model(1, NUMBERS))
    assert planned(lab).problems == ()


def test_an_older_version_that_was_in_use_does_not_come_back_but_moves_up() -> None:
    lab = Lab()
    staged = model(3, NUMBERS, candidate=2)
    lab.apply(staged)
    lab.commit(model(2, NUMBERS))
    assert "not higher than 2.1.0 of v3" in problem(planned(lab))[0]
    assert planned(lab, 2).problems == (), "the merged history knows that it served"


def test_a_newer_version_comes_back_where_the_history_knows_that_it_served() -> None:
    lab = Lab()
    numbers = {3: "1.0.0", 2: "2.0.0"}
    lab.apply(model(2, numbers))
    lab.commit(model(3, numbers))
    assert problem(planned(lab))
    assert planned(lab, 3).problems == ()


def test_what_is_live_already_is_not_judged_again() -> None:
    lab = Lab()
    lab.apply(model(3, NUMBERS, candidate=1))
    lab.registry.set_stage("m", 1, "Production")
    lab.registry.set_stage("m", 3, "Archived")
    assert planned(lab).problems == (), "what an apply puts back is drift"
    lab.commit(model(1, NUMBERS, candidate=1))
    assert planned(lab).problems == (), "it was made by hand, and is only declared now"


def test_a_version_that_joins_another_one_displaces_nothing() -> None:
    lab = Lab()
    lab.settings = Settings(serving=ServingRules(Serving("Staging")))
    one = model(1, {1: "2.0.0", 2: "1.5.0"})
    staged = replace(one, fields={**one.fields, Field("stage", 1): "Staging"})
    lab.apply(staged)
    lab.commit(replace(staged, fields={**staged.fields, Field("stage", 2): "Staging"}))
    assert lab.only().problems == ()
    lab.commit(replace(one, fields={**one.fields, Field("stage", 2): "Staging"}))
    assert len(lab.only().problems) == 1


def test_a_change_of_what_serves_does_not_rid_itself_of_what_served() -> None:
    numbers = {1: "2.0.0", 2: "1.5.0"}
    lab = Lab()
    lab.apply(model(1, numbers, champion=1))
    lab.settings = Settings(serving=ServingRules(Serving(None, "champion")))
    lab.commit(model(2, numbers, champion=1))
    assert len(lab.only().problems) == 1


def test_a_first_declaration_displaces_nothing_that_git_declared() -> None:
    lab = Lab()
    lab.registry.set_stage("m", 3, "Production")
    lab.commit(model(2, NUMBERS))
    assert planned(lab).problems == ()


def test_an_apply_that_did_not_finish_can_be_taken_back() -> None:
    lab = Lab()
    numbers = {**NUMBERS, 3: "1.9.0"}
    unfinished(lab, model(1, numbers), model(2, numbers))
    lab.registry.set_stage("m", 2, "Production")
    lab.commit(model(1, numbers))
    back = {str(change.field): change.after for change in planned(lab).changes}
    assert back["v2 stage"] == "Archived"
    lab.commit(model(3, numbers))
    assert "not higher than 2.0.0 of v2" in problem(planned(lab))[0]


def test_an_alias_that_serves_is_judged_alike() -> None:
    lab = Lab()
    lab.settings = Settings(serving=ServingRules(Serving(None, "champion")))
    lab.apply(model(0, {2: "2.0.0"}, champion=2))
    lab.commit(model(0, {2: "2.0.0", 3: "1.0.0"}, champion=3))
    assert "not higher than 2.0.0 of v2" in problem(planned(lab))[0]
    lab.commit(model(0, {2: "2.0.0", 3: "1.0.0"}, champion=2, other=3))
    assert planned(lab).problems == (), "another alias does not serve"


@pytest.mark.parametrize("serving", [Serving(), Serving(None, "champion")])
def test_a_bridged_stage_and_its_alias_are_one_place(serving: Serving) -> None:
    bridge = Bridge((("Production", "champion"),))
    lab = Lab()
    lab.settings = Settings(bridge=bridge, serving=ServingRules(serving))
    lab.apply(complete(model(2, {2: "2.0.0"}), lab.settings))
    lab.commit(complete(model(3, {3: "1.0.0", 2: "2.0.0"}), lab.settings))
    assert "not higher than 2.0.0 of v2" in problem(planned(lab))[0]
    lab.commit(complete(model(3, {3: "2.0.1", 2: "2.0.0"}), lab.settings))
    assert {str(change.field): change.cause for change in planned(lab).changes} == {
        "v3 stage": "declared",
        "v2 stage": "replaced",
        "@champion": "bridge",
        "v3 tag semver": "declared",
    }


def test_a_stage_and_an_alias_that_serve_from_now_on_are_told_once() -> None:
    lab = Lab()
    lab.apply(model(2, {2: "2.0.0"}, champion=2))
    lab.settings = Settings(serving=ServingRules(Serving(None, "champion")))
    lab.commit(model(3, {3: "1.0.0", 2: "2.0.0"}, champion=3))
    assert "not higher than 2.0.0 of v2" in problem(planned(lab))[0]
