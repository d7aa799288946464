"""Servers of measurements that misbehave: no value, why, in bounded time, and no secret told."""

import gzip
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.declaring.watch import JsonValue, PrometheusQuery, WatchSource
from reconciler.errors import DeclarationError
from reconciler.policy.watching.looks import Measurement
from reconciler.transport.measurements.sources import MeasurementSources
from tests.support.registries.fake_registry import FakeRegistry
from tests.support.registries.raw_servers import HEAD, TRICKLES, for_ever, raw_server
from tests.support.registries.servers import HANG_UP, Answer, free_port, proxy

_SECRET = "hunter2-token"  # noqa: S105  what must not be told
_NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=timezone.utc)


def measured(
    source: WatchSource, environ: Mapping[str, str] | None = None, *, timeout: float = 10.0
) -> Measurement:
    sources = MeasurementSources(
        environ or {}, Path(), FakeRegistry().logged_runs(), timeout=timeout
    )
    told = sources.measure(source, model="m", version=1, run_id=None, now=_NOW)
    assert _SECRET not in str(told)
    return told


def _json(uri: str, token: str | None = None) -> JsonValue:
    return JsonValue(f"{uri}/metrics?token={_SECRET}", "mae", token=token)


def _query(uri: str, token: str | None = None) -> PrometheusQuery:
    return PrometheusQuery(uri, "up", "count(up)", token=token)


def _vector(*samples: tuple[float, str], **more: object) -> Answer:
    result = [{"metric": {}, "value": [*sample]} for sample in samples]
    data = {"resultType": "vector", "result": result}
    return Answer(body=json.dumps({"status": "success", "data": data, **more}).encode())


def _error(status: int, kind: str, error: str) -> Answer:
    body = {"status": "error", "errorType": kind, "error": error}
    return Answer(status, json.dumps(body).encode())


def test_the_token_of_a_variable_is_sent_and_nothing_else_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ann password hunter3")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    environ = {"TOKEN": f" {_SECRET}\n"}
    with proxy(before=lambda _: _vector((_NOW.timestamp(), "2"))) as server:
        assert measured(_query(server.uri, "TOKEN"), environ).value == 2
        measured(_json(server.uri, "TOKEN"), environ)
        measured(_json(server.uri), environ)
    told = [request.headers.get("Authorization") for request in server.requests]
    assert told == [f"Bearer {_SECRET}"] * 3 + [None]


@pytest.mark.parametrize(
    ("value", "why"),
    [("", "is not set"), (" \n", "is not set"), ("a\r\nX: b", "does not hold a token")],
)
def test_a_variable_without_a_token_is_said_and_nothing_is_sent(value: str, why: str) -> None:
    with proxy() as server:
        told = measured(_json(server.uri, "TOKEN"), {"TOKEN": value})
        assert measured(_query(server.uri, "TOKEN"), {"TOKEN": value}) == told
    assert told == Measurement(why=f"the variable `TOKEN` {why}")
    assert server.requests == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with proxy(before=lambda _: Answer(body=b'{"mae": 1}')) as other:
        to = {"Location": f"{other.uri}/hunter2"}
        with proxy(before=lambda _: Answer(status, b"", to)) as server:
            for source in (_json(server.uri, "TOKEN"), _query(server.uri, "TOKEN")):
                why = measured(source, {"TOKEN": _SECRET}).why or ""
                assert f"answered {status}, and redirects are never followed" in why
        assert other.requests == []


@pytest.mark.parametrize(
    ("status", "token", "why"),
    [
        (401, None, "/metrics answered 401: it wants a token (name one with `token:`)"),
        (403, "TOKEN", "/metrics answered 403: it wants a token (see the token in `TOKEN`)"),
        (404, None, "/metrics answered 404"),
        (500, None, "/metrics answered 500"),
        (204, None, "/metrics answered 204"),
    ],
)
def test_a_status_is_said(status: int, token: str | None, why: str) -> None:
    with proxy(before=lambda _: Answer(status, b'{"mae": 1}')) as server:
        told = measured(_json(server.uri, token), {"TOKEN": _SECRET})
    assert told == Measurement(why=f"{server.uri}{why}")


def test_nobody_there_is_said() -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    assert measured(_json(uri)).why == f"{uri}/metrics: it could not be reached"
    assert measured(_query(uri)).why == f"{uri}/api/v1/query: it could not be reached"


