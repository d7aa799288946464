"""Maps failed answers to errors: not executed, perhaps executed, or refused."""

import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from reconciler.errors import ForgeError
from reconciler.registries.auth import redact
from reconciler.transport.retry_after import retry_after

_LONGEST_MESSAGE: Final = 500
_SECONDARY_WAIT: Final = 60.0  # GitHub recommends a minute where it sends no header

LOG_IN_HINT: Final = (
    "set RECONCILER_FORGE_TOKEN, or the job's own: GITHUB_TOKEN on GitHub, GITLAB_TOKEN on GitLab"
)


class Later(ForgeError):
    """The forge cannot answer now; `retry_after` is the wait that it requests, in seconds."""

    def __init__(
        self, message: str, *, hint: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class NotSent(Later):
    """The request was not executed."""


class Lost(Later):
    """The request may or may not have been executed."""


class Missing(ForgeError):
    """The resource does not exist, or this token may not see it."""


class AlreadyOpen(ForgeError):
    """A pull request of that branch is open, and no second one was opened."""


def refusal(
    forge: str,
    what: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    needs: str,
    token: str,
) -> ForgeError:
    """Return the error for an answer; `needs` names the permission that a job may lack."""
    said = redact(_said(body), [token])
    message = f"{forge} answered {status} to {what}" + (f": {said}" if said else "")
    if _is_limit(status, headers, said):
        return NotSent(message, retry_after=_wait(headers))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return Lost(message, retry_after=retry_after(headers.get("Retry-After")))
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return ForgeError(f"{message}: redirects are never followed", hint=_MOVED_HINT)
    if status == HTTPStatus.UNAUTHORIZED:
        return ForgeError(message, hint=LOG_IN_HINT)
    if status == HTTPStatus.FORBIDDEN:
        return ForgeError(message, hint=f"the job needs {needs}")
    if status == HTTPStatus.NOT_FOUND:
        return Missing(message, hint=f"it does not exist, or the job lacks {needs}")
    return ForgeError(message)


_MOVED_HINT: Final = "was the repository renamed? Name it, or its API, as it is now"


def _is_limit(status: int, headers: Mapping[str, str], said: str) -> bool:
    """Return whether the answer is a rate limit, for which GitHub also uses 403."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    return status == HTTPStatus.FORBIDDEN and (
        "Retry-After" in headers
        or headers.get("X-RateLimit-Remaining") == "0"
        or "secondary rate limit" in said.lower()
    )


def _wait(headers: Mapping[str, str]) -> float:
    asked = retry_after(headers.get("Retry-After"))
    if asked is not None:
        return asked
    reset = headers.get("X-RateLimit-Reset", "")
    if headers.get("X-RateLimit-Remaining") == "0" and reset.isdecimal():
        return max(0.0, int(reset) - time.time())
    return _SECONDARY_WAIT


def _said(body: bytes) -> str:
    """Return the forge's message: GitHub's `message` and `errors`, GitLab's in any form."""
    text = body.decode("utf-8", errors="replace").strip()
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        answer = "" if text.startswith("<") else text
    if isinstance(answer, dict):
        parts = [answer.get(key) for key in ("message", "error", "errors")]
        answer = "; ".join(_plain(part) for part in parts if part)
    said = _plain(answer)
    return said if len(said) <= _LONGEST_MESSAGE else f"{said[:_LONGEST_MESSAGE]}…"


def _plain(part: object) -> str:
    return part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)
