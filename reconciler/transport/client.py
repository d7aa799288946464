"""Creates HTTP sessions with answers bounded in time and size, and classifies their failures."""

import http.client
import socket
import ssl
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, TypeAlias

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from reconciler.transport import limits
from reconciler.transport.network import Network

# The errors of an exchange and of reading its answer; requests' own errors are an OSError.
FAILURES: Final = (OSError, urllib3.exceptions.HTTPError, zlib.error)

_CHUNK: Final = 64 * 1024
_NOT_TLS: Final = frozenset(
    {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}
)
_EMPTY_FILE: Final = "NO_CERTIFICATE_OR_CRL_FOUND"
_TLS_ALERT: Final = "\x15\x03"


Auth: TypeAlias = Callable[[requests.PreparedRequest], requests.PreparedRequest]


def session(
    headers: Mapping[str, str],
    way: Network,
    *,
    connections: int = 4,
    auth: Auth | None = None,
) -> requests.Session:
    """Return a session that sends `headers`, and no credentials from anywhere else.

    `auth` completes each request after that. Proxies and authorities are those of `way`.
    """
    made = requests.Session()
    made.trust_env = False
    made.verify = way.authorities or True
    if way.proxy is not None:
        made.proxies = {"all": way.proxy.url}
    made.headers.update({"User-Agent": "mlflow-reconciler", "Accept-Encoding": limits.ENCODINGS})
    # An `auth` of our own keeps requests from taking other credentials out of ~/.netrc.
    made.auth = _Headers(headers, auth)
    for scheme in ("http://", "https://"):
        made.mount(scheme, _BoundedAdapter(pool_connections=4, pool_maxsize=connections))
    return made


class ManyGets:
    """GETs of one server below one URL; what is the same for all of them is prepared once.

    A session would prepare each request anew, and that is much of the work for a small file.
    `auth` completes each one.
    """

    def __init__(
        self, session: requests.Session, url: str, headers: Mapping[str, str], auth: Auth
    ) -> None:
        self._session = session
        self._auth = auth
        request = requests.Request("GET", url, headers=headers, auth=lambda unsigned: unsigned)
        self._prepared = session.prepare_request(request)

    def begin(self, path: str, *, timeout: tuple[float, float]) -> requests.Response:
        """Return an answer whose body is not read yet; `path` is quoted, and has no query."""
        request = self._prepared.copy()
        request.url = f"{self._prepared.url}{path}"
        return self._session.send(
            self._auth(request), timeout=timeout, allow_redirects=False, stream=True
        )


def body(response: requests.Response, largest: int) -> bytes:
    """Return the body of a streamed answer, unpacked.

    Raises `TooLarge` and `OddEncoding` of `limits` besides `FAILURES`.
    """
    encoding = response.headers.get("Content-Encoding", "")
    chunks = response.raw.stream(_CHUNK, decode_content=False)
    return limits.collected(chunks, encoding, largest)


def why_failed(error: BaseException, way: Network, seconds: float) -> str:
    """Return why no answer came, without quoting the error, whose text contains the URL."""
    if proxy := why_no_proxy(error, way):
        return proxy
    if lacks_certificates(error):
        return "a file of certificates is missing, or has none"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted, or the encrypted connection failed"
    if is_late(error):
        return f"it did not answer within {seconds:g} s"
    return "it could not be reached" if never_connected(error) else "the connection broke"


def is_late(error: BaseException) -> bool:
    """Return whether a failure means that the request may have arrived, and no answer in time."""
    return was_too_slow(error) or isinstance(error, requests.exceptions.ReadTimeout)


def was_too_slow(error: BaseException) -> bool:
    """Return whether a failure means that an answer did not end in time."""
    return isinstance(root(error), limits.TooSlow)


def lacks_certificates(error: BaseException) -> bool:
    """Return whether nothing was sent because a file of certificates is missing, or has none."""
    cause = root(error)
    if isinstance(cause, ssl.SSLError) and cause.reason == _EMPTY_FILE:
        return True
    # requests has no class for this error; an error of the system has a number.
    return type(error) is OSError and error.errno is None


def never_connected(error: BaseException) -> bool:
    """Return whether a failure happened before the request could be sent."""
    if isinstance(error, (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError)):
        return True
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", None)
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def why_no_proxy(error: BaseException, way: Network) -> str | None:
    """Return why the proxy could not be used, None where it is not to blame."""
    if way.proxy is None:
        return None
    if isinstance(error, requests.exceptions.InvalidURL) and not _is_url(way.proxy.url):
        return f"{way.proxy} is not the URL of a proxy"
    if isinstance(error, requests.exceptions.InvalidSchema) and "SOCKS" in str(error):
        return f'{way.proxy} needs a package that is not installed: pip install "requests[socks]"'
    if isinstance(error, requests.exceptions.ProxyError) or never_connected(error):
        # "Tunnel connection failed: 407 …" is the proxy's own answer.
        said = getattr(root(error), "strerror", None) or str(root(error))
        return f"{way.proxy} does not let it through: {said.lower()}"
    return None


def _is_url(text: str) -> bool:
    with suppress(urllib3.exceptions.LocationParseError):
        return bool(urllib3.util.parse_url(text).host)
    return False


def is_not_encrypted(error: BaseException) -> bool:
    """Return whether the answer to a TLS handshake was no TLS: the server speaks plain HTTP."""
    cause = root(error)
    return isinstance(cause, ssl.SSLError) and cause.reason in _NOT_TLS


def may_be_encrypted(error: BaseException) -> bool:
    """Return whether a plain request was answered by a TLS alert, or by nothing but the end."""
    cause = root(error)
    if isinstance(cause, http.client.RemoteDisconnected):
        return True
    return isinstance(cause, http.client.BadStatusLine) and _TLS_ALERT in str(cause)


def root(error: BaseException) -> BaseException:
    """Return the first error in the chain of a failure."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return error


class _Headers(requests.auth.AuthBase):
    def __init__(self, headers: Mapping[str, str], after: Auth | None) -> None:
        self._headers = headers
        self._after = after

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return self._after(request) if self._after else request


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
