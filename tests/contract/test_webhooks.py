"""Telling a webhook: what is sent again, what is waited for, and where it may lead."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.transport.webhooks import Miss, WebhookClient, is_webhook_url
from tests.support.registries.raw_servers import HEAD, TRICKLES, Serve, for_ever, raw_server
from tests.support.registries.servers import HANG_UP, Answer, Request, free_port, proxy

_AT_ONCE = {"Retry-After": "0"}


def _webhook(uri: str, *, seconds: float = 5.0, authorities: str = "") -> WebhookClient:
    environ = {"REQUESTS_CA_BUNDLE": authorities}
    return WebhookClient(f"{uri}/T0/hunter2", environ, seconds=seconds, over=threading.Event())


def _first(bad: Answer) -> Callable[[Request], Answer]:
    """Answer the first request with that, and the others well."""
    left = [bad]
    return lambda _: left.pop() if left else Answer()


def test_a_message_is_posted_as_json_with_no_credentials_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ann password hunter3")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    with proxy(before=lambda _: Answer(204, b"")) as server:
        assert _webhook(server.uri).tell({"a": "é"}) is None
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/T0/hunter2")
    assert json.loads(request.body) == {"a": "é"}
    assert request.headers["Content-Type"] == "application/json"
    assert "Authorization" not in request.headers


def test_a_user_in_the_url_goes_where_the_url_leads() -> None:
    with proxy(before=lambda _: Answer()) as server:
        _webhook(server.uri.replace("://", "://ann:p%40ss@")).tell({})
    assert server.requests[0].headers["Authorization"] == "Basic YW5uOnBAc3M="


@pytest.mark.parametrize(
    "bad",
    [Answer(500, b"", _AT_ONCE), Answer(503, b"", _AT_ONCE), Answer(429, b"", _AT_ONCE), HANG_UP],
)
def test_what_was_lost_or_refused_for_now_is_told_once_more(bad: Answer) -> None:
    with proxy(before=_first(bad)) as server:
        assert _webhook(server.uri).tell({}) is None
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("bad", "why", "requests"),
    [
        (Answer(500, b"", _AT_ONCE), "it answered 500", 2),
        (Answer(429, b"", {"Retry-After": "3600"}), "it answered 429", 1),
        (Answer(404, b"hunter2"), "it answered 404", 1),
        (HANG_UP, "the connection broke", 2),
    ],
)
def test_what_stays_wrong_is_given_up(bad: Answer, why: str, requests: int) -> None:
    with proxy(before=lambda _: bad) as server:
        miss = _webhook(server.uri).tell({})
    assert miss is not None
    assert miss.why == why
    assert len(server.requests) == requests


def test_nobody_there_is_told_so() -> None:
    miss = _webhook(f"http://127.0.0.1:{free_port()}").tell({})
    assert miss == Miss("it could not be reached", again=True, away=True)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with proxy(before=lambda _: Answer()) as other:
        to = {"Location": f"{other.uri}/hunter2"}
        with proxy(before=lambda _: Answer(status, b"", to)) as server:
            miss = _webhook(server.uri).tell({})
        assert other.requests == []
    assert miss == Miss(f"it answered {status}, and redirects are never followed")
    assert len(server.requests) == 1


def test_an_answer_that_does_not_come_is_not_waited_for_nor_asked_for_again() -> None:
    with proxy(before=lambda _: Answer(delay=20)) as server:
        begun = time.monotonic()
        miss = _webhook(server.uri, seconds=0.5).tell({})
        assert time.monotonic() - begun < 3
    assert miss is not None
    assert miss.away
    assert "did not answer within" in miss.why
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["header", "continue", "continue at once"])
def test_an_answer_that_trickles_in_is_not_waited_for(kind: str) -> None:
    with raw_server(TRICKLES[kind]) as uri:
        begun = time.monotonic()
        miss = _webhook(uri, seconds=0.5).tell({})
        assert time.monotonic() - begun < 3
    assert miss is not None
    assert "did not answer within" in miss.why


@pytest.mark.parametrize(
    "serve",
    [
        TRICKLES["body"],
        TRICKLES["chunks"],
        for_ever(HEAD + b"\r\n", b"x" * 65536),
        for_ever(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 9999999\r\n\r\n", b"x" * 999),
    ],
    ids=["slow", "slow chunks", "endless", "no gzip"],
)
def test_what_it_says_besides_the_status_is_not_read(serve: Serve) -> None:
    with raw_server(serve) as uri:
        begun = time.monotonic()
        assert _webhook(uri).tell({}) is None
        assert time.monotonic() - begun < 2


def test_when_the_time_is_over_nothing_more_is_sent() -> None:
    with proxy(before=lambda _: Answer()) as server:
        webhook = _webhook(server.uri, seconds=0.0)
        assert webhook.tell({}) == Miss("there was no time left", away=True)
    assert server.requests == []


def test_after_a_signal_nothing_is_sent_again() -> None:
    over = threading.Event()

    def answered(_: Request) -> Answer:
        over.set()
        return Answer(500, b"", {"Retry-After": "4"})

    with proxy(before=answered) as server:
        begun = time.monotonic()
        miss = WebhookClient(server.uri, {}, seconds=30.0, over=over).tell({})
        assert time.monotonic() - begun < 3
    assert miss is not None
    assert len(server.requests) == 1


def test_a_certificate_that_nobody_vouches_for_is_not_told(encrypted_uri: str) -> None:
    miss = _webhook(encrypted_uri).tell({})
    assert miss is not None
    assert "certificate" in miss.why
    assert not miss.again


def test_a_bundle_of_certificates_that_is_not_there_is_no_crash(
    encrypted_uri: str,
) -> None:
    assert _webhook(encrypted_uri, authorities="/nowhere").tell({}) is not None


def test_a_certificate_that_is_vouched_for_is_trusted(
    encrypted_uri: str,
    certificate: Path,
) -> None:
    assert _webhook(encrypted_uri, authorities=str(certificate)).tell({}) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example/T0/B0/x?a=b",
        "HTTPS://hooks.example:8443/x",
        "https://ann:p@hooks.example/x",
        "http://127.0.0.1:8080/x",
        "http://localhost/x",
        "http://[::1]:80/x",
    ],
)
def test_https_is_a_webhooks_url_and_plain_http_on_this_machine(url: str) -> None:
    assert is_webhook_url(url)


@pytest.mark.parametrize(
    "text",
    [
        "s3cret-password",
        "http://hooks.example/x",
        "http://127.0.0.1@hooks.example/x",
        "http://localhost\\@hooks.example/x",
        "http://localhost.hooks.example/x",
        "https://",
        "https:///x",
        "https://host:port/x",
        "https://host:99999/x",
        "https://[broken/x",
        "https://host/a b",
        "https://host/\r\nX: y",
        "https://höst/x",
        "ftp://host/x",
        "file:///etc/passwd",
        "//host/x",
        "https://host/" + "x" * 2_000,
        "",
    ],
)
def test_everything_else_is_none(text: str) -> None:
    assert not is_webhook_url(text)
