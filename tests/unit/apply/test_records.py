"""What nothing else noticed in how an apply records when one operator was another one.

Found by mutation testing (`make mutate`).
"""

from collections.abc import Callable

import pytest

from reconciler.apply.executor import apply, no_stop
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.plan import AdmittedPlan, JudgedPlan, RegistryRef, StateRef
from reconciler.core.report import ModelReport
from reconciler.core.settings import Settings
from reconciler.core.state import COMMIT_TAG, OWNER_TAG, Field, Value
from reconciler.errors import AnswerLost, ExitCode, RegistryError, Rejected
from reconciler.planning.planner import Checkout, PlanRequest, reconcile
from tests.support.plans.executor_lab import (
    OWNER,
    PROMOTION,
    Lab,
    alias,
    always,
    any_change,
    declaration,
    once,
)
from tests.support.plans.gate_lab import GATE
from tests.support.registries.fake_registry import Write
from tests.support.repositories.fake_history import FakeHistory

RISK = Field("tag", 2, "risk")


def only_a_record() -> Lab:
    """Return a lab whose new commit declares what somebody already did by hand."""
    lab = Lab()
    lab.apply()
    lab.commit({"m": declaration(fields={**PROMOTION, RISK: "low"})})
    lab.registry.set_tag("m", 2, "risk", "low")
    lab.registry.writes.clear()
    return lab


def taken_over(lab: Lab) -> JudgedPlan:
    """Return the plan of another state folder that takes the model over as it is."""
    desired = DeclaredState("other", Settings(), lab.tree)
    history = FakeHistory(lab.commits, lab.head)
    checkout = Checkout(desired, StateRef("other", lab.head), "other", history)
    ask = PlanRequest(planning=False, adopt=frozenset({"m"}))
    return reconcile(checkout, lab.registry, RegistryRef("http://fake"), ask, GATE).plan


def outcome(lab: Lab, plan: JudgedPlan | None = None) -> ModelReport:
    (model,) = lab.apply(plan).models
    return model


def test_a_record_alone_counts_as_written_and_recorded() -> None:
    lab = only_a_record()
    found = outcome(lab)
    assert (found.results, found.wrote, found.recorded, found.error) == ((), True, True, None)
    assert [write.value for write in lab.registry.writes] == [lab.head]


def test_a_record_alone_says_why_nothing_was_written() -> None:
    lab = only_a_record()
    plan = lab.plan()

    def fail(_: str) -> None:
        raise RegistryError("gone fishing")

    lab.registry.before_read = fail
    found = outcome(lab, plan)
    assert (found.error, found.code) == ("nothing was written: gone fishing", ExitCode.REGISTRY)
    assert (found.wrote, found.recorded) == (False, False)


def test_a_takeover_without_a_change_writes_both_tags() -> None:
    lab = Lab()
    lab.apply()
    lab.registry.writes.clear()
    found = outcome(lab, taken_over(lab))
    assert (found.wrote, found.recorded, found.error) == (True, True, None)
    assert lab.registry.read()["m"].owner == "other"
    assert {write.key for write in lab.registry.writes} == {COMMIT_TAG, OWNER_TAG}


def test_a_takeover_whose_owner_is_refused_is_an_error_though_it_has_no_change() -> None:
    lab = Lab()
    lab.apply()
    lab.registry.before_write = always(Rejected("no"), lambda write: write.key == OWNER_TAG)
    found = outcome(lab, taken_over(lab))
    assert found.error == "the record was not written: no"
    assert found.code == ExitCode.REGISTRY
    assert (found.wrote, found.recorded) == (True, False)


@pytest.mark.parametrize("executed", [True, False])
def test_a_takeovers_lost_answer_is_compared_with_the_owner_before(*, executed: bool) -> None:
    lab = Lab()
    lab.apply()
    plan = taken_over(lab)
    hook = once(AnswerLost("reset"), lambda write: write.key == OWNER_TAG)
    if executed:
        lab.registry.after_write = hook
    else:
        lab.registry.before_write = hook
    assert outcome(lab, plan).recorded
    assert lab.registry.read()["m"].owner == "other" != OWNER


