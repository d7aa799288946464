"""Maps MLflow's errors to our error classes, one for each possible next action."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from reconciler.core.uris import safe_uri
from reconciler.errors import (
    AnswerLost,
    Conflict,
    Forbidden,
    NotFound,
    RegistryError,
    Rejected,
    Unavailable,
)
from reconciler.transport.retry_after import retry_after

_LONGEST_MESSAGE: Final = 1000
_LARGEST_ERROR: Final = 4 * 1024 * 1024  # bytes; a message may quote a whole statement
_MISSING: Final = frozenset({"RESOURCE_DOES_NOT_EXIST", "RESOURCE_NOT_FOUND"})
_NOT_KNOWN: Final = "UNAUTHENTICATED"
_NOT_ALLOWED: Final = frozenset({"PERMISSION_DENIED", "CUSTOMER_UNAUTHORIZED"})
_LATER: Final = frozenset({"TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED"})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_NOT_DONE: Final = frozenset({429, 503})
_MAYBE_DONE: Final = frozenset({408, 502, 504})
_NO_SUCH_PAGE: Final = frozenset({404, 405})
_UNIQUE: Final = re.compile(
    r"UNIQUE constraint|UniqueViolation|duplicate key|\b1062\b", re.IGNORECASE
)
# It begins the server's own words, after the URI; elsewhere it may be the name of a model.
_ABOUT_WORKSPACE: Final = re.compile(r"\S+( answered \d+)?: (\w+: )?Workspace (name )?'")

# What nginx, Go's servers and Apache say to a plain request on their port for TLS.
_NEEDS_TLS: Final = re.compile(
    rb"plain HTTP request was sent to HTTPS|HTTP request to an HTTPS server|speaking plain HTTP"
)
_LARGEST_HINT: Final = 4096

LOG_IN_HINT: Final = (
    "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN; where "
    "they are set, they are wrong"
)
PERMISSION_HINT: Final = "these credentials lack a permission there (READ to plan, EDIT to apply)"
NO_WORKSPACES_HINT: Final = (
    "this server has no workspaces: unset MLFLOW_WORKSPACE, or remove `workspace:` from "
    "reconciler.yaml"
)
NAME_SERVER_HINT: Final = "name its MLflow server: only there a workspace can be selected"
WORKSPACE_HINT: Final = "check MLFLOW_WORKSPACE, and `workspace:` in reconciler.yaml"
LOGIN_PAGE_HINT: Final = (
    "a gateway that asks for a login needs MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and "
    "MLFLOW_TRACKING_PASSWORD, or its plugin of the group `mlflow.request_header_provider`"
)
WRONG_PATH_HINT: Final = "is this the URI of an MLflow server, with its path prefix if it has one?"


def from_status(where: str, status: int, headers: Mapping[str, str], body: bytes) -> RegistryError:
    """Return the error for an answer other than 200; `where` is a URI without credentials."""
    code, said = _said(body)
    message = f"{where} answered {status}" + (f": {said}" if said else "")
    if status in _REDIRECTS:
        return _redirected(where, status, headers)
    if status == HTTPStatus.BAD_REQUEST and _NEEDS_TLS.search(body[:_LARGEST_HINT]):
        hint = f"use `https{where.removeprefix('http')}`"
        return Rejected(f"{where} answered {status}: it speaks HTTPS", hint=hint)
    if status == HTTPStatus.UNAUTHORIZED:
        return Forbidden(message, hint=LOG_IN_HINT, is_known=False)
    if status == HTTPStatus.FORBIDDEN:
        return Forbidden(message, hint=PERMISSION_HINT)
    if status in _NOT_DONE:
        return Unavailable(message, retry_after=retry_after(headers.get("Retry-After")))
    if status in _MAYBE_DONE or (status >= HTTPStatus.INTERNAL_SERVER_ERROR and not code):
        return AnswerLost(message)
    if status in _NO_SUCH_PAGE and code not in _MISSING:
        return Rejected(f"{message}: it does not know this endpoint", hint=WRONG_PATH_HINT)
    return from_code(code, message)


def from_code(code: str, message: str) -> RegistryError:
    """Return the error for MLflow's `error_code`."""
    if _ABOUT_WORKSPACE.match(message):
        return Rejected(message, hint=WORKSPACE_HINT)
    if code == "FEATURE_DISABLED" and "workspaces" in message:
        return Rejected(message, hint=NO_WORKSPACES_HINT)
    if "Cannot disable workspaces" in message:  # of a database that is opened directly
        return Rejected(message, hint=NAME_SERVER_HINT)
    if code in _MISSING:
        return NotFound(message)
    if code == _NOT_KNOWN:
        return Forbidden(message, hint=LOG_IN_HINT, is_known=False)
    if code in _NOT_ALLOWED:
        return Forbidden(message, hint=PERMISSION_HINT)
    if code in _LATER:
        return Unavailable(message)
    # The SQL statement that follows quotes the values, which may be secret.
    if code == "BAD_REQUEST" and _UNIQUE.search(message.partition("[SQL:")[0]):
        return Conflict(message)
    return Rejected(message)


def shortened(text: str) -> str:
    """Return the start of a message, which may quote whole statements."""
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"


def _redirected(where: str, status: int, headers: Mapping[str, str]) -> RegistryError:
    # The query of a login page's URL contains one-time tokens.
    to = safe_uri(headers.get("Location", "").partition("?")[0]) or "nowhere"
    message = f"{where} answered {status} and sends to {to}; redirects are never followed"
    if where.startswith("http://") and to.startswith(f"https{where.removeprefix('http')}"):
        return RegistryError(message, hint=f"use https{where.removeprefix('http')}")
    return RegistryError(message, hint=f"{LOGIN_PAGE_HINT}; otherwise: {WRONG_PATH_HINT}")


def _said(body: bytes) -> tuple[str, str]:
    """Return MLflow's error code and message; plain text is a message, HTML is ignored."""
    text = body[:_LARGEST_ERROR].decode("utf-8", errors="replace").strip()
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return "", "" if text.startswith("<") else shortened(text)
    if not isinstance(answer, dict):
        return "", shortened(text)
    code, message = _text(answer.get("error_code")), _text(answer.get("message"))
    return code, shortened(message or code)


def _text(value: object) -> str:
    # Not `str` of it: a list may nest too deeply for that.
    return value if isinstance(value, str) else ""
