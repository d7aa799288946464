"""Completes requests as MLflow's client does: with the headers of plugins, and with signatures.

Plugins are entry points of installed packages. Whatever one raises is told with its name.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from reconciler.errors import RegistryError, Unavailable
from reconciler.registries.error_mapping import shortened
from reconciler.registries.lent_environment import importing_quietly

HEADERS: Final = "mlflow.request_header_provider"
AUTHORISATION: Final = "mlflow.request_auth_provider"
_AUTH: Final = "MLFLOW_TRACKING_AUTH"
_SIGV4: Final = "MLFLOW_TRACKING_AWS_SIGV4"
_KUBERNETES: Final = frozenset({"kubernetes", "kubernetes-namespaced"})  # MLflow's own

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# A value of its own would end the body of a request elsewhere than where it ends.
_OF_THE_BODY: Final = frozenset({"content-length", "transfer-encoding"})
_CREDENTIALS: Final = re.compile(r"(?<=://)[^\s/@]*@")

Sign: TypeAlias = Callable[[Any], Any]


class HeaderPlugins:
    """The providers of headers, loaded by the first request; thread-safe.

    A provider that fails is left out, as in MLflow's client, and `warn` is told once.
    """

    def __init__(self, warn: Callable[[str], object]) -> None:
        self._warn = warn
        self._warned: set[str] = set()
        self._loading = threading.Lock()
        self._providers: tuple[tuple[str, Any], ...] | None = None
        self.sent: frozenset[str] = frozenset()  # values, which no message may repeat

    def headers(self) -> Mapping[str, str]:
        """Return the headers for one request; several values for a header are joined."""
        found: dict[str, str] = {}
        for name, provider in self._loaded():
            for header, value in self._of(name, provider).items():
                found[header] = f"{found[header]} {value}" if header in found else value
        self.sent |= frozenset(found.values())
        return found

    def _loaded(self) -> tuple[tuple[str, Any], ...]:
        with self._loading:
            if self._providers is None:
                self._providers = tuple(self._load())
            return self._providers

    def _load(self) -> Iterator[tuple[str, Any]]:
        for plugin in sorted(entry_points(group=HEADERS), key=lambda one: one.name):
            if (provider := self._provider(plugin)) is not None:
                yield plugin.name, provider

    def _provider(self, plugin: EntryPoint) -> Any:  # noqa: ANN401  a plugin's own
        try:
            return _made(plugin)
        except Exception as error:  # noqa: BLE001  a plugin may raise anything
            self._tell(_failure(plugin.name, HEADERS, error))
            return None

    def _of(self, name: str, provider: Any) -> Mapping[str, str]:  # noqa: ANN401  a plugin's own
        try:
            headers = dict(provider.request_headers()) if provider.in_context() else {}
        except Exception as error:  # noqa: BLE001  as above
            self._tell(_failure(name, HEADERS, error))
            return {}
        odd = [header for header, value in headers.items() if not _is_sendable(header, value)]
        if odd:
            self._tell(f"the plugin `{name}` ({HEADERS}) made a header that cannot be sent")
        return {header: value for header, value in headers.items() if header not in odd}

    def _tell(self, sentence: str) -> None:
        if sentence not in self._warned:
            self._warned.add(sentence)
            self._warn(sentence)


def signature(environ: Mapping[str, str]) -> Sign | None:
    """Return what signs a request by SigV4 or by a plugin, None where nothing does."""
    if environ.get(_SIGV4, "").strip().lower() in {"1", "true"}:
        return _guarded(_sigv4(environ), f"`{_SIGV4}`")
    name = environ.get(_AUTH, "").strip()
    if name.lower() in {"", "0", "false"}:
        return None
    return _guarded(_named(name), f"the plugin `{name}` of `{_AUTH}`")


def _guarded(sign: Sign, name: str) -> Sign:
    """Return a signature whose failure is told with its name; then nothing was sent."""

    def signed(request: Any) -> Any:  # noqa: ANN401  a request of `requests`
        try:
            completed = sign(request)
            sendable = all(_is_text(name, value) for name, value in completed.headers.items())
        except Exception as error:
            # It may ask a server for a token, which may answer the next time.
            message = f"{name} could not sign the request: {_text(error)}"
            raise Unavailable(message) from error
        if not sendable:
            raise RegistryError(f"{name} made a header that cannot be sent")
        return completed

    return signed


def _sigv4(environ: Mapping[str, str]) -> Sign:
    try:
        from requests_auth_aws_sigv4 import AWSSigV4  # type: ignore[import-untyped]  # noqa: PLC0415  optional
    except ImportError as error:
        message = f"`{_SIGV4}` needs a package that is not installed: {error}"
        raise RegistryError(message, hint="pip install requests-auth-aws-sigv4") from error
    given = {
        "aws_access_key_id": environ.get("AWS_ACCESS_KEY_ID") or None,
        "aws_secret_access_key": environ.get("AWS_SECRET_ACCESS_KEY") or None,
        "aws_session_token": environ.get("AWS_SESSION_TOKEN") or None,
        "region": environ.get("AWS_DEFAULT_REGION") or environ.get("AWS_REGION") or None,
    }
    try:
        signing = AWSSigV4("execute-api", **given)
    except Exception as error:
        hint = "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION"
        message = f"`{_SIGV4}` is set, and the request cannot be signed: {_text(error)}"
        raise RegistryError(message, hint=hint) from error

    def sign(request: Any) -> Any:  # noqa: ANN401  a request of `requests`
        parts = urlsplit(request.url)
        request.url = urlunsplit(parts._replace(query=_signable(parts.query)))
        request.headers["Host"] = parts.netloc
        return copy(signing)(request)  # it keeps the time of the request that it signs

    return sign


def _signable(query: str) -> str:
    """Return a query as the package signs it: spaces as `%20`, and of each key the first value.

    Only `order_by` has several, and the others do no more than keep pages steady.
    """
    pairs = (pair.partition("=") for pair in query.replace("+", "%20").split("&") if pair)
    values: dict[str, str] = {}
    for key, _, value in pairs:
        values.setdefault(key, value)
    return "&".join(f"{key}={value}" for key, value in values.items())


def _named(name: str) -> Sign:
    """Return the signature of the plugin that MLFLOW_TRACKING_AUTH names."""
    plugins = sorted(
        entry_points(group=AUTHORISATION), key=lambda one: (one.name != name, one.name)
    )
    for plugin in plugins:  # the entry point need not have the name that the plugin gives itself
        if (found := _asked(plugin, name)) is not None:
            return found
    if name in _KUBERNETES:
        return _kubernetes(name)
    raise RegistryError(
        f"`{_AUTH}` names `{name}`, and no plugin of that name is installed",
        hint=f"install the package that has it as an entry point of {AUTHORISATION}",
    )


def _asked(plugin: EntryPoint, name: str) -> Sign | None:
    try:
        provider = _made(plugin)
        found: Sign | None = provider.get_auth() if provider.get_name() == name else None
    except Exception as error:
        if plugin.name != name:
            return None
        raise RegistryError(_failure(plugin.name, AUTHORISATION, error)) from error
    return found


def _kubernetes(name: str) -> Sign:
    with importing_quietly():
        from mlflow.tracking.request_auth.registry import (  # noqa: PLC0415  1.1 s, only where needed
            fetch_auth,
        )

        try:
            found: Sign | None = fetch_auth(name)  # type: ignore[no-untyped-call]
        except Exception as error:
            raise RegistryError(f"`{_AUTH}` names `{name}`: {_text(error)}") from error
    if found is None:
        raise RegistryError(f"`{_AUTH}` names `{name}`, which this MLflow does not have")
    return found


def _made(plugin: EntryPoint) -> Any:  # noqa: ANN401  a plugin's own
    with importing_quietly():  # it imports MLflow
        return plugin.load()()


def _is_text(header: str, value: str | bytes) -> bool:
    """Return whether a header is one line, as a signature may make it."""
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return _HEADER_NAME.fullmatch(header) is not None and not {"\r", "\n"} & set(text)


def _is_sendable(header: object, value: object) -> bool:
    return (
        isinstance(header, str)
        and _HEADER_NAME.fullmatch(header) is not None
        and header.lower() not in _OF_THE_BODY
        and isinstance(value, str)
        and value.isascii()
        and value.isprintable()
    )


def _failure(name: str, group: str, error: Exception) -> str:
    return f"the plugin `{name}` ({group}) failed: {_text(error)}"


def _text(error: Exception) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return shortened(_CREDENTIALS.sub("", text))
