"""A forge, or whoever sits in front of it, that answers slowly, hugely or oddly is bounded."""

import gzip
import time

import pytest

from reconciler.errors import ForgeError
from reconciler.forges.http_client import Address, ForgeHttp
from tests.support.forges.forge_server import TOKEN
from tests.support.registries.raw_servers import HEAD, TRICKLES, Serve, for_ever, raw_server
from tests.support.registries.servers import Answer, proxy

_MB = 1_000_000


def _http(uri: str, timeout: float = 5.0) -> ForgeHttp:
    return ForgeHttp(Address("GitHub", f"{uri}/api", TOKEN), timeout=timeout, patience=0.0)


@pytest.mark.parametrize("serve", TRICKLES.values(), ids=TRICKLES)
def test_an_answer_that_trickles_in_is_given_up_as_a_whole(serve: Serve) -> None:
    with raw_server(serve) as uri:
        begun = time.monotonic()
        with pytest.raises(ForgeError, match=r"did not finish its answer in 0\.8 s"):
            _http(uri, timeout=0.4).get("x", needs="")
        assert time.monotonic() - begun < 3


def test_an_answer_that_trickles_through_a_proxy_is_given_up_as_well() -> None:
    with raw_server(TRICKLES["header"]) as between:
        environ = {"http_proxy": between}
        address = Address("GitHub", "http://forge.example/api", TOKEN, environ=environ)
        begun = time.monotonic()
        with pytest.raises(ForgeError, match=r"did not finish its answer in 0\.8 s"):
            ForgeHttp(address, timeout=0.4, patience=0.0).get("x", needs="")
        assert time.monotonic() - begun < 3


def test_a_body_without_end_is_given_up() -> None:
    endless = for_ever(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    )
    with raw_server(endless) as uri, pytest.raises(ForgeError, match="answered with more than 67"):
        _http(uri, timeout=20.0).get("x", needs="")


def test_a_packed_answer_is_unpacked_no_further_than_an_answer_may_be_long() -> None:
    bomb = gzip.compress(b" " * (80 * _MB), 6)
    answer = Answer(200, bomb, {"Content-Encoding": "gzip"})
    with (
        proxy(before=lambda _: answer) as server,
        pytest.raises(ForgeError, match="answered with more than 67"),
    ):
        _http(server.uri).get("x", needs="")


@pytest.mark.parametrize("is_whole", [True, False])
def test_an_answer_may_be_packed_and_must_then_be_whole(is_whole: bool) -> None:  # noqa: FBT001  a case
    packed = gzip.compress(b'{"a": 1}')
    body = packed if is_whole else packed[:-9]
    with proxy(before=lambda _: Answer(200, body, {"Content-Encoding": "gzip"})) as server:
        if is_whole:
            assert _http(server.uri).get("x", needs="") == {"a": 1}
        else:
            with pytest.raises(ForgeError, match="broke"):
                _http(server.uri).get("x", needs="")
    assert server.requests[0].headers["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "deflate"])
def test_an_encoding_that_was_not_asked_for_is_refused(encoding: str) -> None:
    answer = Answer(200, gzip.compress(b"{}"), {"Content-Encoding": encoding})
    with (
        proxy(before=lambda _: answer) as server,
        pytest.raises(ForgeError, match="in an encoding that was not requested"),
    ):
        _http(server.uri).get("x", needs="")
