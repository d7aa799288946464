"""Lines that are JSON: nginx, Envoy, Istio, Traefik, Caddy, and text that a collector wrapped."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from reconciler.audit.usage.access_log.log_times import moment
from reconciler.audit.usage.access_log.logged_request import (
    LoggedRequest,
    agent_of,
    as_address,
    client_of,
)
from reconciler.audit.usage.access_log.text_lines import text_request

_Names: TypeAlias = tuple[str, ...]


class _Keys(NamedTuple):
    """The keys of each part of a request, the most telling first."""

    method: _Names
    target: _Names
    query: _Names
    status: _Names
    time: _Names
    agent: _Names
    forwarded: _Names
    user: _Names
    address: _Names
    request: _Names
    wrapped: _Names


# In lower case and without separators.
_KEYS: Final = _Keys(
    method=("method", "requestmethod", "httpmethod", "verb"),
    target=(
        *("requesturi", "originalpath", "uri", "path", "requestpath"),
        *("url", "requesturl", "httppath"),
    ),
    query=("args", "query", "querystring", "requestquery"),
    status=("status", "responsecode", "downstreamstatus", "statuscode", "httpstatus", "code"),
    time=(
        *("time", "timestamp", "starttime", "startutc", "startlocal"),
        *("timeiso8601", "timelocal", "msec", "ts", "date"),
    ),
    agent=("useragent", "httpuseragent", "requestuseragent", "agent"),
    forwarded=("xforwardedfor", "httpxforwardedfor", "requestxforwardedfor", "forwardedfor"),
    user=("remoteuser", "clientusername", "userid", "username", "user"),
    address=(
        *("clientip", "clienthost", "remoteaddr", "downstreamremoteaddress", "clientaddr"),
        *("remoteip", "remoteaddress", "remotehost", "client", "ip"),
    ),
    request=("request", "requestline"),
    wrapped=("log", "message", "msg", "textpayload"),
)
_NESTED: Final = frozenset({"request", "httprequest", "headers", "req"})
_DECODER: Final = json.JSONDecoder()
_DEEPEST: Final = 2  # headers in a request


def json_request(line: str) -> LoggedRequest | None:
    """Return the request of a line that ends with a JSON object, None where it has none."""
    values = _values(line)
    keys = _present(tuple(values))
    found = _request(values, keys)
    if found is not None or not keys.wrapped:
        return found
    text = _first(values, keys.wrapped)
    inside = _values(text)
    found = text_request(text) or _request(inside, _present(tuple(inside)))
    if found is not None and found.time is None:
        return found._replace(time=_time(values, keys))
    return found


def _values(line: str) -> Mapping[str, Any]:
    begin = line.find("{")
    if begin < 0:
        return {}
    try:
        document, _ = _DECODER.raw_decode(line, begin)
    except (ValueError, RecursionError):
        return {}
    is_flat = "[" not in line and line.find("{", begin + 1) < 0
    return document if is_flat else dict(_flat(document))


def _flat(document: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the values; those of a nested request, too, and of a list the first."""
    for key, value in document.items():
        if isinstance(value, dict):
            if depth < _DEEPEST and _plain(key) in _NESTED:
                yield from _flat(value, depth + 1)
        elif isinstance(value, list):
            if value:
                yield key, value[0]
        else:
            yield key, value


@lru_cache(maxsize=256)
def _present(names: _Names) -> _Keys:
    """Return the keys of each part that are among the names of an object."""
    plain = {_plain(name): name for name in reversed(names)}
    return _Keys(*(tuple(plain[key] for key in keys if key in plain) for keys in _KEYS))


def _plain(key: str) -> str:
    return "".join(char for char in key.lower() if char.isalnum())


def _request(values: Mapping[str, Any], keys: _Keys) -> LoggedRequest | None:
    method, target = _first(values, keys.method), _first(values, keys.target)
    if keys.request and len(words := _first(values, keys.request).split(" ")) > 1:
        method, target = words[:2]
    if keys.query and "?" not in target and (query := _first(values, keys.query)):
        target = f"{target}?{query}"
    status = _first(values, keys.status).partition(".")[0]
    if not (method and target and status.isdecimal() and len(status) <= 3):  # noqa: PLR2004  digits
        return None
    address = _first(values, keys.address)
    client = client_of(
        _first(values, keys.user), _first(values, keys.forwarded), as_address(address) or address
    )
    agent = agent_of(_first(values, keys.agent))
    return LoggedRequest(method, target, int(status), client, "", agent, _time(values, keys))


def _time(values: Mapping[str, Any], keys: _Keys) -> datetime | None:
    for key in keys.time:
        if (found := moment(_text(values[key]))) is not None:
            return found
    return None


def _first(values: Mapping[str, Any], keys: _Names) -> str:
    """Return the first text or number that one of the keys has, "" where none has."""
    for key in keys:
        if text := _text(values[key]):
            return text
    return ""


def _text(value: object) -> str:
    if type(value) is str:
        return value
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""
