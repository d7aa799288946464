"""What is wrong, hostile or broken: a clear message, the right exit code, no secret, no write."""

import json
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.registries.lab import Hand, Lab, Result
from tests.support.registries.servers import HANG_UP, Answer, Request, free_port, proxy

_V1 = "versions: {1: {stage: Production, aliases: [champion]}}"
_PASSWORD = "s3cret-pw"  # noqa: S105  what must not be told
_ALL = (
    ["plan"],
    ["plan", "--format", "json"],
    ["plan", "--format", "markdown"],
    ["apply", "--yes"],
    ["apply", "--yes", "--format", "json"],
    ["drift"],
    ["status"],
    ["status", "--format", "json"],
    ["import", "m"],
    ["forget", "m"],
)


def _clean(result: Result, code: int) -> None:
    assert result.code == code, result.text
    assert "Traceback" not in result.text
    assert result.stderr.strip()
    assert _PASSWORD not in result.text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file is empty"),
        ("- a\n", "not a mapping"),
        ("versions: {1: {stage: Produktion}}", "`Produktion`"),
        ("versions: {1: {stages: Production}}", "did you mean `stage`?"),
        ("versions:\n\t1: {}", "tab"),
        ("versions: {1: {}}\n---\nversions: {}", "second one begins"),
        ("versions: {1: &a {}, 2: *a}", "anchor"),
        ("versions: {1: {aliases: [latest]}}", "reserved"),
        ("versions: {1: {stage: Production}, 2: {stage: Production}}", "Production"),
        ("model: a/b\nversions: {1: {}}", "neither `/`"),
        ("model: ..\nversions: {1: {}}", "path"),
        ("versions: {1: {stage: null}}", "`stage: None`"),
        ("tags: {reconciler.commit: abc}\nversions: {1: {}}", "reconciler.commit"),
        ("[" * 500, "nested"),
        ("versions: {1: {tags: {a: '\0'}}}", ""),
    ],
)
def test_a_wrong_file_is_told_by_its_place_before_any_request(
    lab: Lab, content: str, said: str
) -> None:
    lab.declare("m", content)
    with proxy() as server:
        at = {"MLFLOW_TRACKING_URI": server.uri}
        for command in (["validate"], ["apply", "--yes"]):
            result = lab.run(*command, env=at)
            _clean(result, 3)
            assert said in result.stderr
            assert result.stderr.startswith("registry-state/m.yaml")
            assert result.stdout == ""
        assert server.requests == []


@pytest.mark.parametrize("command", ["plan", "status", "drift"])
def test_a_wrong_file_is_told_without_waiting_for_the_listing_that_was_begun(
    lab: Lab, command: str
) -> None:
    files = {f"registry-state/m-{number}.yaml": _V1 for number in range(300)}
    lab.git.commit({**files, "registry-state/wrong.yaml": "versions: {0: {}}"})
    arrived, released = threading.Event(), threading.Event()

    def hold(_: Request) -> Answer:
        arrived.set()
        released.wait()
        return Answer(200, b"{}")

    with proxy(before=hold) as server:
        result = lab.run(command, env={"MLFLOW_TRACKING_URI": server.uri})
        _clean(result, 3)
        assert result.stderr.startswith("registry-state/wrong.yaml")
        assert arrived.wait(10), "the files were read first"
        assert not released.is_set()
        assert {request.method for request in server.requests} == {"GET"}
        released.set()


def test_all_files_are_told_at_once_sorted_by_place(lab: Lab) -> None:
    files = {f"registry-state/{name}.yaml": "versions: {0: {}, 1: {x: y}}" for name in "cab"}
    lab.git.commit({**files, "registry-state/reconciler.yaml": "brunch: main\n"})
    result = lab.run("validate", "--format", "json")
    _clean(result, 3)
    places = [(e["file"], e["line"], e["column"]) for e in result.document["errors"]]
    assert places == sorted(places)
    assert len(places) == 7
    assert "did you mean `branch`?" in result.stderr


