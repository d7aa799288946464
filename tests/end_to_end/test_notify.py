"""`notify:` on a real registry: once per changed model, and nothing that goes wrong costs a run."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.forges.ci_lab import V1, V2, CiLab, ci_lab
from tests.support.registries.lab import Lab, Result
from tests.support.registries.raw_servers import TRICKLES, raw_server
from tests.support.registries.servers import HANG_UP, Answer, Proxy, Request, free_port, proxy

_BOTH = "notify: [{slack: SLACK_URL}, {json: AUDIT_URL}]\n"
_AUDIT = "notify: [{json: AUDIT_URL}]\n"
_SECRET = "T0-hunter2"  # noqa: S105  the part of a URL that must not be told


@contextmanager
def _listening(
    lab: Lab, answer: Callable[[Request], Answer] = lambda _: Answer()
) -> Iterator[Proxy]:
    """Run a webhook that records, and put its URL where both variables are."""
    with proxy(before=answer) as server:
        for form in ("SLACK", "AUDIT"):
            lab.environ[f"{form}_URL"] = f"{server.uri}/{form.lower()}/{_SECRET}"
        yield server


def _told(server: Proxy, form: str = "audit") -> list[dict[str, Any]]:
    """Return what one of the webhooks was told, by model."""
    bodies = [json.loads(one.body) for one in server.requests if f"/{form}/" in one.path]
    return sorted(bodies, key=lambda body: str(body.get("model") or body.get("text")))


def _settle(lab: Lab, settings: str) -> None:
    lab.git.commit({"registry-state/reconciler.yaml": settings}, "settings")


@pytest.fixture
def model(lab: Lab) -> str:
    """Return a model that serves v1, with a webhook in the settings."""
    name = lab.model(2)
    _settle(lab, _AUDIT)
    lab.declare(name, V1)
    assert lab.run("apply", "--yes").code == 0
    lab.declare(name, V2, "promote")
    return name


def test_each_webhook_is_told_once_of_each_model_that_changed(lab: Lab) -> None:
    one, other = sorted((lab.model(2), lab.model(2)))
    _settle(lab, _BOTH)
    lab.declare(one, V1)
    commit = lab.declare(other, "versions: {1: {tags: {a: '<!channel>'}}}")
    with _listening(lab) as server:
        assert lab.run("plan").code == 0
        assert server.requests == []
        result = lab.run("apply", "--yes")
        assert result.code == 0, result.text
        assert "notify" not in result.text
        audit, slack = _told(server), _told(server, "slack")
        assert lab.run("apply", "--yes").code == 0, "a job that is run again finds nothing to do"
        assert len(server.requests) == 4

    assert [body["model"] for body in audit] == [one, other]
    assert [body["outcome"] for body in audit] == ["applied", "applied"]
    first = audit[0]
    assert first["state"] == {"path": "registry-state", "commit": commit, "dirty": False}
    assert first["registry"] == {"uri": lab.uri, "name": None, "workspace": None}
    assert first["recorded"] is True
    assert first["authors"] == ["Ada"]
    assert [(row["field"], row["after"], row["outcome"]) for row in first["changes"]] == [
        ("stage", "Production", "applied"),
        ("stage", "Staging", "applied"),
        ("alias", 1, "applied"),
    ]
    assert len({body["id"] for body in audit}) == 2
    assert f"`{one}`" in slack[0]["text"]
    assert "3 of 3 changes applied" in slack[0]["text"]
    assert "<!channel>" not in json.dumps(slack)


def test_a_webhook_more_does_not_make_every_model_a_changed_one(lab: Lab) -> None:
    lab.declare(lab.model(1), "versions: {1: {stage: Production}}")
    _settle(lab, _AUDIT)
    result = lab.run("plan", "--since", "HEAD~1", "--format", "json")
    assert result.code == 0, result.text
    assert result.document["models"] == []


def test_a_record_alone_is_not_told(lab: Lab) -> None:
    model = lab.model(1)
    lab.hand.stage(model, 1, "Production")
    _settle(lab, _AUDIT)
    lab.declare(model, "versions: {1: {stage: Production}}")
    with _listening(lab) as server:
        result = lab.run("apply", "--yes")
    assert result.code == 0
    assert "commit recorded on 1 model" in result.stdout
    assert server.requests == []


def test_what_failed_after_the_first_write_is_told_with_the_servers_words(
    lab: Lab, model: str
) -> None:
    def no_alias(request: Request) -> Answer | None:
        if request.method == "POST" and request.path.endswith("registered-models/alias"):
            refusal = {"error_code": "PERMISSION_DENIED", "message": "not today"}
            return Answer(403, json.dumps(refusal).encode())
        return None

    with _listening(lab) as server, proxy(lab.uri, before=no_alias) as registry:
        uri = {"MLFLOW_TRACKING_URI": registry.uri}
        assert lab.run("apply", "--yes", env=uri).code == 7
        again = lab.run("apply", "--yes", env=uri)
        assert again.code == 6

    (body,) = _told(server)
    assert body["model"] == model
    assert body["outcome"] == "partial"
    assert body["recorded"] is False
    outcomes = {row["field"]: (row["outcome"], row["error"]) for row in body["changes"]}
    assert outcomes["alias"][0] == "failed"
    assert "not today" in outcomes["alias"][1]


def _slow(_: Request) -> Answer:
    return Answer(delay=20)


# What it answers, what is said of that, and how often it was asked.
_BAD: dict[str, tuple[Callable[[Request], Answer], str, int]] = {
    "broken": (lambda _: Answer(500, b"", {"Retry-After": "0"}), "it answered 500", 2),
    "gone": (lambda _: Answer(404, _SECRET.encode()), "it answered 404", 1),
    "hangs up": (lambda _: HANG_UP, "the connection broke", 2),
    "hangs": (_slow, "it did not answer within 5 s", 1),
    "moved": (
        lambda _: Answer(302, b"", {"Location": f"http://localhost:1/{_SECRET}"}),
        "it answered 302, and redirects are never followed",
        1,
    ),
}


@pytest.mark.parametrize("how", _BAD)
def test_a_webhook_that_fails_is_one_line_and_changes_nothing_else(
    lab: Lab, model: str, how: str
) -> None:
    answer, why, asked = _BAD[how]
    with _listening(lab, answer) as server:
        result = lab.run("apply", "--yes", "--format", "json")
    assert result.code == 0
    assert result.document["exit"] == {"code": 0, "reason": None}
    assert result.document["summary"]["applied"] == 3
    assert f"notify: `AUDIT_URL` was told nothing: {why}" in result.stderr.splitlines()
    assert result.stderr.count("notify:") == 1
    assert len(server.requests) == asked
    assert _SECRET not in result.text
    assert "127.0.0.1" not in result.stderr
    assert lab.hand.values(model)["@champion"] == 2


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (None, "the variable is not set"),
        (" ", "the variable is not set"),
        (_SECRET, "the variable holds no URL with https (or with http, of this machine)"),
        (
            f"http://hooks.example/{_SECRET}",
            "the variable holds no URL with https (or with http, o",
        ),
        (f"http://127.0.0.1:{free_port()}/{_SECRET}", "it could not be reached"),
    ],
    ids=["unset", "blank", "no URL", "no TLS", "nobody there"],
)
def test_a_variable_that_leads_nowhere_is_one_line_of_its_name(
    lab: Lab, model: str, url: str | None, why: str
) -> None:
    if url is not None:
        lab.environ["AUDIT_URL"] = url
    result = lab.run("apply", "--yes")
    assert result.code == 0
    assert f"notify: `AUDIT_URL` was told nothing: {why}" in result.stderr
    assert result.stderr.count("notify:") == 1
    assert _SECRET not in result.text
    assert lab.hand.values(model)["@champion"] == 2


def test_a_pull_request_that_names_another_secret_sends_it_nowhere(lab: Lab, model: str) -> None:
    _settle(lab, "notify: [{json: MLFLOW_TRACKING_PASSWORD}]\n")
    password = {"MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": "hunter2"}
    result = lab.run("apply", "--yes", env=password)
    assert result.code == 0
    assert "notify: `MLFLOW_TRACKING_PASSWORD` was told nothing: the variable ho" in result.stderr
    assert "hunter2" not in result.text
    assert lab.hand.values(model)["@champion"] == 2


def test_one_webhook_that_is_away_does_not_keep_another_from_being_told(lab: Lab) -> None:
    models = [lab.model(1) for _ in range(3)]
    _settle(lab, "notify: [{json: AWAY_URL}, {json: SLOW_URL}, {json: AUDIT_URL}]\n")
    for name in models:
        lab.declare(name, "versions: {1: {stage: Production}}")
    with _listening(lab) as server, raw_server(TRICKLES["header"]) as slow:
        lab.environ["AWAY_URL"] = f"http://127.0.0.1:{free_port()}/x"
        lab.environ["SLOW_URL"] = slow
        begun = time.monotonic()
        result = lab.run("apply", "--yes")
        assert time.monotonic() - begun < 15
    assert result.code == 0
    assert sorted(body["model"] for body in _told(server)) == sorted(models)
    assert "notify: `AWAY_URL` was told nothing: it could not be reached" in result.stderr
    assert "notify: `SLOW_URL` was told nothing: it did not answer within 5 s" in result.stderr
    assert "AUDIT_URL" not in result.stderr


def test_what_is_refused_once_is_counted_and_the_rest_is_told(lab: Lab) -> None:
    for name in [lab.model(1) for _ in range(3)]:
        lab.declare(name, "versions: {1: {stage: Production}}")
    _settle(lab, _AUDIT)
    answers = [Answer(), Answer(400), Answer()]
    with _listening(lab, lambda _: answers.pop()) as server:
        result = lab.run("apply", "--yes")
    assert result.code == 0
    assert "notify: `AUDIT_URL` was told 2 of 3 models: it answered 400" in result.stderr
    assert len(server.requests) == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_telling_changes_nothing_of_what_the_apply_says(
    lab: Lab, model: str, number: int
) -> None:
    arrived = threading.Event()

    def hanging(_: Request) -> Answer:
        arrived.set()
        return Answer(delay=20)

    with (
        _listening(lab, hanging),
        lab.started("apply", "--yes", "--format", "json") as process,
    ):
        assert arrived.wait(60)
        begun = time.monotonic()
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
        assert time.monotonic() - begun < 5
    assert process.returncode == 0, stderr
    document = json.loads(stdout)
    assert document["exit"]["code"] == 0
    assert document["summary"]["applied"] == 3
    assert "notify: `AUDIT_URL` was told nothing" in stderr
    assert "Traceback" not in stderr
    assert lab.hand.values(model)["@champion"] == 2


def test_an_apply_that_was_interrupted_tells_nobody_and_says_so(lab: Lab, model: str) -> None:
    written = threading.Event()

    def before(request: Request) -> Answer | None:
        if request.path.endswith("registered-models/alias"):
            written.set()
            threading.Event().wait(1)
        return None

    with _listening(lab) as server, proxy(lab.uri, before=before) as registry:
        uri = {"MLFLOW_TRACKING_URI": registry.uri}
        with lab.started("apply", "--yes", env=uri) as process:
            assert written.wait(60)
            process.send_signal(signal.SIGTERM)
            _, stderr = process.communicate(timeout=60)
    assert process.returncode == 7, stderr
    assert "notify: interrupted, no webhook is told of 1 model" in stderr
    assert server.requests == []
    assert lab.hand.values(model)["v2 stage"] == "Production"


# --- after a merge


@pytest.fixture
def ci(lab: Lab, tmp_path: Path) -> Iterator[CiLab]:
    with ci_lab(lab, tmp_path) as found:
        yield found


def _merged(ci: CiLab) -> str:
    model = ci.serving()
    ci.settle(_BOTH)
    ci.lab.git.git("commit", "--quiet", "--all", "-m", "notify")
    ci.push()
    pull = ci.promote(model)
    assert ci.plan(pull).code == 0
    ci.state.review(pull, "bob")
    ci.merge(pull)
    return model


def test_after_a_merge_it_says_whose_pull_request_it_was_and_who_approved(ci: CiLab) -> None:
    model = _merged(ci)
    with _listening(ci.lab) as server:
        assert ci.apply("--dry-run").code == 0
        assert server.requests == []
        result: Result = ci.apply()
        assert result.code == 0, result.text
        assert ci.apply().code == 0
    (audit,), (slack,) = _told(server), _told(server, "slack")
    assert audit["model"] == model
    assert audit["authors"] == ["ann"]
    assert len(audit["pull_requests"]) == 1
    assert [one["login"] for one in audit["approvals"]] == ["bob"]
    assert audit["actor"] == "ann"
    assert audit["run_url"].endswith("/actions/runs/77")
    assert "approved by `bob`" in slack["text"]
    assert "/actions/runs/77|log>" in slack["text"]


def test_a_webhook_that_is_away_does_not_fail_the_job(ci: CiLab) -> None:
    model = _merged(ci)
    ci.lab.environ["SLACK_URL"] = f"http://127.0.0.1:{free_port()}/{_SECRET}"
    result = ci.apply()
    assert result.code == 0, result.text
    assert ci.outputs["exitcode"] == "0"
    assert "notify: `SLACK_URL` was told nothing: it could not be reached" in result.stderr
    assert "notify: `AUDIT_URL` was told nothing: the variable is not set" in result.stderr
    assert _SECRET not in result.text + ci.summary
    assert ci.lab.hand.values(model)["@champion"] == 2
