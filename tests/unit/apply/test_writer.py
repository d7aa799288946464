"""What nothing else noticed in an apply when one operator, constant or argument was another one.

Found by mutation testing (`make mutate`).
"""

import threading
from collections.abc import Callable

import pytest

from reconciler.apply.executor import apply, no_stop
from reconciler.apply.writer import Moved, Writer, send
from reconciler.core.changes import Change
from reconciler.core.plan import AdmittedPlan, JudgedPlan
from reconciler.core.report import Result
from reconciler.core.state import COMMIT_TAG, OWNER_TAG, Field
from reconciler.errors import (
    AnswerLost,
    Conflict,
    ExitCode,
    Forbidden,
    RegistryError,
    Rejected,
    Unavailable,
)
from reconciler.ports.registry import Placed
from tests.support.plans.executor_lab import (
    PROMOTION,
    Lab,
    alias,
    always,
    any_change,
    declaration,
    once,
)
from tests.support.registries.fake_registry import FakeRegistry, Write

CHAMPION = Field("alias", None, "champion")
MOVE = Change("m", CHAMPION, 1, 2, "declared")


class Patience(threading.Event):
    """A stop that nobody pulls, and that notes how long somebody would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        return False


def writer(lab: Lab, *errors: Exception, timeout: float = 1000.0) -> tuple[Writer, Patience]:
    """Return a writer whose first writes meet these errors before the registry sees them."""
    left = list(errors)

    def hook(_: Write) -> None:
        if left:
            raise left.pop(0)

    lab.registry.before_write = hook
    patience = Patience()
    return Writer(lab.registry, patience, timeout), patience


class Recorded:
    """Fits the nth write of one of our own two tags."""

    def __init__(self, tag: str, nth: int) -> None:
        self.tag, self.left = tag, nth

    def __call__(self, write: Write) -> bool:
        self.left -= write.key == self.tag
        return write.key == self.tag and self.left == 0


# The reads of an apply that displaces a version: before its writes, before it leaves, at the end.
_LOOK, _READ_BACK = 1, 3


def _at_read(lab: Lab, nth: int, act: threading.Event | Exception) -> None:
    """Fail the nth read, counted from 0, or set an event when it begins."""
    reads = iter(range(100))

    def hook(_: str) -> None:
        if next(reads) == nth:
            if isinstance(act, Exception):
                raise act
            act.set()

    lab.registry.before_read = hook


# --- one write, sent until it is confirmed


def test_pauses_double_up_to_eight_seconds_and_are_a_little_longer_by_chance() -> None:
    one, patience = writer(Lab(), *[Unavailable("503")] * 8)
    one.write(MOVE)
    assert len(patience.waits) == 8
    for waited, pause in zip(patience.waits, (0.25, 0.5, 1, 2, 4, 8, 8, 8), strict=True):
        assert pause <= waited <= pause * 1.25


def test_what_the_server_asks_for_is_waited_when_it_is_longer() -> None:
    one, patience = writer(
        Lab(), Unavailable("429", retry_after=3.0), Unavailable("429", retry_after=0.1)
    )
    one.write(MOVE)
    assert 3.0 <= patience.waits[0] <= 3.75
    assert 0.5 <= patience.waits[1] <= 0.625


@pytest.mark.parametrize("error", [Unavailable("503", retry_after=5.0), AnswerLost("reset")])
def test_who_has_no_time_for_another_pause_gets_the_servers_own_error(error: Exception) -> None:
    one, patience = writer(Lab(), error, timeout=0.2)
    with pytest.raises(type(error)) as raised:
        one.write(MOVE)
    assert raised.value is error
    assert patience.waits == []


def test_the_second_unique_violation_ends_the_tries_whatever_was_in_between() -> None:
    second = Conflict("again")
    one, patience = writer(Lab(), Conflict("unique"), AnswerLost("reset"), second)
    with pytest.raises(Conflict) as raised:
        one.write(MOVE)
    assert raised.value is second
    assert len(patience.waits) == 2


def test_lost_answers_are_no_unique_violations() -> None:
    one, patience = writer(Lab(), AnswerLost("1"), AnswerLost("2"), AnswerLost("3"))
    one.write(MOVE)
    assert len(patience.waits) == 3


def test_a_value_that_cannot_be_read_back_keeps_both_messages_and_the_hint() -> None:
    lab = Lab()
    one, _ = writer(lab, AnswerLost("reset", hint="look at the proxy"))
    _at_read(lab, 0, RegistryError("no route"))
    with pytest.raises(AnswerLost) as raised:
        one.write(MOVE)
    assert raised.value.message == "reset; reading it back failed too: no route"
    assert raised.value.hint == "look at the proxy"


@pytest.mark.parametrize(("version", "shown"), [(3, "`3`"), (None, "no value")])
def test_what_somebody_set_meanwhile_is_named(version: int | None, shown: str) -> None:
    lab = Lab()
    lab.registry.create_version("m")
    if version is None:
        lab.registry.delete_alias("m", "champion")
    else:
        lab.registry.set_alias("m", "champion", version)
    one, _ = writer(lab, AnswerLost("reset"))
    with pytest.raises(Moved, match=rf"^@champion was changed to {shown} during the apply$"):
        one.write(MOVE)


@pytest.mark.parametrize(
    ("change", "write"),
    [
        (MOVE, Write("set_alias", "m", None, "champion", 2)),
        (Change("m", CHAMPION, 1, None, "removed"), ("delete_alias", "m", None, "champion", None)),
        (
            Change("m", Field("tag", 2, "risk"), "low", None, "removed"),
            ("delete_tag", "m", 2, "risk", None),
        ),
        (
            Change("m", Field("tag", None, "risk"), "low", None, "removed"),
            ("delete_tag", "m", None, "risk", None),
        ),
        (
            Change("m", Field("description", 2), "old", "", "declared"),
            ("set_description", "m", 2, None, ""),
        ),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, tuple) else "",
)
def test_a_change_is_one_write_of_exactly_what_it_names(change: Change, write: Write) -> None:
    lab = Lab()
    send(lab.registry, change)
    assert lab.registry.writes == [write]


def test_an_answer_with_another_stage_is_told_with_both_stages() -> None:
    class Stubborn(FakeRegistry):
        def set_stage(self, model: str, version: int, stage: str) -> Placed:  # noqa: ARG002  stubborn
            return Placed("Staging")

    change = Change("m", Field("stage", 2), "None", "Production", "declared")
    with pytest.raises(RegistryError) as raised:
        send(Stubborn(), change)
    assert (
        raised.value.message == "stage Production was requested, but the registry returned Staging"
    )


def test_a_forbidden_removal_keeps_the_servers_words_and_says_what_it_needs() -> None:
    one, _ = writer(Lab(), Forbidden("403 by the server"))
    with pytest.raises(Forbidden) as raised:
        one.write(Change("m", CHAMPION, 1, None, "removed"))
    assert raised.value.message == "403 by the server"
    assert raised.value.hint == "removing an alias or a version tag needs the permission MANAGE"


def test_a_removal_by_nobody_that_the_registry_knows_keeps_the_hint_to_log_in() -> None:
    one, _ = writer(Lab(), Forbidden("401 by the server", hint="log in", is_known=False))
    with pytest.raises(Forbidden) as raised:
        one.write(Change("m", CHAMPION, 1, None, "removed"))
    assert (raised.value.hint, raised.value.is_known) == ("log in", False)


# --- the record, when its answer is lost


@pytest.mark.parametrize("nth", [1, 2], ids=["started", "done"])
@pytest.mark.parametrize("executed", [True, False])
def test_a_lost_answer_of_a_record_is_read_like_that_of_a_change(
    nth: int, *, executed: bool
) -> None:
    lab = Lab()
    lab.apply()
    first = lab.head
    lab.commit({"m": declaration(fields={**PROMOTION, Field("tag", 2, "risk"): "low"})})
    lab.registry.writes.clear()
    hook = once(AnswerLost("reset"), Recorded(COMMIT_TAG, nth))
    if executed:
        lab.registry.after_write = hook
    else:
        lab.registry.before_write = hook
    assert lab.apply().exit_code() == 0
    values = [write.value for write in lab.registry.writes if write.key == COMMIT_TAG]
    assert values == [f"{first} {lab.head}", lab.head]


@pytest.mark.parametrize("executed", [True, False])
def test_a_lost_answer_of_the_owner_is_read_too(*, executed: bool) -> None:
    lab = Lab()
    hook = once(AnswerLost("reset"), Recorded(OWNER_TAG, 1))
    if executed:
        lab.registry.after_write = hook
    else:
        lab.registry.before_write = hook
    assert lab.apply().exit_code() == 0
    assert sum(write.key == OWNER_TAG for write in lab.registry.writes) == 1


def test_a_takeovers_lost_answer_is_compared_with_the_owner_before() -> None:
    lab = Lab()
    lab.apply()
    change = Change("m", Field("tag", None, OWNER_TAG), "registry-state", "other", "declared")
    one, patience = writer(lab, AnswerLost("reset"))
    one.write(change)
    assert len(patience.waits) == 1
    assert lab.registry.read()["m"].owner == "other"


# --- one model's way through an apply


def report_of(lab: Lab, plan: JudgedPlan | None = None) -> tuple[dict[str, Result], str | None]:
    report = lab.apply(plan)
    results = {str(result.change.field): result for result in report.results}
    return results, report.models[0].error


def test_the_first_change_has_the_reason_and_the_rest_says_that_it_was_not_tried() -> None:
    lab = Lab()
    lab.registry.before_write = always(Rejected("no", hint="ask"), alias)
    results, _ = report_of(lab)
    assert results["@champion"] == Result(MOVE, "failed", "no (ask)", ExitCode.REGISTRY)
    lab = Lab()
    lab.registry.before_write = always(Rejected("no"), any_change)
    results, _ = report_of(lab)
    first, *rest = sorted(results.values(), key=lambda result: result.outcome)
    assert (first.outcome, first.error, first.code) == ("failed", "no", ExitCode.REGISTRY)
    assert len(rest) == 4
    for result in rest:
        assert result.outcome == "skipped"
        assert result.error == "an earlier change was not applied"
        assert result.code == ExitCode.REGISTRY


def test_where_the_record_is_refused_the_first_change_says_so() -> None:
    lab = Lab()
    lab.registry.before_write = always(Rejected("no"), lambda write: not any_change(write))
    report = lab.apply()
    failed = [result for result in report.results if result.outcome == "failed"]
    assert [(one.error, one.code) for one in failed] == [
        ("the record was not written: no", ExitCode.REGISTRY)
    ]
    assert {one.outcome for one in report.results} == {"failed", "skipped"}
    assert not report.models[0].wrote


def test_a_begun_record_counts_as_written_though_no_change_landed() -> None:
    lab = Lab()
    lab.registry.before_write = always(Rejected("no"), any_change)
    assert lab.apply().models[0].wrote


def test_what_is_told_is_every_result_as_it_happens() -> None:
    lab, told = Lab(), list[Result]()
    report = apply(AdmittedPlan(lab.plan()), lab.registry, on_result=told.append)
    assert {result.change for result in told} == {result.change for result in report.results}
    assert {result.outcome for result in told} == {"applied"}


def test_a_model_that_is_gone_is_stale_and_says_so() -> None:
    lab = Lab()
    plan = lab.plan()
    lab.registry.delete_model("m")
    results, _ = report_of(lab, plan)
    assert {(one.outcome, one.error) for one in results.values()} == {
        ("stale", "the model is no longer in the registry")
    }


def test_a_record_that_was_taken_away_is_told_as_nothing() -> None:
    lab = Lab()
    lab.apply()
    lab.commit({"m": declaration(fields={**PROMOTION, Field("tag", 2, "risk"): "low"})})
    plan = lab.plan()
    lab.registry.delete_tag("m", None, COMMIT_TAG)
    results, _ = report_of(lab, plan)
    errors = {one.error for one in results.values()}
    assert errors == {"another run recorded no commit since the plan"}


def test_an_overtaken_run_is_an_error_unless_late_is_fine() -> None:
    for late, code in ((False, ExitCode.OUT_OF_STEP), (True, ExitCode.OK)):
        lab = Lab()
        plan = lab.plan()
        lab.registry.set_tag("m", None, COMMIT_TAG, "f" * 40)
        report = apply(
            AdmittedPlan(plan), lab.registry, is_superseded_by=lambda _: True, allow_superseded=late
        )
        assert {result.code for result in report.results} == {code}
        assert {one.error for one in report.results} == {
            "another run recorded ffffffffffff since the plan"
        }


def test_what_cannot_be_read_back_is_applied_and_not_recorded() -> None:
    lab = Lab()
    plan = lab.plan()
    _at_read(lab, _READ_BACK, RegistryError("gone fishing"))
    report = lab.apply(plan)
    assert report.models[0].error == "could not be read back: gone fishing"
    assert report.models[0].code == ExitCode.REGISTRY
    assert {result.outcome for result in report.results} == {"applied"}
    assert not report.models[0].recorded


def test_a_look_that_fails_leaves_the_displaced_version_where_it_is() -> None:
    lab = Lab()
    plan = lab.plan()
    _at_read(lab, _LOOK, RegistryError("gone fishing"))
    model = lab.apply(plan).models[0]
    told = [(result.outcome, result.error) for result in model.results]
    assert ("failed", "gone fishing") in told
    assert ("skipped", "an earlier change was not applied") in told
    assert model.messages == ("Production has v1 and v2 until the next run; v2 is serving",)
    lab.registry.before_read = lambda _: None
    assert lab.converges()


def test_who_came_is_asked_directly_where_no_search_returns_the_model() -> None:
    lab = Lab()
    lab.registry.hidden = {"m"}
    report = lab.apply(lab.plan())
    assert {result.outcome for result in report.results} == {"applied"}
    assert lab.converges()


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        (lambda r: r.set_stage("m", 3, "Production"), "Production now has v1 and v2 and v3"),
        (lambda r: r.set_stage("m", 2, "Archived"), "Production now has v1"),
        (lambda r: r.delete_model("m"), "the model is no longer in the registry"),
    ],
    ids=["entered", "left", "deleted"],
)
def test_who_came_before_a_version_leaves_stops_the_run(
    deed: Callable[[FakeRegistry], object], told: str
) -> None:
    lab = Lab()
    lab.registry.create_version("m")
    plan = lab.plan()

    def hook(write: Write) -> None:
        if write.method == "set_stage":
            lab.registry.after_write = lambda _: None
            deed(lab.registry)

    lab.registry.after_write = hook
    model = lab.apply(plan).models[0]
    stale = [result.error or "" for result in model.results if result.outcome == "stale"]
    assert [error.startswith(told) for error in stale] == [True]
    live = lab.registry.read().get("m")
    assert live is None or live.fields[Field("stage", 1)] == "Production"


def test_a_model_that_is_deleted_under_way_is_told_after_the_last_write() -> None:
    lab = Lab()
    plan = lab.plan()

    def hook(write: Write) -> None:
        if alias(write):
            lab.registry.delete_model("m")

    lab.registry.after_write = hook
    _, error = report_of(lab, plan)
    assert error == "could not be read back: the model is no longer in the registry"


def test_a_signal_during_the_read_back_leaves_the_record_to_the_next_run() -> None:
    lab, stop = Lab(), no_stop()
    plan = lab.plan()
    _at_read(lab, _READ_BACK, stop.event)
    report = lab.apply(plan, stop)
    assert report.models[0].error == "interrupted before the record was completed"
    assert report.models[0].code == ExitCode.OUT_OF_STEP
    lab.registry.before_read = lambda _: None
    assert lab.converges()


def test_a_refused_last_record_is_told_and_the_changes_stay() -> None:
    lab = Lab()
    lab.registry.before_write = once(Rejected("no"), Recorded(COMMIT_TAG, 2))
    report = lab.apply()
    assert report.models[0].error == "the record was not written: no"
    assert report.models[0].code == ExitCode.REGISTRY
    assert {result.outcome for result in report.results} == {"applied"}


def test_a_value_that_did_not_stay_has_the_code_of_the_registry() -> None:
    lab = Lab()

    def hook(write: Write) -> None:
        if alias(write) and write.value == 2:
            lab.registry.after_write = lambda _: None
            lab.registry.set_alias("m", "champion", 1)

    lab.registry.after_write = hook
    results, error = report_of(lab)
    assert results["@champion"].code == ExitCode.REGISTRY
    assert error == "not every change kept its written value"


def test_a_signal_between_two_writes_says_what_was_not_sent() -> None:
    lab, stop = Lab(), no_stop()

    def hook(write: Write) -> None:
        if write.method == "set_stage":
            stop(15)

    lab.registry.after_write = hook
    report = lab.apply(stop=stop)
    skipped = {(one.error, one.code) for one in report.results if one.outcome == "skipped"}
    assert skipped == {("interrupted before it was sent", ExitCode.OUT_OF_STEP)}


def test_a_bug_is_told_by_its_name() -> None:
    lab = Lab()
    lab.registry.before_write = always(ZeroDivisionError("by nothing"), alias)
    results, _ = report_of(lab)
    assert results["@champion"].error == "a bug: ZeroDivisionError: by nothing"
    assert results["@champion"].code == ExitCode.USAGE
