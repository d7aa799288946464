"""The Python API does what the commands do: the same JSON, the same checks, on a real server."""

import doctest
import gc
import json
import os
import pickle
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import reconciler
from reconciler.api.answers import Report
from tests.support.registries.api_lab import cli, opened
from tests.support.registries.lab import Lab

_SERVED = "versions: {1: {stage: Production, aliases: [champion]}, 2: {stage: Staging}}"
_POLICY = "policies:\n- {name: tagged, require: version.tags.ok == 'yes'}\n"


def test_the_documents_of_plan_drift_status_and_apply_are_those_of_the_commands(lab: Lab) -> None:
    model, other = lab.model(2), lab.model(1)
    lab.declare(model, _SERVED)
    r = opened(lab)
    plan = r.plan(models=model)
    assert plan.to_dict() == cli(lab, "plan", "--model", model)
    assert [change.after for change in plan.changes] == ["Production", "Staging", 1]
    assert plan.digest == plan.to_dict()["digest"]
    assert plan.summary == plan.to_dict()["summary"]
    assert r.drift(models=[model]).to_dict() == cli(lab, "drift", "--model", model)

    report = r.apply(plan, parallelism=1)
    assert report.code == 0
    assert [result.outcome for result in report.results] == ["applied"] * 3
    lab.git.git("commit", "--allow-empty", "--message", "again")
    lab.hand.stage(model, 1, "Archived")
    lab.hand.stage(other, 1, "Staging")
    drift = r.drift(models=[model], unmanaged=True)
    assert drift.to_dict() == cli(lab, "drift", "--model", model, "--unmanaged")
    assert [(c.before, c.after) for c in drift.changes] == [("Archived", "Production")]
    assert r.status(model).to_dict() == cli(lab, "status", model)
    assert r.status().to_dict() == cli(lab, "status")

    expected = cli(lab, "apply", "--yes", "--model", model)
    lab.hand.stage(model, 1, "Archived")
    assert r.apply(models=[model]).to_dict() == expected


def _timeless(text: str) -> list[str]:
    """Return the lines of a text without those on ages and on what the run cost."""
    return [line for line in text.splitlines() if not re.search(r"\bage\b|request", line)]


def test_what_is_printed_and_shown_is_that_of_the_command(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, _SERVED)
    plan = opened(lab).plan(models=[model])
    printed = lab.run("plan", "--model", model).stdout
    assert _timeless(plan.to_text()) == _timeless(printed)
    markdown = lab.run("plan", "--model", model, "--format", "markdown").stdout
    assert _timeless(plan.to_markdown()) == _timeless(markdown)
    shown = plan._repr_html_()
    assert shown.count("<tr>") == 4
    assert "<td" in shown
    assert model in shown
    assert repr(plan).startswith("<reconciler.Plan: 3 changes on 1 of 1 model")


@pytest.mark.needs_cel
def test_a_denied_plan_is_refused_and_nothing_is_written(lab: Lab) -> None:
    model = lab.model(2)
    lab.git.write({"registry-state/reconciler.yaml": _POLICY})
    lab.declare(model, _SERVED)
    r = opened(lab)
    plan = r.plan(models=[model])
    assert plan.denied
    assert {violation.name for violation in plan.violations} == {"tagged"}
    before = lab.hand.holds(model)
    with pytest.raises(reconciler.PlanRefused, match="the plan is refused by tagged") as refused:
        r.apply(plan)
    assert refused.value.code is reconciler.ExitCode.REFUSED
    assert refused.value.problems
    assert not refused.value.report.is_carried_out
    with pytest.raises(reconciler.Refused):
        r.apply(models=[model])
    assert lab.hand.holds(model) == before
    assert r.apply(plan, accept=[f"tagged={model}"]).summary["applied"] == 3


def test_a_dirty_checkout_and_a_commit_off_the_main_line_are_refused(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, _SERVED)
    r = opened(lab)
    lab.git.write({f"registry-state/{model}.yaml": _SERVED + "\n"})
    with pytest.raises(reconciler.PlanRefused) as refused:
        r.apply(r.plan(models=[model]))
    assert {v.name for v in refused.value.report.plan.violations} == {"dirty"}
    lab.git.git("checkout", "--", ".")
    lab.git.git("switch", "--create", "side")
    lab.git.write({"registry-state/reconciler.yaml": "branch: main\n"})
    lab.git.git("add", "--all")
    lab.git.git("commit", "--message", "aside")
    with pytest.raises(reconciler.PlanRefused, match="off-main"):
        r.apply(r.plan(models=[model]))


