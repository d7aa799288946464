"""Creates HTTP sessions with answers bounded in time and size, and classifies their failures."""

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

# The errors of an exchange and of reading its answer; requests' own errors are an OSError.
FAILURES: Final = (OSError, urllib3.exceptions.HTTPError, zlib.error)

_CHUNK: Final = 64 * 1024


def session(headers: Mapping[str, str], *, connections: int = 4) -> requests.Session:
    """Return a session that sends `headers`, and no credentials from anywhere else."""
    made = requests.Session()
    made.headers.update({"User-Agent": "mlflow-reconciler", "Accept-Encoding": limits.ENCODINGS})
    # An `auth` of our own keeps requests from taking other credentials out of ~/.netrc.
    made.auth = _Headers(headers)
    for scheme in ("http://", "https://"):
        made.mount(scheme, _BoundedAdapter(pool_connections=4, pool_maxsize=connections))
    return made


def body(response: requests.Response, largest: int) -> bytes:
    """Return the body of a streamed answer, unpacked.

    Raises `TooLarge` and `OddEncoding` of `limits` besides `FAILURES`.
    """
    encoding = response.headers.get("Content-Encoding", "")
    chunks = response.raw.stream(_CHUNK, decode_content=False)
    return limits.collected(chunks, encoding, largest)


def was_too_slow(error: BaseException) -> bool:
    """Return whether a failure means that an answer did not end in time."""
    return isinstance(root(error), limits.TooSlow)


def lacks_certificates(error: BaseException) -> bool:
    """Return whether nothing was sent because a certificate file does not exist."""
    # requests has no class for this error; an error of the system has a number.
    return type(error) is OSError and error.errno is None


def never_connected(error: BaseException) -> bool:
    """Return whether a failure happened before the request could be sent."""
    if isinstance(error, (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError)):
        return True
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", None)
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def root(error: BaseException) -> BaseException:
    """Return the first error in the chain of a failure."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return error


class _Headers(requests.auth.AuthBase):
    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


# A server with several workers answers in two packets and, by Nagle's algorithm, waits until the
# first is acknowledged. The kernel delays that by 40 ms each time, unless this option is set.
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
        # Certificates are unchecked only where the user asked for that. Without this, each request
        # would warn, and only a filter for the whole process could silence it.
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
        if not proxy.lower().startswith("socks"):  # SOCKS has pools of its own
            manager.pool_classes_by_scheme = _POOLS
        return manager
