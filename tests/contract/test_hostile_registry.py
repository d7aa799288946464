"""A malicious registry: what it answers is bounded, refused or shown harmlessly, never obeyed."""

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.errors import AnswerLost, NotFound, RegistryError, Rejected
from reconciler.registries.http_client import TooMuch
from reconciler.registries.rest import MlflowRest
from tests.support.files.hostile_lab import MEGABYTES, Call, measured
from tests.support.registries.lab import Hand, Lab
from tests.support.registries.raw_servers import HEAD, TRICKLES, Serve, for_ever, raw_server
from tests.support.registries.servers import Answer, Request, proxy
from tests.support.repositories.git_lab import GitLab

_SECRET = "s3cret-token"  # noqa: S105  what must not be told
_MB = 1_000_000


@pytest.mark.parametrize("serve", TRICKLES.values(), ids=TRICKLES)
def test_an_answer_that_trickles_in_is_given_up_as_a_whole(serve: Serve) -> None:
    with raw_server(serve) as uri:
        registry = MlflowRest(uri, environ={}, request_timeout=0.4, retry_for=0)
        begun = time.monotonic()
        with pytest.raises(AnswerLost, match=r"did not finish its answer in 0\.8 s"):
            registry.set_stage("m", 1, "Production")
        assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"next_page_token": "again"}, "pages that do not end"),
        ({"model_versions": [{"name": "m", "version": str(n)} for n in range(10_001)]}, "more row"),
    ],
)
def test_lists_that_do_not_end_are_refused(answer: object, said: str) -> None:
    with proxy(before=lambda _: Answer(200, json.dumps(answer).encode())) as server:
        with pytest.raises(RegistryError, match=said):
            MlflowRest(server.uri, environ={}).read()
        assert len(server.requests) <= 4


@pytest.mark.parametrize("moment", [-1, 253_402_300_800_000, 10**30])
def test_a_moment_that_no_date_can_have_is_not_what_mlflow_answers(moment: int) -> None:
    row = {"name": "m", "version": "1", "creation_timestamp": moment}
    answer = json.dumps({"model_versions": [row]}).encode()
    with (
        proxy(before=lambda _: Answer(200, answer)) as server,
        pytest.raises(RegistryError, match="`model_versions` does not have MLflow's form"),
    ):
        MlflowRest(server.uri, environ={}).read()


def test_pages_with_ever_new_tokens_are_given_up_in_time() -> None:
    def endless(_: Request) -> Answer:
        token = str(time.monotonic_ns())
        return Answer(200, json.dumps({"next_page_token": token}).encode(), delay=0.02)

    with proxy(before=endless) as server:
        registry = MlflowRest(server.uri, environ={}, request_timeout=0.2, retry_for=0)
        begun = time.monotonic()
        with pytest.raises(RegistryError, match="pages that do not end"):
            registry.read()
        assert time.monotonic() - begun < 10


def test_a_page_that_is_too_large_is_asked_for_in_smaller_ones() -> None:
    """Long descriptions are nobody's fault."""

    def page(request: Request) -> Answer:
        if "model-versions/search" not in request.path:
            return Answer(200, b'{"registered_models": [{"name": "m"}]}')
        if "max_results=10000&" in request.path:
            return Answer(200, b" " * (17 * 1024 * 1024))
        after = "page_token" in request.path
        found = {"model_versions": [{"name": "m", "version": "2" if after else "1"}]}
        token = {} if after else {"next_page_token": "x"}
        return Answer(200, json.dumps(found | token).encode())

    with proxy(before=page) as server:
        assert set(MlflowRest(server.uri, environ={}).read()["m"].versions) == {1, 2}
    asked = [one.path for one in server.requests if "model-versions/search" in one.path]
    assert ["max_results=1000&" in path for path in asked] == [False, True, True]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_takes_no_request_and_no_credential_to_another_host(status: int) -> None:
    credentials = {"MLFLOW_TRACKING_TOKEN": _SECRET}
    with proxy(before=lambda _: Answer()) as other:
        to = {"Location": f"{other.uri.replace('127.0.0.1', 'localhost')}/?token={_SECRET}"}
        with proxy(before=lambda _: Answer(status, b"", to)) as server:
            registry = MlflowRest(server.uri, environ=credentials)
            for ask in (registry.read, lambda: registry.set_alias("m", "a", 1)):
                with pytest.raises(RegistryError, match="redirects are never followed") as caught:
                    ask()
                assert _SECRET not in str(caught.value.message) + str(caught.value.hint)
        assert other.requests == []