def test_a_saved_plan_is_the_command_lines_and_another_registrys_is_refused(
    lab: Lab, tmp_path: Path, sqlite_uri: str
) -> None:
    model = lab.model(2)
    lab.declare(model, _SERVED)
    r = opened(lab)
    saved = tmp_path / "plan.json"
    r.plan(models=[model]).save(saved)
    elsewhere = reconciler.open(
        root=lab.git.root, registry_uri=sqlite_uri, environ=lab.git.env, warn=lambda _: None
    )
    with pytest.raises(reconciler.OutOfStep, match="this run talks to sqlite"):
        elsewhere.apply(elsewhere.load_plan(saved))
    assert lab.run("apply", str(saved)).code == 0
    with pytest.raises(reconciler.OutOfStep, match="this plan is sha256:"):
        r.apply(expect="sha256:0")
    with pytest.raises(reconciler.UsageError, match="No such file"):
        r.load_plan(tmp_path / "none.json")


def test_the_sentences_of_stderr_go_to_the_program(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "registry-state").mkdir()
    model = lab.model(1)
    (tmp_path / "registry-state" / f"{model}.yaml").write_text("versions: {1: {stage: Staging}}")
    said: list[str] = []
    r = reconciler.open(root=tmp_path, registry_uri=lab.uri, environ={}, warn=said.append)
    assert r.plan().summary["changes"] == 1
    (sentence,) = said
    assert sentence.startswith("this is not a git repository: compared with the registry alone")
    with pytest.warns(reconciler.ReconcilerWarning, match="not a git repository"):
        reconciler.open(root=tmp_path, registry_uri=lab.uri, environ={}).plan()


def test_one_object_serves_several_threads_one_after_another(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, _SERVED)
    r = opened(lab)
    reports: list[Report] = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: reports.append(r.apply(models=[model])))
        thread.start()
        thread.join()
    assert [report.summary["applied"] for report in reports] == [3, 0]


def test_the_callbacks_hear_of_the_plan_each_result_and_the_report(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, _SERVED)
    heard: list[object] = []
    report = opened(lab).apply(
        models=[model],
        before_writing=lambda plan: heard.append(("plan", plan.summary["changes"])),
        on_result=lambda result: heard.append(result.outcome),
        on_report=lambda done: heard.append(("report", done.code)),
    )
    assert heard == [("plan", 3), *["applied"] * 3, ("report", 0)]
    assert json.loads(json.dumps(report.to_dict()))["summary"]["applied"] == 3


def test_validate_returns_every_complaint_and_nothing_for_files_that_are_fine(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "registry-state"
    folder.mkdir()
    (folder / "m.yaml").write_text("versions: {1: {stage: Prod}, x: {}}")
    problems = reconciler.validate("registry-state", root=tmp_path)
    assert [(p.line, p.code) for p in problems] == [(1, reconciler.ExitCode.DECLARATION)] * 2
    (folder / "m.yaml").write_text("versions: {1: {stage: Production}}")
    assert reconciler.validate(folder) == ()
    with pytest.raises(reconciler.UsageError):
        reconciler.validate(tmp_path / "none")


def test_every_public_name_is_there_and_has_a_docstring() -> None:
    for name in reconciler.__all__:
        value = getattr(reconciler, name)
        assert value.__doc__, name
    assert reconciler.__version__
    assert {"open", "Plan"} <= set(dir(reconciler))
    with pytest.raises(AttributeError, match="no attribute `nothing`"):
        _ = reconciler.nothing


_INTERRUPTED = """
import signal, sys, threading
import reconciler

r = reconciler.open()
model, calls = sys.argv[1], []

def interrupt(result):
    calls.append(result.outcome)
    if len(calls) == 1:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

try:
    r.apply(models=[model], on_result=interrupt, parallelism=1)
except reconciler.ApplyInterrupted as stopped:
    print(stopped.report.summary["applied"], stopped.report.code, calls.count("applied"))
print(r.apply(models=[model]).code, r.plan(models=[model]).summary["changes"])
"""


def test_ctrl_c_ends_an_apply_between_two_requests_and_the_next_one_finishes_it(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, _SERVED)
    done = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED, model],
        cwd=lab.git.root,
        env={"PATH": os.environ["PATH"], **lab.git.env, "MLFLOW_REGISTRY_URI": lab.uri},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    interrupted, finished = done.stdout.splitlines()
    applied, code, heard = map(int, interrupted.split())
    assert (code, applied) == (7, heard)
    assert 1 <= applied < 3
    assert finished == "0 0"


def test_the_example_of_the_package_is_true() -> None:
    done = doctest.testmod(reconciler)
    assert done.attempted > 0
    assert done.failed == 0


def test_arguments_that_cannot_be_meant_are_refused_before_anything_is_read(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, _SERVED)
    r = opened(lab)
    plan = r.plan(models=[model])
    before = lab.hand.holds(model)
    for call, said in (
        (lambda: r.apply(plan, models=[model]), "a saved plan is applied as it is"),
        (lambda: r.apply(plan, adopt=[model]), "a saved plan is applied as it is"),
        (lambda: r.apply(plan, parallelism=0), "parallelism is from 1 to 64, not 0"),
        (lambda: r.apply(plan, timeout=0), "timeout is at least 1 s, not 0"),
        (lambda: r.promote(model, "2"), "`version` is a whole number, not `'2'`"),  # type: ignore[arg-type]
        (lambda: r.rollback(model, to=0), "a version is a whole number from 1, not `0`"),
        (lambda: r.history(model, version=0), "a version is a whole number from 1, not `0`"),
    ):
        with pytest.raises(reconciler.UsageError, match=re.escape(said)):
            call()
    assert lab.hand.holds(model) == before


