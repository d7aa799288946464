"""What is sent again over HTTP, when, and what is never: a write."""

import threading
import time
from collections.abc import Callable
from email.utils import formatdate

import pytest

from reconciler.errors import AnswerLost, RegistryError, Unavailable
from reconciler.registries.rest import MlflowRest
from tests.support.registries.servers import HANG_UP, Answer, Request, free_port, proxy

_MISSING = Answer(404, b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}')


def _registry(uri: str, *, retry_for: float = 0.0, request_timeout: float = 5.0) -> MlflowRest:
    return MlflowRest(uri, environ={}, retry_for=retry_for, request_timeout=request_timeout)


def _in_turn(*answers: Answer) -> Callable[[Request], Answer]:
    """Answer the first request with the first, and so on; the last one stays."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


@pytest.mark.parametrize("bad", [Answer(503), Answer(429), Answer(502), HANG_UP])
def test_a_read_that_was_not_answered_is_sent_again(bad: Answer) -> None:
    with proxy(before=_in_turn(bad, _MISSING)) as up:
        registry = _registry(up.uri, retry_for=30)

        assert registry.confirm("m", []) is None
        assert registry.requests == len(up.requests) == 2


@pytest.mark.parametrize(
    ("bad", "expected"),
    [(Answer(503), Unavailable), (Answer(502), AnswerLost), (HANG_UP, AnswerLost)],
)
def test_a_write_is_sent_exactly_once(bad: Answer, expected: type[RegistryError]) -> None:
    with (
        proxy(before=lambda _: bad) as server,
        pytest.raises(expected),
    ):
        _registry(server.uri, retry_for=30).set_stage("m", 1, "Production")

    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("-7", 0.0),
        ("0.5", 0.5),
        (formatdate(time.time() - 60, usegmt=True), 0.0),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        ("", None),
    ],
    ids=["whole", "negative", "part", "past date", "word", "inf", "nan", "empty"],
)
def test_retry_after_is_passed_on(header: str, seconds: float | None) -> None:
    with (
        proxy(before=lambda _: Answer(429, b"", {"Retry-After": header})) as server,
        pytest.raises(Unavailable) as caught,
    ):
        _registry(server.uri).delete_tag("m", None, "k")

    assert caught.value.retry_after == seconds


def test_retry_after_may_be_a_date() -> None:
    date = formatdate(time.time() + 120, usegmt=True)
    with (
        proxy(before=lambda _: Answer(503, b"", {"Retry-After": date})) as server,
        pytest.raises(Unavailable) as caught,
    ):
        _registry(server.uri).delete_tag("m", None, "k")

    assert caught.value.retry_after is not None
    assert 100 < caught.value.retry_after <= 120


def test_a_read_waits_as_long_as_it_is_asked_to_but_not_past_its_time() -> None:
    patient = _in_turn(Answer(429, b"", {"Retry-After": "1"}), Answer(200, b'{"x": 1}'))
    with proxy(before=patient) as server:
        started = time.monotonic()
        assert _registry(server.uri, retry_for=30).read() == {}
        assert time.monotonic() - started >= 1.0

    with proxy(before=lambda _: Answer(429, b"", {"Retry-After": "3600"})) as server:
        with pytest.raises(Unavailable):
            _registry(server.uri, retry_for=30).read()
        assert len(server.requests) <= 2  # one of each search at most


def test_a_read_stops_waiting_when_the_run_is_stopped() -> None:
    stop = threading.Event()

    def script(_: Request) -> Answer:
        stop.set()
        return Answer(503, b"", {"Retry-After": "20"})

    with proxy(before=script) as server:
        registry = MlflowRest(server.uri, environ={}, retry_for=60, stop=stop)
        with pytest.raises(Unavailable):
            registry.confirm("m", [])

    assert len(server.requests) == 1


def test_a_wrong_address_is_told_after_three_tries() -> None:
    registry = _registry(f"http://127.0.0.1:{free_port()}", retry_for=60)

    with pytest.raises(Unavailable, match=r"cannot connect to http://127.0.0.1:\d+: .*refused"):
        registry.confirm("m", [])

    assert registry.requests == 3


@pytest.mark.parametrize("uri", ["http://", "http://[broken", "http://host:port"])
def test_an_address_that_is_none_is_told(uri: str) -> None:
    with pytest.raises(RegistryError, match="is not the URL of a server"):
        _registry(uri).confirm("m", [])


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(200, b"{}", delay=20), "did not answer within 0.2 s"),
        (Answer(200, b'{"registered_', length=1000), "broke"),
        (HANG_UP, "broke"),
        (Answer(200, b"not gzip", {"Content-Encoding": "gzip"}), "broke"),
    ],
)
def test_an_answer_that_does_not_arrive_whole_is_lost(answer: Answer, told: str) -> None:
    with (
        proxy(before=lambda _: answer) as server,
        pytest.raises(AnswerLost) as caught,
    ):
        _registry(server.uri, request_timeout=0.2).set_description("m", None, "text")

    assert told in caught.value.message
    assert server.uri in caught.value.message