def test_a_redirect_to_itself_is_asked_once() -> None:
    here = Answer(302, b"", {"Location": "/api/2.0/mlflow/registered-models/get"})
    with proxy(before=lambda _: here) as server:
        with pytest.raises(RegistryError, match="redirects are never followed"):
            MlflowRest(server.uri, environ={}).confirm("m", [])
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "header",
    [
        *("9" * 60_000, "-1", "1e308", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"),
        *("Mon, 01 Jan 2024 00:00:00 +99999999999999999999", "\x1b[31m", "1; 2"),
    ],
)
def test_an_odd_retry_after_neither_crashes_nor_keeps_waiting(header: str) -> None:
    with proxy(before=lambda _: Answer(429, b"", {"Retry-After": header})) as server:
        begun = time.monotonic()
        with pytest.raises(RegistryError, match="429"):
            MlflowRest(server.uri, environ={}, retry_for=0.1).confirm("m", [])
        assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": {"a": [1]}}', NotFound),
        (b'{"error_code": "X", "message": ' + b"[" * 900 + b"]" * 900 + b"}", Rejected),
        (b'{"error_code": ["RESOURCE_DOES_NOT_EXIST"], "message": 7}', RegistryError),
        (b'{"error_code": "X", "message": "' + b"a" * 5_000_000 + b'"}', Rejected),
        (b"[" * 100_000, Rejected),
        (b"\xff\xfe\x00", Rejected),
    ],
)
def test_a_refusal_of_any_shape_is_a_short_message(body: bytes, kind: type[RegistryError]) -> None:
    with (
        proxy(before=lambda _: Answer(400, body)) as server,
        pytest.raises(kind) as caught,
    ):
        MlflowRest(server.uri, environ={}).set_alias("m", "a", 1)
    assert len(caught.value.message) < 1_200


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "x" * 5_000, "deflate"])
def test_an_encoding_that_was_not_asked_for_is_refused(encoding: str) -> None:
    body = gzip.compress(b"{}")
    with proxy(before=lambda _: Answer(200, body, {"Content-Encoding": encoding})) as server:
        with pytest.raises(RegistryError, match="which was not requested") as caught:
            MlflowRest(server.uri, environ={}).set_alias("m", "a", 1)
        assert len(caught.value.message) < 1_200
        assert server.requests[0].headers["Accept-Encoding"] == "gzip"


def test_an_answer_may_be_packed_and_must_then_be_whole() -> None:
    packed = gzip.compress(b'{"registered_models": [{"name": "m"}]}')
    for body, is_whole in ((packed, True), (packed[:-9], False)):
        answer = Answer(200, body, {"Content-Encoding": "gzip"})
        with proxy(before=lambda _, answer=answer: answer) as server:  # type: ignore[misc]
            registry = MlflowRest(server.uri, environ={}, retry_for=0)
            if is_whole:
                assert set(registry.read()) == {"m"}
            else:
                with pytest.raises(AnswerLost):
                    registry.read()


def _searched(**model: object) -> Callable[[Request], Answer]:
    """Answer the search for models with one model, and every other question with nothing."""
    found = json.dumps({"registered_models": [{"name": "m", **model}]}).encode()
    nothing = b"{}"
    return lambda one: Answer(200, found if "registered-models/search" in one.path else nothing)


def _packed_zeros() -> bytes:
    step = gzip.compress(b" " * (64 * _MB), 6)  # 64 MB are 62 kB; members may follow each other
    return step * 16


_LARGE: dict[str, tuple[Callable[[Request], Answer], str]] = {
    "a tag of 10 MB": (_searched(tags=[{"key": "k", "value": "x" * 10 * _MB}]), ""),
    "a million aliases": (
        _searched(aliases=[{"alias": f"a{n}", "version": "1"} for n in range(_MB)]),
        "answered with more than",
    ),
    "a million empty lists": (
        lambda _: Answer(200, b'{"registered_models": [' + b"[]," * (5 * _MB) + b"[]]}"),
        "answered with more than 1,000,000 values",
    ),
    "a gigabyte of zeros in gzip": (
        lambda _: Answer(200, _packed_zeros(), {"Content-Encoding": "gzip"}),
        "answered with more than",
    ),
    "40 MB of text": (lambda _: Answer(200, b'{"a": "' + b"x" * 40 * _MB), "more than"),
    "a smile in 15 MB": (
        lambda _: Answer(200, '{"a": "😀'.encode() + b"x" * 15 * _MB + b'"}'),
        "does not have MLflow's form",
    ),
    "deep nesting": (
        lambda _: Answer(200, b'{"registered_models": ' + b"[" * 900_000),
        "not MLflow's JSON",
    ),
    "a million headers": (lambda _: Answer(200, b"{}", {f"X{n}": "" for n in range(9_999)}), ""),
    "a header of 10 MB": (lambda _: Answer(200, b"{}", {"X": "x" * 10 * _MB}), ""),
}


