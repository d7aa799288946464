"""What is sent to a forge again and what never, where the token goes, and what errors tell."""

import json
import time
from collections.abc import Callable

import pytest

from reconciler.errors import ForgeError
from reconciler.forges.github import GitHub
from reconciler.forges.http_client import Address, ForgeHttp
from tests.support.forges.forge_lab import github_lab
from tests.support.forges.forge_server import TOKEN, Fault, answer
from tests.support.registries.servers import HANG_UP, Answer, Proxy, Request, free_port, proxy

_MARKER = "<!-- reconciler -->"
_LIMITED = answer({"message": "You have exceeded a secondary rate limit."}, 403)
_SLOW_DOWN = Answer(403, b"{}", {"Retry-After": "1"})


def _http(server: Proxy, *, patience: float = 30.0, timeout: float = 5.0) -> ForgeHttp:
    address = Address("GitHub", f"{server.uri}/api", TOKEN)
    return ForgeHttp(address, patience=patience, timeout=timeout)


def _in_turn(*answers: Answer) -> Callable[[Request], Answer]:
    """Answer the first request with the first, and so on; the last one stays."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


@pytest.mark.parametrize("bad", [Answer(500), Answer(502), Answer(503), Answer(429), HANG_UP])
def test_a_read_that_was_not_answered_is_sent_again(bad: Answer) -> None:
    if bad.status == 429:
        bad = Answer(429, b"", {"Retry-After": "0"})
    with proxy(before=_in_turn(bad, answer({"a": 1}))) as server:
        assert _http(server).get("x", needs="") == {"a": 1}

    assert len(server.requests) == 2


@pytest.mark.parametrize("bad", [Answer(500), Answer(502), Answer(503), HANG_UP])
def test_what_may_have_been_written_is_not_written_again(bad: Answer) -> None:
    with github_lab() as lab:
        opened = lab.state.open(lab.head(1))
        lab.state.faults.append(Fault("POST", "comments", bad, executed=True))

        with pytest.raises(ForgeError):
            lab.forge.put_comment(opened.number, _MARKER, "one")
        lab.forge.put_comment(opened.number, _MARKER, "two")

        assert [one.body for one in opened.remarks] == [f"{_MARKER}\ntwo"]


@pytest.mark.parametrize("limit", [_SLOW_DOWN, Answer(429, b"", {"Retry-After": "1"})])
def test_what_was_not_written_for_a_limit_is_written_later(limit: Answer) -> None:
    with github_lab() as lab:
        opened = lab.state.open(lab.head(1))
        lab.state.faults.append(Fault("POST", "comments", limit))

        started = time.monotonic()
        lab.forge.put_comment(opened.number, _MARKER, "one")

        assert time.monotonic() - started >= 1.0
        assert len(opened.remarks) == 1


def test_a_change_of_what_is_there_is_sent_again() -> None:
    with github_lab() as lab:
        opened = lab.state.open(lab.head(1))
        lab.forge.put_comment(opened.number, _MARKER, "one")
        lab.state.faults.append(Fault("PATCH", "comments", Answer(502), executed=True))

        lab.forge.put_comment(opened.number, _MARKER, "two")

        assert [one.body for one in opened.remarks] == [f"{_MARKER}\ntwo"]


def test_a_removal_whose_answer_was_lost_is_done() -> None:
    with github_lab() as lab:
        opened = lab.state.open(lab.head(1))
        for text in ("one", "two"):
            lab.state.remark(opened, lab.state.me, f"{_MARKER}\n{text}")
        lab.state.faults.append(Fault("DELETE", "comments", HANG_UP, executed=True))

        lab.forge.put_comment(opened.number, _MARKER, "three")

        assert [one.body for one in opened.remarks] == [f"{_MARKER}\nthree"]


def _spent(reset: float) -> Answer:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(reset))}
    return Answer(403, b'{"message": "API rate limit exceeded"}', headers)


@pytest.mark.parametrize(
    "limit",
    [
        Answer(429, b"", {"Retry-After": "3600"}),
        Answer(429),
        _LIMITED,
        _spent(time.time() + 3600),
    ],
)
def test_a_limit_that_lasts_longer_than_the_job_may_wait_is_told_at_once(limit: Answer) -> None:
    with proxy(before=lambda _: limit) as server:
        started = time.monotonic()
        with pytest.raises(ForgeError, match=f"answered {limit.status}") as caught:
            _http(server).get("x", needs="")

    assert time.monotonic() - started < 5
    assert len(server.requests) == 1
    assert caught.value.hint is None  # no permission would help


def test_a_limit_that_is_over_by_now_is_no_reason_to_give_up() -> None:
    with proxy(before=_in_turn(_spent(time.time() - 5), answer([]))) as server:
        assert _http(server).get("x", needs="") == []


def test_a_refusal_is_not_sent_again() -> None:
    with (
        proxy(before=lambda _: answer({"message": "no"}, 403)) as server,
        pytest.raises(ForgeError, match="answered 403 to GET /api/x: no") as caught,
    ):
        _http(server).get("x", needs="`checks: read`")

    assert len(server.requests) == 1
    assert caught.value.hint == "the job needs `checks: read`"


def test_a_server_that_stays_broken_is_given_up() -> None:
    with proxy(before=lambda _: Answer(503)) as server, pytest.raises(ForgeError, match="503"):
        _http(server, patience=1.0).get("x", needs="")

    assert 2 <= len(server.requests) <= 4


def test_a_server_that_is_not_there_is_told() -> None:
    address = Address("GitLab", f"http://127.0.0.1:{free_port()}/api/v4", TOKEN)
    with pytest.raises(
        ForgeError, match=r"cannot connect to GitLab \(http://127\.0\.0\.1:\d+/api/v4"
    ):
        ForgeHttp(address, patience=1.0).write("POST", "x", {}, needs="")


def test_a_server_that_does_not_answer_in_time_is_told() -> None:
    with (
        proxy(before=lambda _: Answer(delay=5)) as server,
        pytest.raises(ForgeError, match=r"did not answer within 0\.2 s"),
    ):
        _http(server, timeout=0.2, patience=0.0).get("x", needs="")


def test_certificates_that_are_not_there_are_told() -> None:
    environ = {"REQUESTS_CA_BUNDLE": "/nowhere"}
    with pytest.raises(ForgeError, match="invalid path: /nowhere"):
        ForgeHttp(Address("GitHub", "https://127.0.0.1/api", TOKEN, environ=environ)).get(
            "x", needs=""
        )


@pytest.mark.parametrize("api", ["nonsense", "http://[broken", "ftp://host"])
def test_an_address_that_is_none_is_told(api: str) -> None:
    with pytest.raises(ForgeError, match="is not the URL of a server"):
        ForgeHttp(Address("GitHub", api, TOKEN)).get("x", needs="")


def test_a_redirect_is_refused_and_the_token_goes_nowhere_else() -> None:
    with proxy(before=lambda _: answer({"secret": 1})) as elsewhere:
        moved = Answer(301, b"", {"Location": f"{elsewhere.uri}/x"})
        with (
            proxy(before=lambda _: moved) as server,
            pytest.raises(ForgeError, match="redirects are never followed") as caught,
        ):
            _http(server).get("x", needs="")

    assert elsewhere.requests == []
    assert "renamed" in (caught.value.hint or "")


def test_a_link_to_another_host_leads_to_the_same_host() -> None:
    with proxy(before=lambda _: answer(["stolen"])) as elsewhere:
        link = {"Link": f'<{elsewhere.uri}/x?page=2&cursor=a%2Bb>; rel="next"'}
        pages = _in_turn(Answer(200, b"[1]", link), answer([2]))
        with proxy(before=pages) as server:
            assert _http(server).rows("x", needs="") == [1, 2]

    assert elsewhere.requests == []
    assert [one.path for one in server.requests] == [
        "/api/x?per_page=100",
        "/api/x?page=2&cursor=a%2Bb",
    ]


def test_a_listing_without_an_end_is_told() -> None:
    def script(_: Request) -> Answer:
        return Answer(200, b"[1]", {"Link": '</x?page=1>; rel="next"'})

    with proxy(before=script) as server, pytest.raises(ForgeError, match="more than 10,000 rows"):
        _http(server).rows("x", needs="")

    assert len(server.requests) == 100


@pytest.mark.parametrize("body", [b"<html>log in</html>", b"", b"[" * 100_000])
def test_an_answer_that_is_no_json_is_told(body: bytes) -> None:
    with (
        proxy(before=lambda _: Answer(200, body)) as server,
        pytest.raises(ForgeError, match="did not answer with JSON"),
    ):
        _http(server).get("x", needs="")


@pytest.mark.parametrize("body", [b"{}", b'"text"', b"1"])
def test_a_listing_that_is_none_is_told(body: bytes) -> None:
    with (
        proxy(before=lambda _: Answer(200, body)) as server,
        pytest.raises(ForgeError, match="something other than a list"),
    ):
        _http(server).rows("x", needs="")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"message": "Validation Failed", "errors": [{"code": "x"}]}, 'Failed; [{"code": "x"}]'),
        ({"message": {"base": ["is taken"]}}, '{"base": ["is taken"]}'),
        ({"error": "insufficient_scope"}, "insufficient_scope"),
        ({"message": "m" * 2000}, "mmm…"),
    ],
)
def test_the_forges_own_words_are_told(said: object, told: str) -> None:
    with (
        proxy(before=lambda _: answer(said, 422)) as server,
        pytest.raises(ForgeError) as caught,
    ):
        _http(server).get("x", needs="")

    assert told in caught.value.message
    assert len(caught.value.message) < 700


def _echo(request: Request) -> Answer:
    return Answer(400, json.dumps({"message": str(dict(request.headers))}).encode())


@pytest.mark.parametrize(
    "script", [_echo, lambda _: HANG_UP, lambda _: Answer(401), lambda _: Answer(200, b"<html>")]
)
def test_no_error_tells_the_token(script: Callable[[Request], Answer]) -> None:
    with proxy(before=script) as server, pytest.raises(ForgeError) as caught:
        _http(server, patience=0.0).get("x", needs="")

    assert server.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"
    cause = caught.value.__cause__
    assert TOKEN not in f"{caught.value.message} {caught.value.hint} {caught.value!r} {cause!r}"


def test_a_query_that_is_refused_does_not_tell_the_token() -> None:
    def script(request: Request) -> Answer:
        return answer({"errors": [{"message": str(dict(request.headers))}]})

    with proxy(before=script) as server, pytest.raises(ForgeError, match="query") as caught:
        _http(server).query("query { x }", {}, needs="")

    assert TOKEN not in caught.value.message


def test_the_token_is_not_shown_with_the_address() -> None:
    assert TOKEN not in repr(Address("GitHub", "https://api", TOKEN))


def test_a_wrong_token_says_which_variable_to_set() -> None:
    with (
        github_lab(token="wrong") as lab,  # noqa: S106  that is the point
        pytest.raises(ForgeError, match="Bad credentials") as caught,
    ):
        lab.forge.pull_request(1)

    assert "RECONCILER_FORGE_TOKEN" in (caught.value.hint or "")


def test_an_answer_of_another_shape_is_told_without_its_content() -> None:
    with (
        proxy(before=lambda _: answer({"number": "secret text"})) as server,
        pytest.raises(ForgeError, match="`number` of Pull") as caught,
    ):
        GitHub(
            api=server.uri, server="", repository="acme/x", token=TOKEN, environ={}
        ).pull_request(1)

    assert "secret text" not in caught.value.message


@pytest.mark.parametrize(
    ("api", "asked"), [("", "/graphql"), ("/api/v3", "/api/graphql"), ("/api/v4", "/api/graphql")]
)
def test_the_query_interface_is_beside_the_other(api: str, asked: str) -> None:
    with proxy(before=lambda _: answer({"data": {"x": 1}})) as server:
        address = Address("GitHub", f"{server.uri}{api}", TOKEN)
        assert ForgeHttp(address).query("query { x }", {}, needs="") == {"x": 1}

    assert [one.path for one in server.requests] == [asked]
