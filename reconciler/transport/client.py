"""Sessions whose answers are bounded in time and size, and what their failures mean."""

import socket
import zlib
from collections.abc import Mapping
from typing import Any, Final

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from reconciler.transport import limits

# What an exchange and the reading of its answer can end with; those of requests are an OSError.
FAILURES: Final = (OSError, urllib3.exceptions.HTTPError, zlib.error)

_CHUNK: Final = 64 * 1024


def session(headers: Mapping[str, str], *, connections: int = 4) -> requests.Session:
    """Return a session that sends `headers`, and no credentials that are not among them."""
    made = requests.Session()
    made.headers.update({"User-Agent": "mlflow-reconciler", "Accept-Encoding": limits.ENCODINGS})
    # An `auth` of our own keeps requests from taking other credentials out of ~/.netrc.
    made.auth = _Headers(headers)
    for scheme in ("http://", "https://"):
        made.mount(scheme, _BoundedAdapter(pool_connections=4, pool_maxsize=connections))
    return made


def body(response: requests.Response, largest: int) -> bytes:
    """Return the body of a streamed answer, unpacked.

    Raises `TooLarge` and `OddEncoding` of `http_bounds` besides `FAILURES`.
    """
    encoding = response.headers.get("Content-Encoding", "")
    chunks = response.raw.stream(_CHUNK, decode_content=False)
    return limits.collected(chunks, encoding, largest)


def was_too_slow(error: BaseException) -> bool:
    """Return whether a failure is that of an answer which did not end in time."""
    return isinstance(root(error), limits.TooSlow)


def lacks_certificates(error: BaseException) -> bool:
    """Return whether nothing was sent because a file of certificates that was named is not there."""
    # requests has no kind of its own for it; what the system says has a number.
    return type(error) is OSError and error.errno is None


def never_connected(error: BaseException) -> bool:
    """Return whether the failure came before the request could have been sent."""
    if isinstance(error, (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError)):
        return True
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", None)
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def root(error: BaseException) -> BaseException:
    """Return what a failure began with."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return error


class _Headers(requests.auth.AuthBase):
    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


# A server with several workers answers in two packets and waits, with Nagle's algorithm, for the
# first to be acknowledged; the kernel delays that by 40 ms unless it is told not to, each time.
_QUICK_ACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)


def _acknowledge_at_once(connection: HTTPConnection) -> None:
    if _QUICK_ACK is not None and connection.sock is not None:
        connection.sock.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)


class _QuickHTTPConnection(HTTPConnection):
    response_class = limits.BoundedResponse

    def getresponse(self) -> Any:  # noqa: ANN401  as urllib3 passes it on
        _acknowledge_at_once(self)
        return super().getresponse()


class _QuickHTTPSConnection(HTTPSConnection):
    response_class = limits.BoundedResponse

    def connect(self) -> None:
        super().connect()
        # Only who asked for it gets a connection without a check of certificates: no warning on
        # each request, for which a filter would have to be set for the whole process.
        self.is_verified = True

    def getresponse(self) -> Any:  # noqa: ANN401  as urllib3 passes it on
        _acknowledge_at_once(self)
        return super().getresponse()


class _QuickHTTPPool(HTTPConnectionPool):
    ConnectionCls = _QuickHTTPConnection


class _QuickHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _QuickHTTPSConnection


_POOLS: Final = {"http": _QuickHTTPPool, "https": _QuickHTTPSPool}


class _BoundedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  passed on
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:  # noqa: ANN401  passed on
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):  # those have pools of their own
            manager.pool_classes_by_scheme = _POOLS
        return manager