def test_a_warning_that_is_an_error_does_not_cost_the_report(lab: Lab) -> None:
    model = lab.model(2)
    webhook = "notify: [{slack: NOT_SET_ANYWHERE}]\n"
    lab.git.write({"registry-state/reconciler.yaml": webhook})
    lab.declare(model, _SERVED)

    def refuse(sentence: str) -> None:
        raise ValueError(sentence)

    r = reconciler.open(
        root=lab.git.root, registry_uri=lab.uri, environ={"PATH": os.environ["PATH"]}, warn=refuse
    )
    assert r.apply(models=[model]).summary["applied"] == 3


@pytest.mark.needs_cel
def test_a_refused_report_shows_the_rule_and_has_the_code_of_the_command(lab: Lab) -> None:
    model = lab.model(2)
    lab.git.write({"registry-state/reconciler.yaml": _POLICY})
    lab.declare(model, _SERVED)
    lab.declare("nowhere-to-be-found", "versions: {1: {stage: Staging}}")
    with pytest.raises(reconciler.PlanRefused) as refused:
        opened(lab).apply()
    assert refused.value.exit_code == lab.run("apply", "--yes").code == 3
    assert "tagged" in refused.value.report._repr_html_()
    assert any("nowhere-to-be-found" in problem.message for problem in refused.value.problems)


def test_an_empty_list_of_models_is_none_and_not_every_one(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, _SERVED)
    r = opened(lab)
    assert r.plan(models=[]).summary["models"] == 0
    assert r.apply(models=[]).summary["applied"] == 0
    assert r.plan().summary["changes"] == 3
    for call in (lambda: r.import_models([]), lambda: r.discover([])):
        with pytest.raises(reconciler.UsageError, match="no model is named"):
            call()


def test_a_callback_that_raises_does_not_leave_a_promotion_half_done(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, "versions: {1: {stage: Production}}")
    r = opened(lab)
    assert r.apply(models=[model]).code == 0
    lab.declare(model, "versions: {2: {stage: Production}}")

    def boom(_: object) -> None:
        raise ValueError("the caller's own mistake")

    report = r.apply(models=[model], on_result=boom)
    assert report.summary["applied"] == 2
    assert str(report.bug) == "the caller's own mistake"
    assert r.plan(models=[model]).summary["changes"] == 0


def test_a_superseded_checkout_is_an_error_outside_of_a_ci_job(lab: Lab) -> None:
    model = lab.model(2)
    old = lab.declare(model, "versions: {1: {stage: Production}}")
    lab.declare(model, "versions: {1: {stage: Production, aliases: [champion]}}")
    assert opened(lab).apply(models=[model]).code == 0
    lab.git.git("checkout", "--quiet", old)
    assert opened(lab).plan(models=[model]).code == reconciler.ExitCode.OUT_OF_STEP


def test_a_tag_is_text_and_a_path_is_not_a_plan(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, _SERVED)
    r = opened(lab)
    with pytest.raises(reconciler.UsageError, match="`tags` is a mapping of text to text"):
        r.promote(model, 2, tags={"validated": True})  # type: ignore[dict-item]
    with pytest.raises(reconciler.UsageError, match=r"`plan\.json` is not a plan"):
        r.apply("plan.json")  # type: ignore[arg-type]


def test_calls_leave_no_process_and_no_connection_behind(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, _SERVED)
    r = opened(lab)
    edits = [r.promote(model, 2).write()]
    r.plan(models=[model])
    gc.collect()
    gc.disable()
    try:
        before = len([*Path("/proc/self/fd").iterdir()])
        for _ in range(5):
            r.plan(models=[model])
            r.drift(models=[model])
            r.history(model)
            edits.append(r.promote(model, 2))
        assert len([*Path("/proc/self/fd").iterdir()]) <= before + 1
    finally:
        gc.enable()


def test_an_error_survives_the_way_between_processes() -> None:
    problem = reconciler.Problem("wrong", reconciler.ExitCode.DECLARATION, file="m.yaml", line=1)
    for error in (
        reconciler.DeclarationError([problem]),
        reconciler.OutOfStep("moved", hint="plan again"),
        reconciler.Refused("no", problems=[problem]),
    ):
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301  our own
        assert type(copy) is type(error)
        assert (copy.message, copy.hint, copy.problems) == (
            error.message,
            error.hint,
            error.problems,
        )
        assert str(copy) == str(error)
