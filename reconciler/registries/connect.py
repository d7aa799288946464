"""Chooses the adapter for a registry URI, and imports no other."""

import threading
from collections.abc import Mapping
from typing import Final

from reconciler.core.uris import scheme_of
from reconciler.ports.registry import Registry

_LONGEST_REQUEST: Final = 30.0  # seconds
_PLUGINS: Final = ("MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4")


def connect(
    uri: str,
    environ: Mapping[str, str],
    *,
    timeout: float,
    stop: threading.Event | None = None,
) -> Registry:
    """Return the registry at `uri`; reads may take `timeout` seconds, or until `stop` is set.

    HTTP uses REST directly, except where MLflow's own client must sign the requests; every other
    scheme uses that client.
    """
    if scheme_of(uri) in {"http", "https"} and not any(_is_set(environ, name) for name in _PLUGINS):
        from reconciler.registries.rest import MlflowRest  # noqa: PLC0415  half a second less for sqlite

        return MlflowRest(
            uri,
            environ=environ,
            request_timeout=min(_LONGEST_REQUEST, timeout),
            retry_for=timeout,
            stop=stop,
        )
    from reconciler.registries.client import MlflowClientRegistry  # noqa: PLC0415  1.1 s less for HTTP

    return MlflowClientRegistry(uri, environ=environ)


def _is_set(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").strip().lower() not in {"", "0", "false"}
