"""Sends requests to a forge's API, and translates failures."""

import json
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final, Literal, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import requests
import tenacity

from reconciler.core.uris import safe_uri
from reconciler.errors import ForgeError
from reconciler.forges.error_mapping import Later, Lost, Missing, NotSent, refusal
from reconciler.registries.auth import redact
from reconciler.transport import client, limits
from reconciler.transport.network import network

_PAGES: Final = 100  # with 100 rows each
_TRIES: Final = 5
_LONGEST_PAUSE: Final = 8.0
# A hundred comments of six bytes a character: nobody may stop a job by long comments.
_LARGEST_ANSWER: Final = 64 * 1024 * 1024
_NO_ADDRESS: Final = (
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
)
_SLOWEST: Final = 2  # times the timeout for silence: the limit for a whole answer

Method: TypeAlias = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a forge's API, and our credentials."""

    forge: str
    api: str
    token: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    authorities: str | None = None  # a file with certificates; by default those of `environ`
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)  # names proxies, too


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    following: Mapping[str, str] | None  # the query of the next page


class ForgeHttp:
    """Sends requests to one API, and the token nowhere else.

    A request that was not executed is repeated for up to `patience` seconds. One that may have been
    executed is repeated too, unless it was a POST, which could create a second comment.
    """

    def __init__(self, address: Address, *, timeout: float = 20.0, patience: float = 30.0) -> None:
        self._forge = address.forge
        self._api = safe_uri(address.api).rstrip("/")
        self._token = address.token
        self._timeout = timeout
        self._patience = patience
        self._way = network(self._api, address.environ)
        if address.authorities:
            self._way = replace(self._way, authorities=address.authorities)
        self._session = client.session({"Authorization": f"Bearer {address.token}"}, self._way)
        self._session.headers.update(address.headers)

    def get(self, path: str, *, needs: str) -> object:
        """Return the answer to a GET; `needs` is the permission to name in a refusal."""
        return self._json(self._patiently("GET", f"{self._api}/{path}", needs=needs))

    def rows(
        self,
        path: str,
        *,
        needs: str,
        params: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> list[object]:
        """Return the rows of all pages of a listing: the answer itself, or its `key`."""
        # Only the query of a link to the next page is used: it cannot lead to another host.
        query: Mapping[str, str] = {"per_page": "100", **(params or {})}
        collected: list[object] = []
        for _ in range(_PAGES):
            answer = self._patiently("GET", f"{self._api}/{path}", needs=needs, params=query)
            collected += self._listed(answer, key)
            if answer.following is None:
                return collected
            query = answer.following
        raise ForgeError(f"{self._forge} lists more than {_PAGES * 100:,} rows at `{path}`")

    def write(
        self,
        method: Literal["POST", "PATCH", "PUT"],
        path: str,
        body: Mapping[str, object],
        *,
        needs: str,
    ) -> object:
        """Send a write and return the answer."""
        return self._json(self._patiently(method, f"{self._api}/{path}", needs=needs, body=body))

    def delete(self, path: str, *, needs: str) -> None:
        """Delete a resource; do nothing when it does not exist."""
        with suppress(Missing):
            self._patiently("DELETE", f"{self._api}/{path}", needs=needs)

    def query(self, text: str, variables: Mapping[str, object], *, needs: str) -> object:
        """Return the data that answers a GraphQL query (never a mutation)."""
        # The endpoint is next to the REST API; api.github.com has no version in its path.
        url = self._api.removesuffix("/v3").removesuffix("/v4") + "/graphql"
        body = {"query": text, "variables": variables}
        answer = self._json(self._patiently("POST", url, needs=needs, body=body, is_read=True))
        data = answer.get("data") if isinstance(answer, dict) else None
        if data is None or (isinstance(answer, dict) and answer.get("errors")):
            said = redact(json.dumps(answer, ensure_ascii=False)[:500], [self._token])
            raise ForgeError(f"{self._forge} did not answer a query: {said}", hint=needs)
        return data

    def _listed(self, answer: _Answer, key: str | None) -> list[object]:
        parsed = self._json(answer)
        if key is not None and isinstance(parsed, dict):
            parsed = parsed.get(key)
        if not isinstance(parsed, list):
            raise ForgeError(f"{self._forge} answered with something other than a list")
        return parsed

    def _patiently(
        self,
        method: Method,
        url: str,
        *,
        needs: str,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        is_read: bool = False,
    ) -> _Answer:
        again = NotSent if method == "POST" and not is_read else Later
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(again),
            wait=_pause,
            stop=self._is_enough,
            reraise=True,
        )
        return retrying(lambda: self._exchange(method, url, needs, params, body))

    def _is_enough(self, state: tenacity.RetryCallState) -> bool:
        spent = (state.seconds_since_start or 0.0) + state.upcoming_sleep
        return spent > self._patience or state.attempt_number >= _TRIES

    def _exchange(
        self,
        method: Method,
        url: str,
        needs: str,
        params: Mapping[str, str] | None,
        body: Mapping[str, object] | None,
    ) -> _Answer:
        try:
            with (
                limits.within(self._timeout * _SLOWEST),
                self._session.request(
                    method,
                    url,
                    params=params,
                    json=body,
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                answer = _Answer(
                    response.status_code, response.headers, self._body(response), _next(response)
                )
        except client.FAILURES as error:
            raise self._failure(error) from error
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return answer
        what = f"{method} {urlsplit(url).path}"
        raise refusal(
            self._forge,
            what,
            answer.status,
            answer.headers,
            answer.body,
            needs=needs,
            token=self._token,
        )

    def _body(self, response: requests.Response) -> bytes:
        try:
            return client.body(response, _LARGEST_ANSWER)
        except limits.TooLarge as error:
            message = f"{self._forge} answered with more than {_LARGEST_ANSWER} bytes"
            raise ForgeError(message) from error
        except limits.OddEncoding as error:
            message = f"{self._forge} answered in an encoding that was not requested"
            raise ForgeError(message) from error

    def _json(self, answer: _Answer) -> object:
        try:
            parsed: object = json.loads(answer.body)
        except (ValueError, RecursionError):
            message = f"{self._forge} ({self._api}) did not answer with JSON: is this a login page?"
            raise ForgeError(message) from None
        return parsed

    def _failure(self, error: Exception) -> ForgeError:
        """Return our error without quoting the library's, whose text contains whole URLs."""
        where = f"{self._forge} ({self._api})"
        if proxy := client.why_no_proxy(error, self._way):
            return NotSent(f"cannot connect to {where}: {proxy}")
        if client.was_too_slow(error):
            return Lost(f"{where} did not finish its answer in {self._timeout * _SLOWEST:g} s")
        if isinstance(error, requests.exceptions.SSLError):
            return ForgeError(
                f"the encrypted connection to {where} failed: its certificate is not trusted",
                hint="name the authority's certificate in REQUESTS_CA_BUNDLE",
            )
        if client.lacks_certificates(error):
            return ForgeError(f"cannot connect to {where}: {error}", hint="set REQUESTS_CA_BUNDLE")
        if isinstance(error, _NO_ADDRESS):
            return ForgeError(f"`{self._api}` is not the URL of a server")
        if isinstance(error, requests.exceptions.ReadTimeout):
            return Lost(f"{where} did not answer within {self._timeout:g} s")
        if client.never_connected(error):
            return NotSent(f"cannot connect to {where}")
        return Lost(f"the connection to {where} broke")


def _next(response: requests.Response) -> Mapping[str, str] | None:
    url = response.links.get("next", {}).get("url")
    return dict(parse_qsl(urlsplit(url).query)) if url else None


def _pause(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, Later) else None
    backoff = min(0.2 * 3.0 ** (state.attempt_number - 1), _LONGEST_PAUSE)
    return max(backoff, asked or 0.0) * random.uniform(1.0, 1.25)  # noqa: S311  jitter, no secret