def test_a_proxy_and_authorities_are_those_of_the_environment() -> None:
    environ = {"http_proxy": f"http://ann:{_SECRET}@127.0.0.1:{free_port()}"}
    assert "(http_proxy) does not let it through" in (
        measured(_json("http://metrics.example"), environ).why or ""
    )
    missing = {"REQUESTS_CA_BUNDLE": "/nowhere"}
    told = measured(_json("https://127.0.0.1:1"), missing)
    assert "a file of certificates is missing" in (told.why or "")


def test_a_certificate_is_trusted_where_the_environment_vouches_for_it(
    encrypted_uri: str, certificate: Path
) -> None:
    vouched = measured(_json(encrypted_uri), {"REQUESTS_CA_BUNDLE": str(certificate)})
    assert vouched == Measurement(why="there is no `mae`")
    assert "its certificate is not trusted" in (measured(_json(encrypted_uri)).why or "")


@pytest.mark.parametrize("kind", sorted(TRICKLES))
def test_an_answer_that_trickles_in_is_not_waited_for(kind: str) -> None:
    with raw_server(TRICKLES[kind]) as uri:
        for source in (_json(uri), _query(uri)):
            begun = time.monotonic()
            told = measured(source, timeout=0.3)
            assert time.monotonic() - begun < 3
            assert "it did not answer within 0.3 s" in (told.why or "")


def test_two_queries_have_one_bound_of_time() -> None:
    answer = replace(_vector((_NOW.timestamp(), "2")), delay=0.35)
    with proxy(before=lambda _: answer) as server:
        told = measured(_query(server.uri), timeout=0.5)
    assert (told.value, told.samples) == (2, None)
    assert "it did not answer within 0.5 s" in (told.why or "")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (HANG_UP, "the connection broke"),
        (Answer(body=b"{", length=9), "the connection broke"),
        (Answer(body=b"x" * (2**20 + 1)), "answered with more than 1,048,576 bytes"),
        (
            Answer(body=gzip.compress(bytes(2**28)), headers={"Content-Encoding": "gzip"}),
            "answered with more than 1,048,576 bytes",
        ),
        (Answer(body=b"x", headers={"Content-Encoding": "br"}), "in an encoding"),
        (Answer(body=b"x", headers={"Content-Encoding": "gzip"}), "the connection broke"),
        (Answer(body=b"[" * 100_000), "nests too deeply"),
        (Answer(body=b"<html>"), "is not JSON"),
        (Answer(body=b'"\xff"'), "is not UTF-8"),
    ],
)
def test_an_answer_that_cannot_be_read_is_said(answer: Answer, why: str) -> None:
    with proxy(before=lambda _: answer) as server:
        for source in (_json(server.uri), _query(server.uri)):
            told = measured(source)
            assert told.value is None
            assert why in (told.why or "")


def test_an_answer_without_an_end_is_cut_off() -> None:
    with raw_server(for_ever(HEAD + b"\r\n", b"x" * 65536)) as uri:
        assert "more than 1,048,576 bytes" in (measured(_json(uri)).why or "")


@dataclass
class Said:
    """A server that answers what it is told to."""

    uri: str = ""
    answer: Answer = field(default_factory=Answer)


@pytest.fixture(scope="module")
def said() -> Iterator[Said]:
    server = Said()
    with proxy(before=lambda _: server.answer) as running:
        server.uri = running.uri
        yield server


# --- what a server says that calls itself Prometheus


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{}",
        '"success"',
        '{"status": "success"}',
        '{"status": "success", "data": {"resultType": "vector", "result": {}}}',
        '{"status": "success", "data": {"resultType": "vector", "result": [{}]}}',
        '{"status": "success", "data": {"resultType": "vector", "result": [{"value": []}]}}',
        '{"status": "success", "data": {"resultType": "vector", "result": [{"value": [1, 2]}]}}',
        '{"status": "success", "data": {"resultType": "scalar", "result": [1, "x"]}}',
        '{"status": "success", "data": {"resultType": "scalar", "result": ["1", "1"]}}',
        '{"status": "success", "data": {"resultType": "else", "result": [1, "1"]}}',
        '{"status": "success", "data": {"resultType": "scalar", "result": [-1, "1"]}}',
        '{"status": "success", "data": {"resultType": "scalar", "result": [1e99, "1"]}}',
        '{"status": "success", "data": {"resultType": ["scalar"], "result": [1, "1"]}}',
        '{"status": "error"}',
        '{"status": "error", "errorType": 1, "error": 2}',
    ],
)
def test_what_prometheus_never_answers_is_no_value(body: str) -> None:
    with proxy(before=lambda _: Answer(body=body.encode())) as server:
        told = measured(_query(server.uri))
    assert told.value is None
    assert told.why


