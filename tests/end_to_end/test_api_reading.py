"""The answers of `Reconciler` that read: the same as the commands', on a real server and in git."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

import reconciler
from reconciler import (
    Answer,
    OutOfStep,
    Reconciler,
    Refused,
    RegistryError,
    UsageError,
)
from reconciler.api.validation import validated
from tests.support.registries.servers import free_port
from tests.support.repositories.reading_lab import Desk, desk_fixture, shared_fixture  # noqa: F401  fixtures

_QUESTIONS: dict[str, tuple[Callable[[Reconciler, str], Answer], Callable[[str], list[str]]]] = {
    "history": (lambda r, m: r.history(m), lambda m: ["history", m]),
    "history at": (
        lambda r, m: r.history(m, at="2099-01-01"),
        lambda m: ["history", m, "--at", "2099-01-01"],
    ),
    "history of a version": (
        lambda r, m: r.history(m, version=2, since="2020-01-01", until="2099-12-31T00:00+01:00"),
        lambda m: [
            *("history", m, "--version", "2", "--since", "2020-01-01"),
            *("--until", "2099-12-31T00:00+01:00"),
        ],
    ),
    "audit": (lambda r, _: r.audit(), lambda _: ["audit"]),
    "audit of a time": (
        lambda r, _: r.audit(since="2020-01-01", until="2020-12-31"),
        lambda _: ["audit", "--since", "2020-01-01", "--until", "2020-12-31"],
    ),
    "show": (lambda r, m: r.show(m), lambda m: ["show", m]),
    "show an alias": (lambda r, m: r.show(f"{m}@champion"), lambda m: ["show", f"{m}@champion"]),
    "compare": (lambda r, m: r.compare(m, 1, 2), lambda m: ["compare", m, "1", "2"]),
    "compare names": (
        lambda r, m: r.compare(m, "@champion", "Production"),
        lambda m: ["compare", m, "@champion", "Production"],
    ),
}
_FORMATS = {"history": ("csv", "markdown"), "audit": ("csv", "markdown"), "compare": ("markdown",)}


@pytest.mark.parametrize("question", _QUESTIONS)
def test_an_answer_is_what_the_command_prints(shared: Desk, question: str) -> None:
    model = shared.model
    shared.warned.clear()
    ask, words = _QUESTIONS[question]
    answer, arguments = ask(shared.r, model), words(model)
    printed = shared.command(*arguments, "--format", "json")
    document = printed.document
    assert document.pop("exit")["code"] == answer.code == printed.code
    assert answer.to_dict() == document

    assert _untimed(answer.to_text()) == _untimed(shared.command(*arguments).stdout)
    assert answer.to_text(seconds=1.5).endswith(" 1.50 s\n")
    for name in _FORMATS.get(arguments[0], ()):
        other = shared.command(*arguments, "--format", name).stdout
        assert _untimed(getattr(answer, f"to_{name}")()) == _untimed(other)
    assert shared.warned + [problem.message for problem in answer.problems] == (
        printed.stderr.splitlines()
    )


def _untimed(text: str) -> str:
    """Return a text without what the time that passed between two runs changes."""
    return re.sub(r" +", " ", re.sub(r"\b\d+(\.\d\d)? s\b", "some s", text))


def test_an_answer_has_its_values_as_attributes(shared: Desk) -> None:
    model = shared.model
    history = shared.r.history(model)
    assert [entry.serving for entry in history.entries] == [1, 2]
    assert history.declared_at is None
    then = shared.r.history(model, at=datetime.now(timezone.utc)).declared_at
    assert then is not None
    assert [(held.name, held.version) for held in then.held] == [
        ("serving (Production)", 2),
        ("@champion", 2),
    ]
    audit = shared.r.audit()
    assert [row.pull_request for row in audit.rows] == [1, 2]
    assert "unapproved" in {finding.kind for finding in audit.findings if finding.model == model}
    shown = shared.r.show(model)
    assert (shown.model, shown.version) == (model, 2)
    assert shared.r.compare(model, 2, 1).comparison.candidate.facts.metrics == {"auc": 0.9}


def test_a_history_is_a_table_in_a_notebook(desk: Desk) -> None:
    model = desk.model
    desk.lab.git.environ["GIT_AUTHOR_NAME"] = "Eve & Bob"
    desk.lab.declare(model, None, "Leave")
    shown = desk.r.history(model)._repr_html_()
    assert shown.count("<tr>") == 4
    assert "#2" in shown
    assert "Eve &amp; Bob" in shown


def test_a_moment_is_a_date_a_text_or_a_datetime_with_a_zone(shared: Desk) -> None:
    model = shared.model
    first, second = shared.r.history(model).entries
    assert second.time - first.time < timedelta(hours=1)
    moment, early = second.time, first.time - timedelta(seconds=1)
    for at in (moment, moment.astimezone(timezone(timedelta(hours=9))), moment.isoformat()):
        assert shared.r.history(model, since=at).entries == (second,)
        assert shared.r.history(model, until=at).entries == (first, second)
    day = moment.date()
    for last_day in (day, day.isoformat()):
        assert shared.r.history(model, until=last_day).entries == (first, second), "all of the day"
    assert shared.r.history(model, until=day - timedelta(days=1)).entries == ()
    assert shared.r.history(model, until=early).entries == ()


@pytest.mark.parametrize(
    ("ask", "complaint", "hint"),
    [
        (lambda r, m: r.history(m, since="last week"), "`last week` is not a date", "2026-01-31"),
        (
            lambda r, m: r.history(m, at=datetime(2026, 1, 31)),  # noqa: DTZ001  what is refused
            "`2026-01-31T00:00:00` has no time zone",
            "tzinfo",
        ),
        (lambda r, _: r.audit(until="0001-01-01T00:00+01:00"), "out of range", None),
        (
            lambda r, _: r.audit(since=date(2026, 2, 1), until=date(2026, 1, 1)),
            "the period ends before it begins",
            "the earlier date",
        ),
        (
            lambda r, m: r.history(m, at="2026-01-31", version=1),
            "`--at` asks about one moment",
            "leave out the other limits",
        ),
        (lambda r, m: r.history(m.upper()), "was never declared in the merged history", None),
        (lambda r, m: r.history(f"{m}x"), "was never declared", "did you mean"),
        (lambda r, m: r.show(f"{m}/7"), "has no version 7", "Archived v1; Production v2"),
        (lambda r, m: r.compare(m, 1, "@champoin"), "no alias `@champoin`", "did you mean"),
        (lambda r, m: r.forget(f"{m}x"), "is not in the registry", "did you mean"),
        (lambda r, m: r.resolve(f"{m}x"), "there is no model", "did you mean"),
        (lambda r, m: r.resolve(f"{m}/prodction"), "is not a version, stage", "`Production`?"),
        (lambda r, m: r.resolve(f"{m}@champoin"), "no alias `@champoin`", "`@champion`?"),
        (lambda r, m: r.resolve(f"{m}/7"), "has no version 7", "Archived v1; Production v2"),
        (lambda r, m: r.resolve(f"{m}/Staging"), "is in Staging", "Archived v1; Production v2"),
        (lambda r, _: r.resolve(""), "there is no model ``", None),
    ],
)
def test_what_means_nothing_is_a_usage_error_that_says_what_would(
    shared: Desk, ask: Callable[[Reconciler, str], object], complaint: str, hint: str
) -> None:
    model = shared.model
    with pytest.raises(UsageError) as caught:
        ask(shared.r, model)
    assert complaint in caught.value.message
    assert hint in (caught.value.hint or "") if hint else True


def test_a_model_of_which_the_folder_is_gone_still_has_its_history(desk: Desk) -> None:
    model = desk.model
    last = {f"registry-state/{model}.yaml": None, "registry-state/reconciler.yaml": None}
    desk.lab.git.commit(last, "Leave")
    (desk.lab.git.root / "registry-state").rmdir()
    printed = desk.command("history", model, "--format", "json").document
    assert desk.r.history(model).to_dict() == {k: v for k, v in printed.items() if k != "exit"}
    assert desk.r.history(model).entries[-1].meaning[0] == "no longer declared"

    audit = desk.r.audit()
    assert audit.code == desk.command("audit").code == 3
    assert "the state folder is not in this checkout" in audit.problems[0].message
    with pytest.raises(UsageError, match="no state folder `elsewhere`"):
        desk.open("elsewhere").audit()


def test_an_audit_without_a_registry_says_so(shared: Desk) -> None:
    model = shared.model
    shared.warned.clear()
    audit = shared.open().audit()
    assert audit.to_dict()["registry"] is None
    assert [row.model for row in audit.rows] == [model, model]
    assert "no registry is named: git alone is audited" in shared.warned[0]


def test_a_registry_that_cannot_be_read_leaves_an_audit_incomplete(shared: Desk) -> None:
    model = shared.model
    nowhere = shared.open(registry_uri=f"http://127.0.0.1:{free_port()}")
    audit = nowhere.audit()
    assert (audit.code, len(audit.rows)) == (6, 2)
    assert audit.problems == audit.audit.missing
    with pytest.raises(RegistryError):
        nowhere.resolve(model)


def test_a_clone_without_records_is_warned_of_before_old_files_that_cannot_be_read(
    desk: Desk,
) -> None:
    model = desk.lab.model(1)
    desk.lab.declare(model, "versions: {1: {stage: Production}}")
    desk.lab.declare(model, "versions: [")
    desk.lab.declare(model, "versions: {1: {stage: Archived}}")
    desk.lab.git.git("update-ref", "-d", "refs/notes/reconciler")
    history = desk.r.history(model)
    assert [str(p.file).partition("@")[0] for p in history.unreadable] == [
        f"registry-state/{model}.yaml"
    ]
    assert desk.warned == desk.command("history", model).stderr.splitlines()
    assert "no apply records" in desk.warned[0]
    assert "1 file of old commits cannot be read" in desk.warned[1]


def test_no_history_is_out_of_step(tmp_path: Path, mlflow_uri: str) -> None:
    (tmp_path / "registry-state").mkdir()
    outside = reconciler.open(root=tmp_path, registry_uri=mlflow_uri, environ={})
    with pytest.raises(OutOfStep, match="not a git repository"):
        outside.history("m")


def test_a_model_is_forgotten_once(desk: Desk) -> None:
    model = desk.model
    values = desk.lab.hand.values(model)
    first = desk.r.forget(model)
    assert first.removed == ("reconciler.commit", "reconciler.owner")
    assert first.to_text() == f"{model}: removed reconciler.commit and reconciler.owner\n"
    assert desk.lab.hand.recorded(model) is None
    assert desk.lab.hand.values(model) == values
    again, printed = desk.r.forget(model), desk.command("forget", model, "--format", "json")
    assert again.to_dict() | {"exit": printed.document["exit"]} == printed.document
    assert again.to_text() == desk.command("forget", model).stdout


def test_a_model_of_another_folder_is_not_forgotten(desk: Desk) -> None:
    model = desk.model
    desk.lab.git.commit({"other/reconciler.yaml": "branch: main\n"})
    other = desk.open("other", registry_uri=desk.lab.uri)
    with pytest.raises(Refused, match=f"`{model}` is managed by state folder `registry-state`"):
        other.forget(model)
    assert desk.lab.hand.recorded(model) is not None


def test_the_schemas_are_those_of_the_command(desk: Desk) -> None:
    assert reconciler.json_schema() == desk.command("schema").document
    assert reconciler.json_schema("settings") == desk.command("schema", "settings").document
    assert reconciler.json_schema() != reconciler.json_schema("settings")
    with pytest.raises(UsageError, match="no schema of `x`"):
        reconciler.json_schema("x")  # type: ignore[arg-type]  # what a checker would refuse


def test_validate_tells_what_the_command_tells(desk: Desk) -> None:
    desk.lab.declare("m", "versions: {1: {stage: Prod}, x: {}}")
    problems = reconciler.validate(root=desk.lab.git.root)
    printed = desk.command("validate", "--format", "json").document["errors"]
    assert [problem.message for problem in problems] == [error["message"] for error in printed]
    assert len(problems) == 2


@pytest.mark.parametrize("faulty", [False, True])
def test_validate_is_one_answer_for_a_program_and_the_command(desk: Desk, *, faulty: bool) -> None:
    twins = "versions: {1: {aliases: [a]}, 2: {aliases: [A]}}"
    desk.lab.declare("m", "versions: {1: {stage: Prod}}" if faulty else twins)
    answer = validated("registry-state", desk.lab.git.root)
    in_text, in_json = desk.command("validate"), desk.command("validate", "--format", "json")
    assert answer.document() == in_json.document
    assert answer.code == in_text.code == in_json.code == (3 if faulty else 0)
    assert in_text.stdout.rpartition(",")[0] == answer.to_text(0.0).rpartition(",")[0]
    assert answer.problems == reconciler.validate(root=desk.lab.git.root)
    assert [complaint.message in in_text.stderr for complaint in answer.problems] == [True]
