"""Sends one HTTP request at a time to a registry, and translates failures."""

import json
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final, TypeVar

import requests
import tenacity

from reconciler.core.uris import safe_uri
from reconciler.errors import AnswerLost, RegistryError, Unavailable
from reconciler.registries.auth import WORKSPACE_HEADER, Access, redact
from reconciler.registries.error_mapping import LOGIN_PAGE_HINT, from_status, shortened
from reconciler.registries.plugins import HeaderPlugins, signature
from reconciler.transport import client, limits
from reconciler.transport.network import network

_CONNECTIONS: Final = 16
_SLOWEST: Final = 2  # times the timeout for silence: the limit for a whole answer
_PIECE: Final = 1024 * 1024
_SLOWEST_STORE: Final = 8 * 1024 * 1024  # bytes a second, behind a server that passes it on
_LARGEST_ANSWER: Final = 16 * 1024 * 1024
_MOST_PARTS: Final = 1_000_000  # 100 bytes or more each as Python objects
_LONGEST_PAUSE: Final = 8.0
_TRIES_TO_CONNECT: Final = 3  # a wrong URI fails within seconds
_TRIES_TO_READ: Final = 4
_TRIES_FOR_A_FILE: Final = 2  # a broken artifact store answers 500 each time
_CERTIFICATE_HINT: Final = "name the authority's certificate in MLFLOW_TRACKING_SERVER_CERT_PATH"
# Both listings are read at once. The text of one answer must be freed before the next is parsed;
# Python parses only one at a time anyway.
_parsing = threading.Lock()

AnswerT = TypeVar("AnswerT")


