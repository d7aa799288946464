"""Sends messages to a webhook in bounded time; its secret URL never appears in a message."""

import base64
import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import requests

from reconciler.core.uris import credentials_in
from reconciler.transport import client, limits
from reconciler.transport.network import Network, network
from reconciler.transport.retry_after import retry_after

TIMEOUT: Final = 5.0

_URL: Final = re.compile(r"[!-\[\]-~]{1,2000}")  # no spaces, no `\`
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Miss:
    """Why a message did not arrive; `again`: worth a retry; `away`: no server answered."""

    why: str
    again: bool = False
    away: bool = False
    pause: float = _PAUSE


class WebhookClient:
    """Sends to one webhook within `seconds` in all; `over` ends the wait for a retry.

    `environ` names proxies and certificate authorities.
    """

    def __init__(
        self, url: str, environ: Mapping[str, str], *, seconds: float, over: threading.Event
    ) -> None:
        self._url = url
        self._end = time.monotonic() + seconds
        self._over = over
        # Plain HTTP is allowed for this machine only, so it must not use a proxy.
        self._way = network(url, environ) if urlsplit(url).scheme == "https" else Network()
        headers = {"Content-Type": "application/json", **_basic(url)}
        self._session = client.session(headers, self._way)

    def tell(self, message: Mapping[str, object]) -> Miss | None:
        """Send a message; retry once when it was lost or refused temporarily.

        Returns why it did not arrive, None when it did.
        """
        body = json.dumps(message).encode()
        miss = self._send(body)
        if miss is None or not miss.again or miss.pause > min(_LONGEST_PAUSE, self._left):
            return miss
        self._over.wait(miss.pause)
        return miss if self._over.is_set() else self._send(body)

    @property
    def _left(self) -> float:
        return self._end - time.monotonic()

    def _send(self, body: bytes) -> Miss | None:
        seconds = min(TIMEOUT, self._left)
        if seconds <= 0 or self._over.is_set():
            return Miss("there was no time left", away=True)
        try:
            with (
                limits.within(seconds),
                self._session.post(
                    self._url, data=body, timeout=seconds, allow_redirects=False, stream=True
                ) as response,
            ):
                return _judged(response)
        except client.FAILURES as error:
            return _failure(error, self._way)


def is_webhook_url(text: str) -> bool:
    """Return whether a text is a valid webhook URL: https, or http on this machine."""
    if not _URL.fullmatch(text):
        return False
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in _HERE))


def _basic(url: str) -> Mapping[str, str]:
    """Return the header for the user and password in a URL."""
    credentials = credentials_in(url)
    if credentials is None:
        return {}
    encoded = base64.b64encode(":".join(credentials).encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


def _judged(response: requests.Response) -> Miss | None:
    """Return the failure of a response by its status; its body may repeat the URL."""
    status = response.status_code
    why = f"it answered {status}"
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return Miss(f"{why}, and redirects are never followed")
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        asked = retry_after(response.headers.get("Retry-After"))
        return Miss(why, again=True, pause=_PAUSE if asked is None else asked)
    return Miss(why)


def _failure(error: Exception, way: Network) -> Miss:
    why = client.why_failed(error, way, TIMEOUT)
    if client.why_no_proxy(error, way):
        return Miss(why, again=True, away=True)
    if isinstance(error, requests.exceptions.SSLError) or client.lacks_certificates(error):
        return Miss(why)
    # The message may have arrived: a retry could send it twice.
    return Miss(why, again=not client.is_late(error), away=True)