def test_a_histogram_is_no_number() -> None:
    result = [{"metric": {}, "histogram": [1, {"count": "3"}]}]
    body = {"status": "success", "data": {"resultType": "vector", "result": result}}
    with proxy(before=lambda _: Answer(body=json.dumps(body).encode())) as server:
        assert "is a histogram" in (measured(_query(server.uri)).why or "")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (_error(503, "timeout", "query timed out"), "answered 503: query timed out"),
        (_error(422, "execution", "many-to-many"), "answered 422: many-to-many"),
        (_error(500, "internal", f"{_SECRET}\n\x1b[31m" + "x" * 999), "answered 500: ***"),
        (_error(503, "unavailable", "starting"), "answered 503: starting"),
        (_error(422, "bad_data", "limit"), "answered 422: limit"),
        (Answer(502, b"<html>"), "answered 502"),
        (Answer(405, b""), "answered 405"),
        (Answer(404, b"404 page not found"), "answered 404"),
    ],
)
def test_what_goes_wrong_in_prometheus_is_no_mistake_in_the_file(answer: Answer, why: str) -> None:
    with proxy(before=lambda _: answer) as server:
        told = measured(_query(server.uri, "TOKEN"), {"TOKEN": _SECRET})
    assert told.value is None
    assert why in (told.why or "")
    assert "\x1b" not in (told.why or "")
    assert len(told.why or "") < 500


def test_warnings_change_nothing_and_ten_thousand_series_are_counted() -> None:
    moment = _NOW.timestamp()
    warned = _vector((moment, "2"), warnings=["w"], infos=["i"])
    with proxy(before=lambda _: warned) as server:
        assert measured(_query(server.uri)) == Measurement(2, 2, _NOW)
    many = _vector(*[(moment, "2")] * 10_000)
    with proxy(before=lambda _: many) as server:
        assert "is 10000 series" in (measured(_query(server.uri)).why or "")


def test_a_url_may_have_a_path_and_parameters() -> None:
    with proxy(before=lambda _: _vector((_NOW.timestamp(), "2"))) as server:
        for more in ("", "/", "/a/b/", "/a?tenant=b"):
            measured(PrometheusQuery(f"{server.uri}{more}", "up"))
    paths = [request.path.replace("/api/v1/query", "/:") for request in server.requests]
    assert paths == ["/:", "/:", "/a/b/:", "/a/:?tenant=b"]


def test_the_second_query_is_asked_at_the_moment_of_the_first() -> None:
    with proxy(before=lambda _: _vector((_NOW.timestamp() - 0.5, "2"))) as server:
        measured(_query(server.uri))
    bodies = [request.body for request in server.requests]
    assert bodies == [b"query=up", b"query=count%28up%29&time=1769860799.500"]


_TEXTS = st.sampled_from(["success", "error", "vector", "scalar", "bad_data", "1", "NaN", "\ud800"])
_ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=4,
)
_SAMPLES = st.lists(_ANYTHING | st.tuples(st.floats() | st.integers(), _TEXTS), max_size=2)
_VALUED = st.fixed_dictionaries({"value": _SAMPLES | st.tuples(st.floats(), _TEXTS)})
_RESULTS = st.fixed_dictionaries(
    {"resultType": _TEXTS | _ANYTHING, "result": _SAMPLES | st.lists(_VALUED, max_size=2)}
)
_ANSWERS = _ANYTHING | st.fixed_dictionaries(
    {"status": _TEXTS}, optional={"data": _RESULTS, "errorType": _TEXTS, "error": _ANYTHING}
)


@settings(max_examples=150)
@given(answer=_ANSWERS, status=st.sampled_from([200, 200, 400, 422, 500]))
def test_no_answer_makes_a_measurement_crash(said: Said, answer: object, status: int) -> None:
    said.answer = Answer(status, json.dumps(answer).encode())
    with suppress(DeclarationError):
        told = measured(_query(said.uri))
        assert told.why or told.value is not None
    told = measured(JsonValue(said.uri, "data.result.0", "data.status", "status"))
    assert told.why or told.value is not None
