"""Facts over HTTP: which requests are sent, and what a server that misbehaves does to them."""

import json
import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from reconciler.core.facts import Column, Facts, Signature
from reconciler.core.state import Identity
from reconciler.registries.rest import MlflowRest
from tests.support.registries.servers import (
    HANG_UP,
    Answer,
    MlflowSeeds,
    Request,
    free_port,
    proxy,
)

_SECRET = "s3cret-pass"  # noqa: S105  what must not be told
_RUN, _MODEL_ID = "1f0c" * 8, "m-" + "9a" * 16
_FROM_A_RUN = Identity(_RUN, f"runs:/{_RUN}/model", 0)
_LOGGED = Identity(_RUN, f"models:/{_MODEL_ID}", 0)
_MLMODEL = b'signature: {inputs: \'[{"type": "double", "name": "x"}]\'}\n'
_SIGNATURE = Signature(inputs=(Column("x", "double"),))

Script = Mapping[str, Answer]


def _run(metrics: Mapping[str, Any], *, deleted: bool = False, run_id: str = _RUN) -> Answer:
    stage = "deleted" if deleted else "active"
    listed = [{"key": key, "value": value} for key, value in metrics.items()]
    info = {"run_id": run_id, "lifecycle_stage": stage}
    return _json({"run": {"info": info, "data": {"metrics": listed}}})


def _logged(*metrics: tuple[str, float, int, str]) -> Answer:
    keys = ("key", "value", "timestamp", "run_id")
    listed = [dict(zip(keys, metric, strict=True)) for metric in metrics]
    return _json({"model": {"info": {}, "data": {"metrics": listed}}})


def _json(value: object) -> Answer:
    return Answer(body=json.dumps(value).encode())


def _ask(script: Script, identity: Identity) -> tuple[Facts, list[str]]:
    """Return the facts of v4 that a server with these answers tells, and what it was asked."""

    def answer(request: Request) -> Answer:
        parts = urlsplit(request.path)
        run = parse_qs(parts.query).get("run_id", [""])[0]
        page = parts.path.rpartition("/")[2]
        return script.get(run) or script.get(page) or Answer(404, b'{"error_code": "?"}')

    with proxy(before=answer) as server:
        uri = server.uri.replace("://", f"://ann:{_SECRET}@")
        registry = MlflowRest(uri, environ={}, request_timeout=5)
        facts = registry.facts("fraud", 4, identity)
        return facts, [urlsplit(request.path).path for request in server.requests]


def test_a_version_costs_three_requests() -> None:
    script = {"get": _run({"auc": 0.9}), "get-artifact": Answer(body=_MLMODEL)}

    facts, asked = _ask({**script, _MODEL_ID: _logged(("f1", 0.8, 1, "r2"))}, _LOGGED)

    assert facts.metrics == {"auc": 0.9, "f1": 0.8}
    assert (facts.signature, facts.missing) == (_SIGNATURE, ())
    assert asked == [
        "/api/2.0/mlflow/runs/get",
        "/model-versions/get-artifact",
        f"/api/2.0/mlflow/logged-models/{_MODEL_ID}",
    ]


def test_what_a_version_does_not_name_is_not_asked_for() -> None:
    script = {"get-artifact": Answer(body=_MLMODEL)}

    facts, asked = _ask(script, Identity(None, "s3://bucket/model", 0))

    assert asked == ["/model-versions/get-artifact"]
    assert facts == Facts(signature=_SIGNATURE, missing=("v4 names no run",))


def test_a_copy_is_as_good_as_the_logged_model_that_its_file_names() -> None:
    file = _MLMODEL + f"model_id: {_MODEL_ID}\n".encode()
    script = {"get": _run({}), "get-artifact": Answer(body=file)}
    script[_MODEL_ID] = _logged(("f1", 0.8, 1, "r2"))

    copied, _ = _ask(script, Identity(_RUN, "models:/dev.fraud/2", 0))
    own, asked = _ask(script, _FROM_A_RUN)

    assert copied.metrics == {"f1": 0.8}
    assert own.metrics == {}
    assert len(asked) == 2

    del script["get-artifact"]
    unread, _ = _ask({**script, "get-artifact": Answer(500)}, Identity(_RUN, "models:/a/2", 0))
    assert unread.unread["logged model"] == unread.unread["signature"]