@pytest.mark.parametrize(
    ("act", "last"),
    [
        (lambda lab: lab.registry.delete_tag("m", None, COMMIT_TAG), "no commit"),
        (lambda lab: lab.registry.set_tag("m", None, COMMIT_TAG, "f" * 40), "f" * 12),
    ],
    ids=["taken away", "another"],
)
def test_a_record_that_changed_under_way_is_told_by_twelve_characters(
    act: Callable[[Lab], None], last: str
) -> None:
    lab = Lab()

    def hook(write: Write) -> None:
        if alias(write):
            act(lab)

    lab.registry.after_write = hook
    found = outcome(lab)
    assert (
        found.error
        == f"another run recorded {last} since the plan: this run does not complete the record"
    )
    assert found.wrote
    assert not found.recorded


def test_where_the_record_is_refused_it_is_the_first_change_that_says_so() -> None:
    lab = Lab()
    lab.registry.before_write = always(Rejected("no"), lambda write: not any_change(write))
    failed = [one.change.field for one in outcome(lab).results if one.outcome == "failed"]
    assert failed == [Field("description", 2)]


def test_everything_that_moved_is_named_in_one_line() -> None:
    lab = Lab()
    plan = lab.plan()
    lab.registry.set_tag("m", 2, "risk", "low")
    lab.registry.set_description("m", 2, "mine")
    (error,) = {one.error for one in outcome(lab, plan).results}
    both = "v2 description was no value and is `mine`; v2 tag risk was no value and is `low`"
    assert error == f"{both}: plan again"


def test_a_model_that_may_not_be_read_any_more_keeps_the_servers_words() -> None:
    lab = Lab()
    plan = lab.plan()
    lab.registry.forbidden.add("m")
    assert {one.error for one in outcome(lab, plan).results} == {
        "nothing was written: model `m` cannot be read: permission denied on m"
    }


def test_what_somebody_set_while_an_answer_was_lost_is_told_with_the_change() -> None:
    lab = Lab()
    lab.registry.create_version("m")

    def hook(write: Write) -> None:
        if alias(write) and write.value == 2:
            lab.registry.before_write = lambda _: None
            lab.registry.set_alias("m", "champion", 3)
            raise AnswerLost("reset")

    lab.registry.before_write = hook
    stale = [(one.error, one.code) for one in outcome(lab).results if one.outcome == "stale"]
    assert stale == [("@champion was changed to `3` during the apply", ExitCode.OUT_OF_STEP)]


def test_a_model_whose_turn_never_came_says_that_the_run_ended() -> None:
    lab, stop = Lab("a", "b"), no_stop()
    plan = lab.plan()
    lab.registry.after_write = lambda _: stop(15)
    first, second = apply(AdmittedPlan(plan), lab.registry, parallelism=1, stop=stop).models
    assert {(one.error, one.code) for one in second.results} == {
        ("the run ended before this change", ExitCode.OUT_OF_STEP)
    }
    assert second.code == ExitCode.OUT_OF_STEP
    assert second.error == "interrupted before it was read back and recorded"
    assert (first.wrote, second.wrote) == (True, False)


def refuses(lab: Lab, error: RegistryError | None = None) -> None:
    """Have every change refused; the records are written."""
    lab.registry.before_write = always(error or Rejected("no"), any_change)


def test_a_record_of_an_apply_that_wrote_nothing_is_taken_back() -> None:
    lab = Lab()
    refuses(lab)
    assert lab.apply().exit_code() == ExitCode.REGISTRY
    assert (lab.registry.read()["m"].commit, lab.registry.read()["m"].owner) == (None, None)
    lab = Lab()
    lab.apply()
    first = lab.head
    lab.commit({"m": declaration(fields={**PROMOTION, RISK: "low"})})
    refuses(lab)
    report = outcome(lab)
    assert [result.outcome for result in report.results] == ["failed"]
    assert (lab.registry.read()["m"].commit, report.error) == (first, None)
    lab.registry.before_write = lambda _: None
    assert lab.converges()