def test_large_answers_are_bounded_in_time_and_memory(tmp_path: Path) -> None:
    (tmp_path / "registry-state").mkdir()
    (tmp_path / "registry-state" / "m.yaml").write_text("tags: {a: b}\nversions: {1: {}}\n")
    endless = for_ever(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65536 + b"\r\n"
    )
    said = [*((name, words) for name, (_, words) in _LARGE.items()), ("endless", "more than")]
    with raw_server(endless) as last:
        calls, servers = [], []
        for answers, _ in _LARGE.values():
            servers.append(proxy(before=answers))
            calls.append(_plan(tmp_path, servers[-1].__enter__().uri))
        try:
            took = measured([*calls, _plan(tmp_path, last)])
        finally:
            for server in servers:
                server.__exit__(None, None, None)
    for (name, words), one in zip(said, took, strict=True):
        assert one.code in (3, 6), (name, one.text)
        assert words in one.stderr, (name, one.stderr)
        assert "Traceback" not in one.text, name
        assert one.megabytes < MEGABYTES, name
        assert one.printed < 100_000, name
        assert one.wall < 30, (name, one.wall)


def _plan(folder: Path, uri: str) -> Call:
    return Call(folder, ["plan"], {"MLFLOW_TRACKING_URI": uri})


def _echo(request: Request) -> Answer:
    """Throw everything that was sent back, as a message that will be shown."""
    told = json.dumps(dict(request.headers))
    return Answer(400, json.dumps({"error_code": "BAD_REQUEST", "message": told}).encode())


@pytest.mark.parametrize(
    "answer",
    [
        _echo,
        lambda _: Answer(500, b'{"error_code": "INTERNAL_ERROR", "message": "s3cret-token"}'),
        lambda _: Answer(302, b"", {"Location": f"http://ann:{_SECRET}@evil.example/?t={_SECRET}"}),
        lambda _: Answer(200, b'{"registered_models": "s3cret-token"}'),
        lambda _: Answer(401, b"no", {"WWW-Authenticate": f"Basic realm={_SECRET}"}),
    ],
)
@pytest.mark.parametrize("how", ["token", "password", "uri"])
def test_no_credential_is_told_by_any_command_however_it_is_provoked(
    tmp_path: Path, answer: Callable[[Request], Answer], how: str
) -> None:
    git = GitLab.new(tmp_path)
    git.commit({"registry-state/m.yaml": "versions: {1: {stage: Production}}"})
    with proxy(before=answer) as server:
        lab = Lab(git, server.uri, Hand(server.uri))
        environ = {
            "token": {"MLFLOW_TRACKING_TOKEN": _SECRET},
            "password": {"MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": _SECRET},
            "uri": {"MLFLOW_TRACKING_URI": server.uri.replace("://", f"://ann:{_SECRET}@")},
        }[how]
        for command in (
            ["plan"],
            ["apply", "--yes"],
            ["status", "--format", "json"],
            ["show", "m"],
        ):
            result = lab.run(*command, "-v", env=environ)
            assert result.code not in (0, 1), result.text
            assert _SECRET not in result.text
            assert "YW5uOnMzY3JldC10b2tlbg" not in result.text, "nor encoded"
            assert "Traceback" not in result.text
        assert server.requests


def test_a_certificate_that_nobody_vouches_for_gets_no_request_from_any_command(
    encrypted_uri: str,
    tmp_path: Path,
) -> None:
    git = GitLab.new(tmp_path)
    git.commit({"registry-state/m.yaml": "versions: {1: {stage: Archived}}"})
    lab = Lab(git, encrypted_uri, Hand(encrypted_uri), {"MLFLOW_TRACKING_TOKEN": _SECRET})
    for command in (["plan"], ["apply", "--yes"], ["drift"]):
        result = lab.run(*command)
        assert result.code == 6
        assert "is not trusted" in result.stderr
        assert "MLFLOW_TRACKING_SERVER_CERT_PATH" in result.stderr
        assert _SECRET not in result.text
    answered = lab.run("plan", env={"MLFLOW_TRACKING_INSECURE_TLS": "true"})
    assert "is not trusted" not in answered.stderr


def test_more_than_we_read_is_a_kind_of_its_own() -> None:
    many = b"[" + b"1," * 1_000_001 + b"1]"
    with (
        proxy(before=lambda _: Answer(200, many)) as server,
        pytest.raises(TooMuch, match="1,000,000 values"),
    ):
        MlflowRest(server.uri, environ={}).confirm("m", [])