def test_a_version_that_is_missing_is_told_with_its_line_and_those_there_are(lab: Lab) -> None:
    model = lab.model(3)
    lab.declare(model, "versions:\n  1: {stage: Staging}\n  33: {stage: Production}\n")
    result = lab.run("apply", "--yes", "--format", "json")
    _clean(result, 3)
    [error] = result.document["errors"]
    assert (error["file"], error["line"]) == (f"registry-state/{model}.yaml", 3)
    assert "has no version 33" in error["message"]
    assert "did you mean" in error["hint"] or "the registry has" in error["hint"]
    assert lab.hand.values(model) == {}


def test_a_model_that_is_missing_is_told_with_the_nearest_name(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(f"{model}x", _V1)
    result = lab.run("plan")
    _clean(result, 3)
    assert f"model `{model}x` is not in the registry" in result.stderr
    assert f"did you mean `{model}" in result.stderr


def test_a_registry_that_is_not_there_is_told_within_seconds(lab: Lab) -> None:
    lab.declare("m", _V1)
    nowhere = f"http://127.0.0.1:{free_port()}"
    begun = time.monotonic()
    result = lab.run("plan", "--format", "json", env={"MLFLOW_TRACKING_URI": nowhere})
    assert time.monotonic() - begun < 10
    _clean(result, 6)
    assert result.document["exit"] == {"code": 6, "reason": "registry"}
    assert f"cannot connect to {nowhere}: connection refused" in result.stderr


_LOGIN_PAGE = b"<!doctype html><html><body>Please log in<script>alert(1)</script></body></html>"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(200, _LOGIN_PAGE, {"Content-Type": "text/html"}), "login page"),
        (Answer(200, b""), "answered with nothing"),
        (Answer(200, b"[]"), "not MLflow's JSON"),
        (Answer(200, b'{"registered_models": 7}'), ""),
        (Answer(200, b'{"registered_models": [{"name": null}]}'), ""),
        (Answer(302, b"", {"Location": "https://sso.example.com/?t=s3cret-pw"}), "redirects are"),
        (Answer(401, b"You are not authenticated"), "MLFLOW_TRACKING_USERNAME"),
        (Answer(403, b"Permission denied"), "permission"),
        (Answer(404, b"<html>nginx</html>"), "MLflow server"),
        (Answer(500, b'{"error_code": "INTERNAL_ERROR", "message": "boom\\n::error::x"}'), "boom"),
    ],
)
def test_what_is_no_mlflow_registry_is_told_and_nothing_is_sent_to_it(
    lab: Lab, answer: Answer, said: str
) -> None:
    lab.declare("m", _V1)

    def only_searches(request: Request) -> Answer | None:
        return Answer(200, b"3.17.2") if request.path == "/version" else answer

    with proxy(before=only_searches) as server:
        for command in (["plan"], ["apply", "--yes"]):
            result = lab.run(*command, env={"MLFLOW_TRACKING_URI": server.uri})
            _clean(result, 6)
            assert said in result.stderr
            assert not any(line.lstrip().startswith("::") for line in result.text.splitlines())
        assert server.writes == []


def test_an_empty_answer_is_no_reason_to_write_and_the_model_is_asked_for_by_name(
    lab: Lab,
) -> None:
    lab.declare("m", _V1)

    def empty(request: Request) -> Answer | None:
        if "registered-models/get" not in request.path:
            return Answer(200, b"{}")
        gone = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "not found"}
        return Answer(404, json.dumps(gone).encode())

    with proxy(before=empty) as server:
        result = lab.run("apply", "--yes", env={"MLFLOW_TRACKING_URI": server.uri})
        _clean(result, 3)
        assert "model `m` is not in the registry" in result.stderr
        assert any("registered-models/get" in path for _, path, _ in server.log)
        assert server.writes == []


def test_a_server_that_hangs_up_is_told_as_that(lab: Lab) -> None:
    lab.declare("m", _V1)
    with proxy(before=lambda _: HANG_UP) as server:
        result = lab.run("plan", env={"MLFLOW_TRACKING_URI": server.uri})
    _clean(result, 6)
    assert "broke" in result.stderr