def test_the_last_value_of_a_logged_models_metric_counts() -> None:
    values = _logged(("f1", 0.7, 2, "r2"), ("f1", 0.9, 3, "r3"), ("f1", 0.8, 1, "r4"))

    facts, _ = _ask({"get": _run({}), _MODEL_ID: values}, _LOGGED)

    assert facts.metrics == {"f1": 0.9}


def test_a_zero_that_may_be_nan_is_looked_up_in_its_run_or_left_out() -> None:
    zeros = [(key, 0.0, 1, "r2") for key in ("nan", "zero", "moved", "unknown")]
    script = {
        _RUN: _run({}),
        "r2": _run({"nan": "NaN", "zero": 0.0, "moved": 0.4}, run_id="r2"),
        _MODEL_ID: _logged(*zeros, ("gone", 0.0, 1, "r3"), ("whose", 0.0, 1, "")),
    }

    facts, asked = _ask(script, _LOGGED)
    metrics = dict(facts.metrics)

    assert math.isnan(metrics.pop("nan"))
    assert metrics == {"zero": 0.0}
    told = " ".join(facts.missing)
    assert all(f"metric {key} is 0 or NaN" in told for key in ("moved", "unknown", "gone", "whose"))
    assert asked.count("/api/2.0/mlflow/runs/get") == 3
    assert "logged model" in facts.unread


def test_zeros_of_many_runs_are_not_looked_up_without_end() -> None:
    zeros = [(f"m{number}", 0.0, 1, f"r{number}") for number in range(100)]

    facts, asked = _ask({"get": _run({}), _MODEL_ID: _logged(*zeros)}, _LOGGED)

    assert facts.metrics == {}
    assert "logged model" in facts.unread
    assert len(asked) < 8


def test_what_a_deleted_run_logged_for_a_model_does_not_count() -> None:
    metrics = _logged(("own", 0.9, 1, _RUN), ("other", 0.8, 1, "r2"))

    facts, _ = _ask({_RUN: _run({"own": 0.9}, deleted=True), _MODEL_ID: metrics}, _LOGGED)

    assert facts.metrics == {"other": 0.8}
    assert facts.missing[0] == "run 1f0c1f0c… is deleted"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(403, b"Permission denied"), "Permission denied"),
        (Answer(401, b"You are not authenticated"), "not authenticated"),
        (Answer(302, b"", {"Location": f"https://sso/?t={_SECRET}"}), "sends to"),
        (Answer(body=b"<html>log in</html>"), "HTML"),
        (Answer(body=b'{"run": 7, "model": 7}'), "does not have MLflow's form"),
        (Answer(body=b'{"run": {"info": {"run_id": "r"}, "data": {"metrics": [7]}}}'), "does not"),
        (Answer(500, b'{"error_code": "INTERNAL_ERROR", "message": "a\\nb"}'), "a b"),
        (Answer(403, f"ann:{_SECRET} may not".encode()), "ann:*** may not"),
    ],
)
def test_a_part_that_cannot_be_read_is_left_out_and_says_why(answer: Answer, said: str) -> None:
    facts, _ = _ask({"get": answer, "get-artifact": Answer(body=_MLMODEL)}, _FROM_A_RUN)

    (sentence,) = facts.missing
    assert facts == Facts(signature=_SIGNATURE, missing=(sentence,), unread=facts.unread)
    assert facts.unread.keys() == {"run"}
    assert sentence.startswith("run 1f0c1f0c… cannot be read: ")
    assert said in sentence
    assert _SECRET not in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("status", "hint"),
    [(401, "MLFLOW_TRACKING_TOKEN"), (403, "READ"), (404, "MLFLOW_TRACKING_URI"), (400, "read it")],
)
def test_what_could_not_be_read_has_the_way_to_read_it(status: int, hint: str) -> None:
    body = b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}' if status == 404 else b"no"
    facts, _ = _ask(
        {"get": Answer(status, body), "get-artifact": Answer(body=_MLMODEL)}, _FROM_A_RUN
    )

    assert hint in facts.unread["run"].hint
    assert facts.unread["run"].why == facts.missing[0]