def test_a_takeover_that_wrote_nothing_leaves_the_model_to_its_owner() -> None:
    lab = Lab()
    lab.apply()
    lab.commit({"m": declaration(fields={**PROMOTION, RISK: "low"})})
    refuses(lab)
    before = lab.registry.read()["m"]
    outcome(lab, taken_over(lab))
    assert lab.registry.read()["m"] == before


def test_a_record_stays_where_the_refusal_is_not_certain() -> None:
    lab = Lab()
    refuses(lab, AnswerLost("reset"))
    outcome(lab)
    assert lab.registry.read()["m"].recorded == ("-", lab.head)


def test_a_record_stays_where_a_request_without_an_answer_may_still_arrive() -> None:
    """Sent again, it is refused; the first one is late, not gone."""
    lab = Lab()
    answers: list[Exception] = [AnswerLost("timed out"), Rejected("no")]

    def hook(write: Write) -> None:
        if any_change(write):
            raise answers.pop(0)

    lab.registry.before_write = hook
    (model,) = {result.outcome for result in outcome(lab).results if result.outcome != "skipped"}
    assert model == "failed"
    assert lab.registry.read()["m"].commit == f"- {lab.head}"


def test_a_record_is_taken_back_where_the_look_alone_stopped_the_run() -> None:
    lab = Lab()
    lab.commit({"m": declaration(fields={Field("stage", 2): "Staging"})})
    plan = lab.plan()

    def promote(write: Write) -> None:
        if write.key == OWNER_TAG:
            lab.registry.after_write = lambda _: None
            lab.registry.set_stage("m", 2, "Production")

    lab.registry.after_write = promote
    assert [result.outcome for result in outcome(lab, plan).results] == ["stale"]
    live = lab.registry.read()["m"]
    assert (live.commit, live.owner) == (None, None)


def test_a_record_stays_where_something_was_written() -> None:
    lab = Lab()
    lab.registry.before_write = always(Rejected("no"), alias)
    outcome(lab)
    assert lab.registry.read()["m"].recorded == ("-", lab.head)


def test_a_record_that_another_run_wrote_meanwhile_is_not_taken_back() -> None:
    lab = Lab()

    def refuse(write: Write) -> None:
        if any_change(write):
            lab.registry.before_write = lambda _: None
            lab.registry.set_tag("m", None, COMMIT_TAG, "f" * 40)
            raise Rejected("no")

    lab.registry.before_write = refuse
    outcome(lab)
    assert lab.registry.read()["m"].commit == "f" * 40


def test_a_record_that_cannot_be_taken_back_is_told() -> None:
    lab = Lab()
    plan = lab.plan()

    def refuse(write: Write) -> None:
        if any_change(write):
            lab.registry.before_write = always(Rejected("nor that"), lambda _: True)
            raise Rejected("no")

    lab.registry.before_write = refuse
    message = "nothing was written, but the record names this commit: nor that"
    assert outcome(lab, plan).error == message


@pytest.mark.parametrize("is_recorded", [True, False])
def test_without_a_first_record_what_is_taken_out_of_git_next_would_stay(
    *, is_recorded: bool
) -> None:
    """Why a first apply records models for which nothing is to be written."""
    lab = Lab()
    lab.registry.set_alias("m", "old", 1)
    held: dict[Field, Value] = {
        Field("alias", None, "champion"): 1,
        Field("stage", 1): "Production",
    }
    lab.commit({"m": declaration(fields={**held, Field("alias", None, "old"): 1})})
    if is_recorded:
        assert not lab.plan().changes
        assert lab.apply().exit_code() == 0
    lab.commit({"m": declaration(fields=held)})
    removed = [str(change.field) for change in lab.plan().changes if change.after is None]
    assert removed == (["@old"] if is_recorded else [])
