"""What an apply does with lost answers, throttling, races, other writers and signals."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.apply.executor import apply, no_stop
from reconciler.core.changes import Change, in_order
from reconciler.core.plan import AdmittedPlan
from reconciler.core.state import Field, aliases, stages
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
from reconciler.render import json_documents, text
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


def test_writes_go_in_the_order_of_the_design() -> None:
    lab = Lab()
    assert lab.apply().exit_code() == 0
    assert lab.methods == [
        "set_tag reconciler.commit",
        "set_tag reconciler.owner",
        "set_description 2",
        "set_tag risk",
        "set_stage 2",
        "set_stage 1",
        "set_alias champion",
        "set_tag reconciler.commit",
    ]
    assert lab.registry.writes[0].value == f"- {lab.head}"
    assert lab.registry.writes[-1].value == lab.head


def test_a_second_apply_writes_nothing() -> None:
    lab = Lab()
    lab.apply()
    lab.registry.writes.clear()
    assert lab.apply().exit_code() == 0
    assert lab.registry.writes == []


def test_drift_is_healed_without_a_record() -> None:
    lab = Lab()
    lab.apply()
    lab.registry.set_alias("m", "champion", 1)
    lab.registry.writes.clear()
    report = lab.apply()
    assert [result.change.cause for result in report.results] == ["drift"]
    assert lab.methods == ["set_alias champion"]


@pytest.mark.parametrize("error", [Unavailable("503"), Unavailable("429", retry_after=0.4)])
def test_what_was_not_executed_is_sent_again(error: Unavailable) -> None:
    lab = Lab()
    lab.registry.before_write = once(error, alias)
    assert lab.apply().exit_code() == 0
    assert lab.methods.count("set_alias champion") == 1
    assert lab.converges()


def test_a_lost_answer_of_an_executed_write_is_read_and_not_sent_again() -> None:
    lab = Lab()
    lab.registry.after_write = once(AnswerLost("reset"), alias)
    assert lab.apply().exit_code() == 0
    assert lab.methods.count("set_alias champion") == 1


def test_a_lost_answer_of_a_write_that_never_arrived_is_sent_again() -> None:
    lab = Lab()
    lab.registry.before_write = once(AnswerLost("timeout"), alias)
    assert lab.apply().exit_code() == 0
    assert lab.methods.count("set_alias champion") == 1


def test_what_a_person_did_while_the_answer_was_lost_is_not_overwritten() -> None:
    lab = Lab()
    lab.registry.create_version("m", run_id="three")

    def hook(write: Write) -> None:
        if alias(write) and write.value == 2:
            lab.registry.before_write = lambda _: None
            lab.registry.set_alias("m", "champion", 3)
            raise AnswerLost("reset")

    lab.registry.before_write = hook
    report = lab.apply()
    outcomes = {str(result.change.field): result.outcome for result in report.results}
    assert outcomes["@champion"] == "stale"
    assert report.exit_code() == ExitCode.PARTIAL
    assert aliases(lab.registry.read()["m"].fields) == {"champion": 3}


def test_a_unique_violation_is_read_and_tried_once_more() -> None:
    lab = Lab()
    lab.registry.before_write = once(Conflict("UNIQUE constraint failed"), alias)
    assert lab.apply().exit_code() == 0
    lab = Lab()
    lab.registry.before_write = always(Conflict("UNIQUE constraint failed"), alias)
    report = lab.apply()
    assert report.exit_code() == ExitCode.PARTIAL
    assert "UNIQUE constraint failed" in str([result.error for result in report.results])


def test_a_deterministic_rejection_is_never_sent_again_and_keeps_its_words() -> None:
    lab = Lab()
    tries: list[Write] = []

    def hook(write: Write) -> None:
        if write.method == "set_stage":
            tries.append(write)
            raise Rejected("INTERNAL_ERROR: the server's own words")

    lab.registry.before_write = hook
    report = lab.apply()
    assert len(tries) == 1
    by_field = {str(result.change.field): result for result in report.results}
    assert by_field["v2 stage"].outcome == "failed"
    assert "the server's own words" in str(by_field["v2 stage"].error)
    assert by_field["v1 stage"].outcome == "skipped", "who serves must not leave"
    assert by_field["@champion"].outcome == "skipped"
    assert by_field["v2 tag risk"].outcome == "applied"
    assert report.exit_code() == ExitCode.PARTIAL
    assert stages(lab.registry.read()["m"].fields)[1] == "Production"
    assert len(lab.registry.read()["m"].recorded) == 2
    lab.registry.before_write = lambda _: None
    lab.registry.writes.clear()
    assert lab.apply().exit_code() == 0
    assert lab.methods == [
        "set_stage 2",
        "set_stage 1",
        "set_alias champion",
        "set_tag reconciler.commit",
    ]


def test_an_answer_with_another_stage_is_no_confirmation() -> None:
    lab = Lab()
    plan = lab.plan()

    class Stubborn(FakeRegistry):
        def set_stage(self, model: str, version: int, stage: str) -> Placed:
            return super().set_stage(model, version, stage)._replace(stage="Staging")

    lab.registry.__class__ = Stubborn
    report = lab.apply(plan)
    outcomes = {str(result.change.field): result.outcome for result in report.results}
    assert outcomes["v2 stage"] == "failed"
    assert outcomes["v1 stage"] == "skipped"


def test_one_models_failure_never_stops_the_others() -> None:
    lab = Lab("a", "b", "c")
    lab.registry.before_write = always(
        Rejected("no"), lambda write: write.model == "b" and any_change(write)
    )
    report = lab.apply()
    assert report.exit_code() == ExitCode.PARTIAL
    applied = {result.change.model for result in report.results if result.outcome == "applied"}
    assert applied == {"a", "c"}


def test_when_every_write_is_refused_it_is_the_registry() -> None:
    lab = Lab()
    lab.registry.before_write = always(Forbidden("no permission"), lambda _: True)
    report = lab.apply()
    assert report.exit_code() == ExitCode.REGISTRY
    assert "the record was not written" in str(report.results[0].error) + str(
        [result.error for result in report.results]
    )


def test_a_removal_that_is_forbidden_says_what_it_needs() -> None:
    lab = Lab()
    lab.apply()
    fields = {a: v for a, v in PROMOTION.items() if a.name != "tag"}
    lab.commit({"m": declaration(fields=fields)})
    lab.registry.before_write = always(Forbidden("403"), lambda write: write.method == "delete_tag")
    report = lab.apply()
    assert "needs the permission MANAGE" in str(report.results[0].error)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda registry: registry.set_alias("m", "champion", 2),
        lambda registry: registry.set_stage("m", 2, "Staging"),
        lambda registry: registry.set_stage("m", 3, "Production"),
        lambda registry: registry.set_tag("m", None, "reconciler.commit", "f" * 40),
        lambda registry: registry.set_tag("m", 2, "risk", "low"),
        lambda registry: (
            registry.delete_model("m"),
            registry.create_model("m"),
            registry.create_version("m"),
            registry.create_version("m"),
            registry.set_stage("m", 1, "Production"),
            registry.set_alias("m", "champion", 1),
        ),
    ],
    ids=["alias", "stage", "crowd", "record", "tag", "recreated"],
)
def test_what_moved_since_the_plan_is_stale_and_untouched(
    tamper: Callable[[FakeRegistry], object],
) -> None:
    lab = Lab()
    lab.registry.create_version("m", run_id="three")
    plan = lab.plan()
    tamper(lab.registry)
    lab.registry.writes.clear()
    report = lab.apply(plan)
    assert {result.outcome for result in report.results} == {"stale"}
    assert report.exit_code() == ExitCode.OUT_OF_STEP
    assert lab.registry.writes == []


def test_a_record_that_a_newer_apply_left_supersedes_this_one() -> None:
    lab = Lab()
    plan = lab.plan()
    lab.registry.set_tag("m", None, "reconciler.commit", "f" * 40)
    report = apply(
        AdmittedPlan(plan), lab.registry, is_superseded_by=lambda commit: commit == "f" * 40
    )
    assert {result.outcome for result in report.results} == {"superseded"}
    assert report.summary["superseded"] == len(plan.changes)


def test_another_runs_record_is_not_replaced() -> None:
    lab = Lab()

    def hook(write: Write) -> None:
        if write.method == "set_alias":
            lab.registry.after_write = lambda _: None
            both = f"- {lab.head} {'f' * 40}"
            lab.registry.set_tag("m", None, "reconciler.commit", both)

    lab.registry.after_write = hook
    report = lab.apply()
    assert lab.registry.read()["m"].recorded[-1] == "f" * 40
    assert "another run recorded ffffffffffff" in str(report.models[0].error)
    assert report.exit_code() == ExitCode.PARTIAL


def test_a_value_that_did_not_stay_is_a_failure_that_says_what_was_found() -> None:
    lab = Lab()

    def hook(write: Write) -> None:
        if alias(write) and write.value == 2:
            lab.registry.after_write = lambda _: None
            lab.registry.set_alias("m", "champion", 1)

    lab.registry.after_write = hook
    report = lab.apply()
    by_field = {str(result.change.field): result for result in report.results}
    assert by_field["@champion"].outcome == "failed"
    assert "now has `1`" in str(by_field["@champion"].error)
    assert len(lab.registry.read()["m"].recorded) > 1, "the next run has to finish it"
    assert lab.converges()


def test_a_read_that_fails_before_the_first_write_leaves_the_model_untouched() -> None:
    lab = Lab()
    plan = lab.plan()

    def fail(_: str) -> None:
        raise RegistryError("gone fishing")

    lab.registry.before_read = fail
    report = lab.apply(plan)
    assert {result.outcome for result in report.results} == {"failed"}
    assert report.exit_code() == ExitCode.REGISTRY
    assert lab.registry.writes == []


def test_a_signal_stops_between_two_requests_and_everything_is_said() -> None:
    lab = Lab("a", "b", "c")
    stop = no_stop()

    def hook(write: Write) -> None:
        if write.model == "a" and write.method == "set_stage":
            stop(15)

    lab.registry.after_write = hook
    plan = lab.plan()
    report = apply(AdmittedPlan(plan), lab.registry, parallelism=1, stop=stop)
    assert len(report.results) == len(plan.changes)
    assert {result.outcome for result in report.results} == {"applied", "skipped"}
    assert report.exit_code() == ExitCode.PARTIAL
    assert lab.registry.writes[-1].method == "set_stage"
    lab.registry.after_write = lambda _: None
    assert lab.converges()


def test_a_signal_before_the_first_write_exits_as_a_signal_does() -> None:
    lab = Lab()
    stop = no_stop()
    stop(2)
    report = lab.apply(stop=stop)
    assert report.exit_code() == 130
    assert lab.registry.writes == []


def test_a_request_that_hangs_does_not_keep_the_report() -> None:
    lab = Lab()
    stop, hang = no_stop(), threading.Event()

    def hook(write: Write) -> None:
        if alias(write):
            stop(2)
            hang.wait(30)

    lab.registry.before_write = hook
    report = lab.apply(stop=stop)
    hang.set()
    by_field = {str(result.change.field): result for result in report.results}
    assert by_field["@champion"].outcome == "failed"
    assert "before the registry answered" in str(by_field["@champion"].error)
    assert by_field["v2 stage"].outcome == "applied"


def test_a_bug_in_an_adapter_keeps_its_traceback() -> None:
    lab = Lab()
    plan = lab.plan()
    lab.registry.before_write = always(ZeroDivisionError(), lambda _: True)
    report = lab.apply(plan)
    assert isinstance(report.bug, ZeroDivisionError)
    assert report.exit_code() == ExitCode.USAGE


def test_a_bug_in_one_model_costs_neither_the_report_nor_the_others() -> None:
    lab = Lab("a", "b", "c")
    lab.registry.before_write = always(
        ZeroDivisionError("odd"), lambda write: write.model == "b" and alias(write)
    )
    report = apply(AdmittedPlan(lab.plan()), lab.registry, parallelism=1)
    assert isinstance(report.bug, ZeroDivisionError)
    assert report.exit_code() == ExitCode.PARTIAL
    by_model = {model.model: {r.outcome for r in model.results} for model in report.models}
    assert by_model == {"a": {"applied"}, "b": {"applied", "failed"}, "c": {"applied"}}
    lab.registry.before_write = lambda _: None
    assert lab.converges()


def test_each_model_is_compared_right_before_its_own_first_write() -> None:
    lab = Lab("a", "b")

    def hook(write: Write) -> None:
        if write.model == "a" and alias(write):
            lab.registry.after_write = lambda _: None
            lab.registry.set_alias("b", "champion", 2)

    lab.registry.after_write = hook
    report = apply(AdmittedPlan(lab.plan()), lab.registry, parallelism=1)
    by_model = {model.model: {r.outcome for r in model.results} for model in report.models}
    assert by_model == {"a": {"applied"}, "b": {"stale"}}


def test_a_report_that_leaves_two_in_production_says_which_one_serves() -> None:
    lab = Lab()
    lab.registry.before_write = always(
        Rejected("no"), lambda write: write.method == "set_stage" and write.version == 1
    )
    report = lab.apply()
    assert report.models[0].messages == (
        "Production has v1 and v2 until the next run; v2 is serving",
    )


def test_somebody_who_enters_production_meanwhile_is_noticed() -> None:
    lab = Lab()
    lab.registry.create_version("m", run_id="three")

    def hook(write: Write) -> None:
        if alias(write):
            lab.registry.after_write = lambda _: None
            lab.registry.set_stage("m", 3, "Production")

    lab.registry.after_write = hook
    report = lab.apply()
    assert report.exit_code() == ExitCode.PARTIAL
    assert report.models[0].error == "Production now has v2 and v3"
    assert not report.models[0].recorded


def test_a_job_that_is_overtaken_after_its_plan_is_only_late() -> None:
    lab = Lab()
    plan = lab.plan()
    lab.registry.set_tag("m", None, "reconciler.commit", "f" * 40)
    report = apply(
        AdmittedPlan(plan), lab.registry, is_superseded_by=lambda _: True, allow_superseded=True
    )
    assert {result.outcome for result in report.results} == {"superseded"}
    assert report.exit_code() == 0


def test_a_model_that_keeps_failing_keeps_its_record_short() -> None:
    lab = Lab("a", "b")
    lab.registry.before_write = always(
        Rejected("no"), lambda write: write.model == "a" and alias(write)
    )
    for number in range(200):
        lab.commit({"a": declaration("a"), "b": replace(declaration("b"), hold=f"h{number}")})
        lab.apply()
    assert len(lab.registry.read()["a"].recorded) == 2
    lab.registry.before_write = lambda _: None
    assert lab.converges()


@pytest.mark.parametrize("exclusive", [("Production", "Staging"), ("Staging", "Production"), ()])
def test_who_enters_production_is_first_whatever_is_exclusive(exclusive: tuple[str, ...]) -> None:
    leaves = Change("m", Field("stage", 1), "Production", "Staging", "declared")
    enters = Change("m", Field("stage", 2), "Staging", "Production", "declared")
    assert in_order([leaves, enters], exclusive) == (enters, leaves)


def test_a_record_alone_is_one_write() -> None:
    lab = Lab()
    lab.apply()
    lab.commit({"m": replace(declaration(), retired=True)})
    lab.registry.writes.clear()
    report = lab.apply()
    assert report.exit_code() == 0
    assert lab.methods == ["set_tag reconciler.commit"]
    assert lab.registry.read()["m"].recorded == (lab.head,)


_NOT_ALLOWED = Forbidden("http://fake answered 403: Permission denied")


def test_an_apply_of_which_the_first_models_are_all_refused_asks_no_further() -> None:
    lab = Lab(*(f"m{number:02}" for number in range(30)))
    plan = lab.plan()
    lab.registry.before_write = always(_NOT_ALLOWED, lambda _: True)
    before = lab.registry.requests
    report = apply(AdmittedPlan(plan), lab.registry, parallelism=1)
    assert lab.registry.requests - before == 8 * 2, "a read and the record"
    assert report.exit_code() == ExitCode.REGISTRY
    assert report.summary["applied"] == 0
    assert [model.untried for model in report.models] == [False] * 8 + [True] * 22
    (refusal,) = report.refusals
    assert refusal.message == (
        "user `ann` lacks EDIT on 8 models: `m00`, `m01`, `m02`, `m03`, `m04` and 3 more"
    )
    shown = text.report(report, text.Effort(0, 0.0)).splitlines()
    assert f"✗ {refusal.message}" in shown
    (untried,) = (line for line in shown if "not tried" in line)
    assert untried.startswith("· 22 models not tried, because the first ones were all refused")
    assert "`--model`" in untried
    assert len(shown) < 10
    errors = json_documents.report(report, 6)["errors"]
    assert [error["message"] for error in errors] == [refusal.message]


def test_models_that_alone_are_refused_keep_no_other_from_being_tried() -> None:
    lab = Lab(*(f"m{number:02}" for number in range(12)))
    plan = lab.plan()
    lab.registry.before_write = always(_NOT_ALLOWED, lambda write: write.model != "m00")
    report = apply(AdmittedPlan(plan), lab.registry, parallelism=1)
    assert not any(model.untried for model in report.models)
    assert report.models[0].recorded
    assert report.exit_code() == ExitCode.PARTIAL


def test_a_removal_that_is_refused_lacks_another_permission() -> None:
    lab = Lab()
    lab.commit({"m": declaration(fields={**PROMOTION, Field("alias", None, "old"): 2})})
    lab.apply()
    lab.commit({"m": declaration()})
    plan = lab.plan()
    lab.registry.before_write = always(_NOT_ALLOWED, lambda write: write.method == "delete_alias")
    (refusal,) = lab.apply(plan).refusals
    assert refusal.message == "user `ann` lacks MANAGE on `m`"


def test_credentials_that_are_not_accepted_lack_no_permission() -> None:
    lab = Lab()
    plan = lab.plan()
    lab.registry.before_write = always(Forbidden("401", is_known=False), lambda _: True)
    assert lab.apply(plan).refusals == ()
