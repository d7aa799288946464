"""Asks the servers of a source, all within one bound of time and each within one of size."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from reconciler.core.uris import safe_uri
from reconciler.transport import client, limits
from reconciler.transport.measurements.unmeasured import Unmeasured
from reconciler.transport.network import network

LARGEST: Final = 1024 * 1024
_TOKEN: Final = re.compile(r"[!-~]+")
_REFUSALS: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class BearerToken:
    """A token, and the variable that it comes from."""

    variable: str
    text: str

    def hidden_in(self, text: str) -> str:
        """Return the text of a server without this token."""
        return text.replace(self.text, "***")


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """The answer of a server; `where` is its URL for messages."""

    where: str
    status: int
    body: bytes


class Exchange:
    """Sends few requests within `seconds` in all; raises `Unmeasured` where no answer comes.

    `environ` names proxies and certificate authorities, and has the tokens.
    """

    def __init__(self, environ: Mapping[str, str], seconds: float) -> None:
        self._environ = environ
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def token(self, variable: str | None) -> BearerToken | None:
        """Return the token in a variable, None without a variable."""
        if variable is None:
            return None
        text = self._environ.get(variable, "").strip()
        if not text:
            raise Unmeasured(f"the variable `{variable}` is not set")
        if not _TOKEN.fullmatch(text):
            raise Unmeasured(f"the variable `{variable}` does not hold a token")
        return BearerToken(variable, text)

    def ask(
        self, url: str, token: BearerToken | None, form: Mapping[str, str] | None = None
    ) -> ServerAnswer:
        """Return the answer to a GET, or with `form` to a POST."""
        where = _shown(url)
        left = self._end - time.monotonic()
        if left <= 0:
            raise Unmeasured(f"{where} was not asked: {self._seconds:g} s had passed")
        way = network(url, self._environ)
        headers = {"Accept": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.text}"
        try:
            with (
                limits.within(left),
                client.session(headers, way) as session,
                session.request(
                    "GET" if form is None else "POST",
                    url,
                    data=form,
                    timeout=left,
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                _require_welcome(where, response.status_code, token)
                return ServerAnswer(where, response.status_code, client.body(response, LARGEST))
        except limits.TooLarge:
            raise Unmeasured(f"{where} answered with more than {LARGEST:,} bytes") from None
        except limits.OddEncoding:
            raise Unmeasured(f"{where} answered in an encoding that was not requested") from None
        except client.FAILURES as error:
            why = client.why_failed(error, way, self._seconds)
            raise Unmeasured(f"{where}: {why}") from None


def _shown(url: str) -> str:
    """Return a URL without credentials, and without its query, which may have some."""
    return re.split(r"[?#]", safe_uri(url), maxsplit=1)[0]


def _require_welcome(where: str, status: int, token: BearerToken | None) -> None:
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise Unmeasured(f"{where} answered {status}, and redirects are never followed")
    if status in _REFUSALS:
        way_in = f"see the token in `{token.variable}`" if token else "name one with `token:`"
        raise Unmeasured(f"{where} answered {status}: it wants a token ({way_in})")