def test_a_password_in_the_uri_is_told_by_no_command(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(model, _V1)
    inside = lab.uri.replace("://", f"://ann:{_PASSWORD}@")
    commands = [[part.replace("m", model) if part == "m" else part for part in c] for c in _ALL]
    for command in commands:
        result = lab.run(*command, env={"MLFLOW_TRACKING_URI": inside})
        assert result.code in (0, 2), result.text
        assert _PASSWORD not in result.text
        assert "ann:" not in result.text
        assert "ann@" not in result.text
    assert lab.run("plan", "--out", "p.json", env={"MLFLOW_TRACKING_URI": inside}).code == 0
    assert _PASSWORD not in (lab.git.root / "p.json").read_text()
    assert _PASSWORD not in str(lab.hand.holds(model))


@pytest.mark.parametrize(
    "uri",
    [
        "http://ann:{password}@127.0.0.1:{port}",
        "https://ann:{password}@127.0.0.1:{port}/mlflow",
        "http://ann:{password}/x@127.0.0.1:{port}",
        "postgresql://ann:{password}@127.0.0.1:{port}/mlflow",
        "nosuchscheme://ann:{password}@127.0.0.1:{port}",
    ],
)
def test_a_password_in_the_uri_of_a_registry_that_is_not_there_is_not_told(
    lab: Lab, uri: str
) -> None:
    lab.declare("m", _V1)
    told = {"MLFLOW_TRACKING_URI": uri.format(password=_PASSWORD, port=free_port())}
    for command in (["plan"], ["apply", "--yes", "--format", "json"]):
        _clean(lab.run(*command, env=told), 6)
    pinned = told["MLFLOW_TRACKING_URI"]
    lab.git.commit({"registry-state/reconciler.yaml": f"registry: '{pinned}'\n"})
    _clean(lab.run("validate"), 3)


_HOSTILE = {
    "escape": "\x1b[31mred\x1b]0;title\x07",
    "newline": "x\n::error::pwned\r\n::set-output name=a::b",
    "command": "::add-mask::x ##[set-output name=a;]b ##vso[task.setvariable variable=a]b",
    "html": "<img src=x onerror=alert(1)><script>alert(1)</script><!-- ",
    "markdown": "| a | [click](javascript:alert(1)) `x` **b** @everyone www.evil.example\n# big",
    "bidi": "a\u202eb\u2066c\u200b",
}


def _harmless(text: str) -> None:
    for line in text.split("\n"):
        assert not line.lstrip().startswith("::"), line
    assert "##[" not in text
    assert "##vso[" not in text
    for char in "\x1b\x07\r\u202e\u2066\u200b":
        assert char not in text.replace("&#8203;", ""), repr(char)


@pytest.mark.parametrize("side", ["declared", "live"])
def test_hostile_text_is_harmless_wherever_it_is_shown(lab: Lab, side: str) -> None:
    model = lab.model(1)
    hostile = {"tags": _HOSTILE, "versions": {"1": {"description": "".join(_HOSTILE.values())}}}
    plain = {"tags": dict.fromkeys(_HOSTILE, "x"), "versions": {"1": {"description": "x"}}}
    if side == "live":
        for key, value in _HOSTILE.items():
            lab.hand.tag(model, None, key, value)
            lab.hand.tag(model, None, f"other-{key}", value)
    lab.declare(model, json.dumps(hostile if side == "declared" else plain))

    for command in (["plan"], ["drift", "--unmanaged"], ["status"], ["import", model]):
        result = lab.run(*command)
        assert result.code in (0, 2)
        _harmless(result.text)
    document = lab.run("plan", "--format", "json")
    _harmless(document.stderr)
    assert "\x1b" not in document.stdout
    shown = {row["key"]: row for row in document.document["changes"] if row["field"] == "tag"}
    value = "after" if side == "declared" else "before"
    assert {key: row[value] for key, row in shown.items()} == _HOSTILE, "scripts get it as it is"

    markdown = lab.run("plan", "--format", "markdown").stdout
    _harmless(markdown)
    for markup in ("<img", "<script", "<!--", "](javascript", "@everyone", "**b**", "`x`"):
        assert markup not in markdown
    tables = [line for line in markdown.splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in tables} == {6}, "no value makes a cell of its own"

    done = lab.run("apply", "--yes")
    assert done.code == 0
    _harmless(done.text)
    assert lab.run("plan", "--detailed-exitcode").code == 0


def test_a_server_that_answers_with_hostile_names_and_messages_is_harmless(lab: Lab) -> None:
    lab.declare("m", _V1)
    name = "::error::x\n::set-output name=a::b\x1b[2J"
    search = {"registered_models": [{"name": name}], "model_versions": []}
    refusal = {"error_code": "INVALID_PARAMETER_VALUE", "message": name}

    def answers(request: Request) -> Answer | None:
        if "registered-models/search" in request.path:
            return Answer(200, json.dumps(search).encode())
        if "registered-models/get" in request.path:
            return Answer(400, json.dumps(refusal).encode())
        return Answer(200, b"{}")

    with proxy(before=answers) as server:
        for command in _ALL:
            result = lab.run(*command, env={"MLFLOW_TRACKING_URI": server.uri})
            assert "Traceback" not in result.text
            _harmless(result.text)


@pytest.mark.parametrize(
    "name", ['it\'s "quoted"', "two words", "100%", "a&b=c?d#e+f", "modèle-日本", "[x]*", "\\n"]
)
def test_odd_names_work_all_the_way(lab: Lab, name: str) -> None:
    model = f"{name} {lab.git.root.parent.name}"
    lab.hand.register(model, 2)
    lab.hand.stage(model, 1, "Production")
    content = {"model": model, "tags": {"a": "1"}, "versions": {"2": {"stage": "Production"}}}
    lab.declare("odd", json.dumps(content, ensure_ascii=False))
    assert lab.run("apply", "--yes", "--model", model).code == 0
    assert lab.hand.values(model) == {
        "tag a": "1",
        "v1 stage": "Archived",
        "v2 stage": "Production",
    }
    content["tags"] = {}
    lab.declare("odd", json.dumps(content, ensure_ascii=False))
    assert lab.run("apply", "--yes").code == 0
    assert "tag a" not in lab.hand.values(model)
    assert lab.run("drift").code == 0
    assert lab.run("status", model).code == 0
    assert lab.run("forget", model).code == 0


@pytest.mark.parametrize("commit", ["", "-", "- -", "abc", "::error::x", "x" * 300, "../../etc"])
def test_a_record_that_somebody_broke_writes_nothing_and_names_the_way_out(
    lab: Lab, commit: str
) -> None:
    model = lab.model(1)
    lab.declare(model, _V1)
    lab.hand.tag(model, None, "reconciler.commit", commit)
    lab.hand.tag(model, None, "reconciler.owner", "registry-state")
    result = lab.run("apply", "--yes")
    assert "Traceback" not in result.text
    _harmless(result.text)
    if commit.strip("- "):
        _clean(result, 5)
        assert f"--adopt {model}" in result.stderr
        assert lab.hand.values(model) == {}
        assert lab.run("apply", "--yes", "--adopt", model).code == 0
    assert lab.run("plan", "--detailed-exitcode").code == 0


def test_a_sqlite_registry_that_does_not_exist_is_not_created(lab: Lab, tmp_path: Path) -> None:
    lab.declare("m", _V1)
    missing = tmp_path / "no.db"
    result = lab.run("plan", "--registry-uri", f"sqlite:///{missing}")
    _clean(result, 6)
    assert not missing.exists()
    with closing(sqlite3.connect(tmp_path / "other.db")) as database:
        database.execute("CREATE TABLE things (x)")
    _clean(lab.run("plan", "--registry-uri", f"sqlite:///{tmp_path}/other.db"), 6)


def test_an_unreadable_answer_about_one_model_leaves_the_others(lab: Lab) -> None:
    """A version tagged as a prompt hides all of a model's versions from the search."""
    hidden, model = lab.model(1), lab.model(1)
    lab.hand.tag(hidden, 1, "mlflow.prompt.is_prompt", "true")
    lab.git.commit({f"registry-state/{name}.yaml": _V1 for name in (hidden, model)})
    result = lab.run("apply", "--yes", "--format", "json")
    _clean(result, 7)
    [error] = result.document["errors"]
    assert error["model"] == hidden
    assert "cannot be listed" in error["message"]
    assert "not in the registry" not in error["message"]
    assert Hand(lab.uri).values(model)["@champion"] == 1