class TooMuch(RegistryError):
    """The answer exceeds our limit; a smaller request may succeed."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A complete answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Http:
    """Sends requests to one server; safe to use from several threads.

    `environ` names proxies, authorities and what signs the requests; `warn` is told of plugins
    that fail.

    What only reads is repeated for up to `retry_for` seconds where no answer comes; any other
    request is sent exactly once.
    """

    def __init__(
        self,
        uri: str,
        access: Access,
        *,
        environ: Mapping[str, str],
        warn: Callable[[str], object],
        request_timeout: float,
        retry_for: float,
        stop: threading.Event | None = None,
    ) -> None:
        self.uri = safe_uri(uri).rstrip("/")
        self._access = access
        self._timeout = request_timeout
        self._retry_for = retry_for
        self.patience = max(_SLOWEST * request_timeout, retry_for)
        self._stop = stop or threading.Event()
        self._way = network(self.uri, environ)
        self._plugins = HeaderPlugins(warn)
        self._sign = signature(environ)
        self._session = client.session({}, self._way, connections=_CONNECTIONS, auth=self._complete)
        self._session.headers["Accept"] = "application/json"
        self._session.cert = access.cert
        if access.verify is not True:
            self._session.verify = access.verify
        self._sent = 0
        self._is_known = False  # that it speaks HTTP
        self._counting = threading.Lock()
        self.pace: float | None = None  # seconds of the fastest request

    @property
    def user(self) -> str | None:
        """The name in the credentials."""
        return self._access.user

    @property
    def is_signed_in(self) -> bool:
        """Return whether requests carry credentials."""
        return "Authorization" in self._access.headers

    @property
    def sent(self) -> int:
        """The number of requests that were sent."""
        return self._sent

    def close(self) -> None:
        """Close the connections that are kept for later requests."""
        self._session.close()

    def get(
        self, path: str, params: Mapping[str, str], *, largest: int = _LARGEST_ANSWER
    ) -> dict[str, Any]:
        """Return the JSON object that answers a GET, of at most `largest` bytes."""
        return self._json(self._patiently(path, params, largest=largest))

    def search(
        self, path: str, body: Mapping[str, Any], *, largest: int = _LARGEST_ANSWER
    ) -> dict[str, Any]:
        """Return the JSON object that answers a question that MLflow takes as a POST.

        It changes nothing, and is repeated as a GET is.
        """
        return self._json(self._patiently(path, {}, body=body, largest=largest))

    def file(self, path: str, params: Mapping[str, str], *, largest: int) -> bytes:
        """Return the file that answers a GET, of at most `largest` bytes."""
        return self._patiently(path, params, tries=_TRIES_FOR_A_FILE, largest=largest).body

    @contextmanager
    def stream(self, path: str, size: int | None) -> Iterator[Iterator[bytes]]:
        """Yield the pieces of a file that answers a GET, of `size` bytes where that is known.

        The answer may be as long as it likes, and each piece of it may take `patience` seconds: a
        slow link is not cut off, and an answer that trickles in ends.
        """
        # A server that passes on an object store begins to answer when it has the whole file.
        seconds = self.patience + (size or 0) / _SLOWEST_STORE
        response = self._repeated(lambda: self._begun(path, seconds), _TRIES_FOR_A_FILE)
        with response:
            yield self._pieces(response)

    @cached_property
    def _files(self) -> client.ManyGets:
        headers = {"Accept-Encoding": "identity", "Accept": "*/*"}
        return client.ManyGets(self._session, f"{self.uri}/", headers, self._complete)

    def _begun(self, path: str, seconds: float) -> requests.Response:
        """Return an answer whose body is not read yet; it begins within `seconds`."""
        with self._counting:
            self._sent += 1
        try:
            with limits.within(seconds):
                response = self._files.begin(path, timeout=(self._timeout, seconds))
            if response.status_code == HTTPStatus.OK:
                return response
            with response, limits.within(self.patience):
                body = self._body(response, _LARGEST_ANSWER)
        except client.FAILURES as error:
            raise self._failure(error) from error
        raise self._refusal(HttpAnswer(response.status_code, response.headers, body))

    def _pieces(self, response: requests.Response) -> Iterator[bytes]:
        while piece := self._piece(response):
            yield piece

    def _piece(self, response: requests.Response) -> bytes:
        try:
            with limits.within(self.patience):
                piece: bytes = response.raw.read(_PIECE, decode_content=False)
                return piece
        except client.FAILURES as error:
            if client.was_too_slow(error):
                message = f"{self.uri} sent less than a megabyte in {self.patience:g} s"
                hint = "on a slow link, a longer --timeout helps"
                raise AnswerLost(message, hint=hint) from error
            raise self._failure(error) from error

    def write(self, method: str, path: str, body: Mapping[str, str]) -> dict[str, Any]:
        """Send a write once and return the JSON object that answers it."""
        answer = self._exchange(method, path, body=body)
        if answer.status != HTTPStatus.OK:
            raise self._refusal(answer)
        return self._json(answer)

    def text(self, path: str) -> str | None:
        """Return the text that answers a GET, None when the server has no such page."""
        try:
            return self._patiently(path, {}).body.decode("utf-8", errors="replace")
        except (Unavailable, AnswerLost):
            raise
        except RegistryError:
            return None

    def _patiently(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        body: Mapping[str, Any] | None = None,
        tries: int = _TRIES_TO_READ,
        largest: int = _LARGEST_ANSWER,
    ) -> HttpAnswer:
        method = "GET" if body is None else "POST"

        def once() -> HttpAnswer:
            answer = self._exchange(method, path, params=params, body=body, largest=largest)
            if answer.status != HTTPStatus.OK:
                raise self._refusal(answer)
            return answer

        return self._repeated(once, tries)

    def _repeated(self, question: Callable[[], AnswerT], tries: int) -> AnswerT:
        """Return the answer to a GET, which is sent again where none came."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((Unavailable, AnswerLost)),
            wait=_pause,
            stop=lambda state: self._is_enough(state, tries),
            sleep=tenacity.sleep_using_event(self._stop),
            reraise=True,
        )
        return retrying(question)

    def _is_enough(self, state: tenacity.RetryCallState, tries: int) -> bool:
        error = state.outcome.exception() if state.outcome else None
        spent = (state.seconds_since_start or 0.0) + state.upcoming_sleep
        if self._stop.is_set() or spent > self._retry_for:
            return True
        if isinstance(error, AnswerLost):
            return state.attempt_number >= tries
        # An error with a cause came from below HTTP: the server did not answer 429 or 503.
        never_connected = error is not None and error.__cause__ is not None
        return never_connected and state.attempt_number >= _TRIES_TO_CONNECT

    def _exchange(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        largest: int = _LARGEST_ANSWER,
    ) -> HttpAnswer:
        with self._counting:
            self._sent += 1
        begun = time.monotonic()
        try:
            with (
                limits.within(self.patience),
                self._session.request(
                    method,
                    f"{self.uri}/{path}",
                    params=params,
                    json=body,
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                self._is_known = True
                content = self._body(response, largest)
                taken = time.monotonic() - begun
                self.pace = min(taken, self.pace or taken)
                return HttpAnswer(response.status_code, response.headers, content)
        except client.FAILURES as error:
            raise self._failure(error) from error

    def _complete(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add what MLflow's client adds, in its order: credentials count more than plugins."""
        request.headers.update(self._plugins.headers())
        request.headers.update(self._access.headers)
        completed = self._sign(request) if self._sign else request
        workspace = completed.headers.get(WORKSPACE_HEADER)
        if workspace != self._access.headers.get(WORKSPACE_HEADER):
            # Plans and records would not name it, and could not tell it from another one.
            message = (
                f"a plugin of MLflow's client selects the workspace `{workspace}` of {self.uri}"
            )
            raise RegistryError(message, hint=f"set MLFLOW_WORKSPACE={workspace}, or pin it")
        return completed

    def _body(self, response: requests.Response, largest: int) -> bytes:
        try:
            return client.body(response, largest)
        except limits.TooLarge as error:
            raise TooMuch(f"{self.uri} answered with more than {largest} bytes") from error
        except limits.OddEncoding as error:
            message = f"{self.uri} answered in the encoding `{shortened(str(error))}`"
            raise RegistryError(f"{message}, which was not requested") from error

    def _json(self, answer: HttpAnswer) -> dict[str, Any]:
        if sum(map(answer.body.count, (b",", b"[", b"{"))) > _MOST_PARTS:
            raise TooMuch(f"{self.uri} answered with more than {_MOST_PARTS:,} values")
        try:
            with _parsing:
                parsed = json.loads(answer.body)
        except (ValueError, RecursionError):
            parsed = None
        if isinstance(parsed, dict):
            return parsed
        found = "HTML" if answer.body.lstrip()[:1] == b"<" else "something else"
        message = f"{self.uri} answered with {found if answer.body else 'nothing'}"
        message = f"{message}, not MLflow's JSON: is this a login page?"
        raise RegistryError(message, hint=LOGIN_PAGE_HINT)

    def _refusal(self, answer: HttpAnswer) -> RegistryError:
        if answer.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED and self._way.proxy:
            hint = f"write them into {self._way.proxy.variable}, as http://USER:PASSWORD@HOST:PORT"
            return RegistryError(f"{self._way.proxy} asks for a user and a password", hint=hint)
        error = from_status(self.uri, answer.status, answer.headers, answer.body)
        error.message = redact(error.message, (*self._access.secrets, *self._plugins.sent))
        error.args = (error.message,)
        return error

    def _failure(self, error: Exception) -> RegistryError:
        """Return our error without quoting the library's, whose text contains whole URLs."""
        reason = _reason(error)
        if proxy := client.why_no_proxy(error, self._way):
            return Unavailable(f"cannot connect to {self.uri}: {proxy}")
        if client.was_too_slow(error):
            return AnswerLost(f"{self.uri} did not finish its answer in {self.patience:g} s")
        if client.lacks_certificates(error):
            said = error if type(error) is OSError else reason
            message = f"cannot connect to {self.uri}: {said}"
            return RegistryError(message, hint=_CERTIFICATE_HINT)
        if isinstance(error, requests.exceptions.SSLError):
            if isinstance(client.root(error), ssl.SSLCertVerificationError):
                message = f"the certificate of {self.uri} is not trusted: {reason}"
                return RegistryError(message, hint=_CERTIFICATE_HINT)
            message = f"the encrypted connection to {self.uri} failed: {reason}"
            if client.is_not_encrypted(error):
                hint = f"a server there speaks plain HTTP: try `{self._other_scheme}`"
                return RegistryError(message, hint=hint)
            return AnswerLost(message)
        if client.never_connected(error):
            return Unavailable(f"cannot connect to {self.uri}: {reason}")
        if isinstance(error, requests.exceptions.Timeout):
            return AnswerLost(f"{self.uri} did not answer within {self._timeout:g} s")
        if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema)):
            return RegistryError(f"`{self.uri}` is not the URL of a server")
        may_be_encrypted = not self._is_known and client.may_be_encrypted(error)
        is_suspect = may_be_encrypted and self.uri.startswith("http:")
        return AnswerLost(
            f"the connection to {self.uri} broke: {reason}",
            hint=f"if the server there speaks HTTPS: `{self._other_scheme}`"
            if is_suspect
            else None,
        )

    @property
    def _other_scheme(self) -> str:
        scheme, mark, rest = self.uri.partition("://")
        return f"{'http' if scheme == 'https' else 'https'}{mark}{rest}"


def _pause(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, Unavailable) else None
    backoff = min(0.25 * 2.0**state.attempt_number, _LONGEST_PAUSE)
    return max(backoff, asked or 0.0) * random.uniform(1.0, 1.25)  # noqa: S311  jitter, no secret


def _reason(error: Exception) -> str:
    root = client.root(error)
    if isinstance(root, ssl.SSLCertVerificationError):
        return root.verify_message
    if isinstance(root, ssl.SSLError):
        return (root.reason or "TLS error").replace("_", " ").lower()
    if isinstance(root, OSError) and root.strerror:
        return root.strerror.lower()
    return "no answer came" if isinstance(root, TimeoutError) else "the answer is not complete"
