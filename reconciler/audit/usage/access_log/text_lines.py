"""Lines of uvicorn, gunicorn, nginx, Apache, Traefik and Envoy: each has the request in quotes.

What stands before the request tells them apart, whatever a collector wrote at the line's start.
"""

import re
from typing import Final

from reconciler.audit.usage.access_log.log_times import moment, moment_within
from reconciler.audit.usage.access_log.logged_request import (
    UNKNOWN,
    LoggedRequest,
    agent_of,
    as_address,
    client_of,
)

# A quote after a backslash is part of a text that the client chose.
_REQUEST: Final = re.compile(r'(?<!\\)"([A-Z]{3,7}) (\S+) HTTP/[0-9.]{1,3}" (\d{1,3})(?![^ ])')
_YEAR_FIRST: Final = re.compile(r"\d{4}-")
_ENVOY_FIELDS: Final = 5  # X-Forwarded-For, agent, request id, authority, upstream host
_BESIDE: Final = [" "] * (_ENVOY_FIELDS - 1)
_ENVOY_REMOTE: Final = 3  # where Istio writes the client's address after these


def text_request(line: str) -> LoggedRequest | None:
    """Return the request of a line, None where it is not one of an access log."""
    found = _REQUEST.search(line)
    if found is None:
        return None
    method, target, status = found.groups()
    head, tail = line[: found.start()].rstrip(), line[found.end() :]
    if head.endswith("]"):
        before, _, time = head[:-1].rpartition("[")
        if _YEAR_FIRST.match(time):
            return _of_envoy(method, target, int(status), time, tail)
        return _of_combined(method, target, int(status), (before, time), tail)
    if head.endswith("-"):
        return _of_uvicorn(method, target, int(status), head[:-1])
    return None


def _of_uvicorn(method: str, target: str, status: int, head: str) -> LoggedRequest:
    """Read `TIME INFO:     10.0.0.7:51234 - "GET …" 200 OK`; before MLflow 3 without the time."""
    words = head.rsplit(maxsplit=1)
    address, _, port = words[-1].rpartition(":") if words else ("", "", "")
    is_address = bool(address) and port.isdecimal()
    client = client_of("", "", address if is_address else "")
    return LoggedRequest(
        method, target, status, client, port if is_address else "", time=moment_within(head)
    )


def _of_combined(
    method: str, target: str, status: int, head: tuple[str, str], tail: str
) -> LoggedRequest:
    """Read `10.0.0.7 - ann [TIME] "GET …" 200 419 "referer" "agent" "X-Forwarded-For"`."""
    before, time = head
    sender, dash, user = before.rstrip().rpartition(" - ")
    if not dash:  # an identity in the place of the dash
        sender, _, user = [*before.rsplit(maxsplit=2), "", "", ""][:3]
    address = (sender.split() or [""])[-1]
    texts, between = _quoted(tail)
    agent = texts[1] if len(texts) > 1 else ""
    forwarded = texts[2] if len(texts) > 2 and between[2] == " " else ""  # noqa: PLR2004  the third
    client = client_of(user.strip(), forwarded, as_address(address) or address)
    return LoggedRequest(method, target, status, client, "", agent_of(agent), moment(time))


def _of_envoy(method: str, target: str, status: int, time: str, tail: str) -> LoggedRequest:
    """Read `[TIME] "GET …" 200 - 0 419 5 4 "X-Forwarded-For" "agent" "id" "host" "upstream" …`."""
    texts, between = _quoted(tail)
    # Istio has one more quoted text before these, and numbers behind it.
    first = 0 if between[1:_ENVOY_FIELDS] == _BESIDE else 1
    if between[first + 1 : first + _ENVOY_FIELDS] != _BESIDE:
        return LoggedRequest(method, target, status, UNKNOWN, time=moment(time))
    rest = between[first + _ENVOY_FIELDS].split()
    remote = rest[_ENVOY_REMOTE] if len(rest) > _ENVOY_REMOTE else ""
    client = client_of("", texts[first], as_address(remote) or "")
    return LoggedRequest(
        method, target, status, client, "", agent_of(texts[first + 1]), moment(time)
    )


def _quoted(tail: str) -> tuple[list[str], list[str]]:
    """Return the quoted texts of `tail`, and what stands before, between and behind them."""
    if "\\" in tail:
        tail = tail.replace("\\\\", "\\x5C").replace('\\"', "\\x22")
    parts = tail.split('"')
    return parts[1::2], parts[::2]