def test_a_server_without_logged_models_or_files_tells_the_rest() -> None:
    facts, _ = _ask({"get": _run({"auc": 0.9})}, _LOGGED)

    assert facts.metrics == {"auc": 0.9}
    assert facts.missing[0].startswith("the MLmodel file of v4 cannot be read: ")
    assert facts.missing[1].startswith("logged model m-9a9a9a… cannot be read: ")


def test_an_artifact_store_that_fails_is_not_asked_for_long() -> None:
    script = {"get": _run({"auc": 0.9}), "get-artifact": Answer(500, b"<html>")}

    facts, asked = _ask(script, _FROM_A_RUN)

    assert facts.metrics == {"auc": 0.9}
    assert "answered 500" in facts.missing[0]
    assert asked.count("/get-artifact") == 2


def test_a_connection_that_breaks_once_costs_nothing() -> None:
    answers = iter([_run({"auc": 0.9}), HANG_UP, Answer(body=_MLMODEL)])
    with proxy(before=lambda _: next(answers)) as server:
        facts = MlflowRest(server.uri, environ={}).facts("fraud", 4, _FROM_A_RUN)

    assert (facts.signature, facts.missing) == (_SIGNATURE, ())


@pytest.mark.parametrize("size", [2**20 + 1, 2**22])
def test_a_file_that_is_too_large_is_not_read(size: int) -> None:
    file = _MLMODEL + b"#" * (size - len(_MLMODEL))

    facts, _ = _ask({"get": _run({}), "get-artifact": Answer(body=file)}, _FROM_A_RUN)

    assert facts.signature is None
    assert "more than 1048576 bytes" in facts.missing[0]


def test_an_answer_that_is_too_large_is_not_read() -> None:
    endless = Answer(body=b" " * (16 * 2**20 + 1))

    facts, _ = _ask({"get": endless, "get-artifact": Answer(body=_MLMODEL)}, _FROM_A_RUN)

    assert "more than 16777216 bytes" in facts.missing[0]


def test_a_server_that_is_away_is_waited_for_once() -> None:
    registry = MlflowRest(f"http://127.0.0.1:{free_port()}", environ={}, retry_for=0.1)

    facts = registry.facts("fraud", 4, _LOGGED)

    assert len(facts.missing) == 3
    assert all("cannot connect" in sentence for sentence in facts.missing)
    assert registry.requests == 1


def test_odd_names_reach_the_server_as_they_are(mlflow_uri: str, name: Callable[..., str]) -> None:
    seeds, registry = MlflowSeeds(mlflow_uri), MlflowRest(mlflow_uri, environ={})
    model = f"?q&r+=@#f %2F ü {name()}"
    seeds.log_version(model, signature=_SIGNATURE)

    assert registry.facts(model, 1, Identity(None, "x", 0)).signature == _SIGNATURE
    told = registry.facts(model, 1, Identity("a b/../?&=#", "models:/m-a?b#c..", 0)).missing
    assert "Run with id=a b/../?&=# not found" in told[0]
    assert "m-a?b#c.." in told[1]


def test_several_threads_may_ask_at_once(mlflow_uri: str, name: Callable[..., str]) -> None:
    seeds, registry = MlflowSeeds(mlflow_uri), MlflowRest(mlflow_uri, environ={})
    for number in range(6):
        seeds.log_version(name(), metrics={"n": number}, signature=_SIGNATURE)
    versions = registry.read([name()])[name()].versions

    with ThreadPoolExecutor(6) as pool:
        found = list(
            pool.map(lambda one: registry.facts(name(), *one), _identities(versions.items()))
        )

    assert [facts.metrics["n"] for facts in found] == [0, 1, 2, 3, 4, 5]
    assert registry.requests == 2 + 12


def _identities(versions: Any) -> list[tuple[int, Identity]]:
    return [(number, version.identity) for number, version in versions]
