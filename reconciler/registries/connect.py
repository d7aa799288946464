"""Chooses the adapter for a registry URI, and imports no other."""

import threading
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from reconciler.core.uris import is_http, same_registry, scheme_of
from reconciler.ports.registry import Registry
from reconciler.registries.registry_uri import WORKSPACE

if TYPE_CHECKING:
    from reconciler.registries.tracking.other_server import Elsewhere, RunServer

_LONGEST_REQUEST: Final = 30.0  # seconds
_UNTRIED: Final = frozenset({"databricks", "databricks-uc", "uc"})


def connect(
    uri: str,
    environ: Mapping[str, str],
    *,
    timeout: float,
    stop: threading.Event | None = None,
    warn: Callable[[str], object] = warnings.warn,
) -> Registry:
    """Return the registry at `uri`; reads may take `timeout` seconds, or until `stop` is set.

    HTTP uses REST directly; every other scheme uses MLflow's own client. The evidence comes from
    the server in MLFLOW_TRACKING_URI where that is another one. `warn` is told of plugins that
    fail, and of a backend that was not tried.
    """
    if scheme_of(uri) in _UNTRIED:
        warn("this backend was not run against a real workspace: check the plan with care")
    other = _tracking(uri, environ, timeout, stop, warn)
    if is_http(uri):
        from reconciler.registries.rest import MlflowRest  # noqa: PLC0415  half a second less for sqlite

        return MlflowRest(
            uri,
            environ=environ,
            warn=warn,
            request_timeout=min(_LONGEST_REQUEST, timeout),
            retry_for=timeout,
            stop=stop,
            other=other,
        )
    from reconciler.registries.client import MlflowClientRegistry  # noqa: PLC0415  1.1 s less for HTTP

    return MlflowClientRegistry(uri, environ=environ, stop=stop, other=other)


def _tracking(
    registry_uri: str,
    environ: Mapping[str, str],
    timeout: float,
    stop: threading.Event | None,
    warn: Callable[[str], object],
) -> "Elsewhere | None":
    """Return the tracking server, None where the registry has the runs itself."""
    uri = environ.get("MLFLOW_TRACKING_URI", "").strip()
    if not uri or same_registry(uri, registry_uri):
        return None
    from reconciler.registries.tracking.other_server import Elsewhere  # noqa: PLC0415  as above

    def over_http(in_workspace: bool) -> "RunServer":  # noqa: FBT001  a callback
        from reconciler.registries.auth import access  # noqa: PLC0415  as above
        from reconciler.registries.http_client import Http  # noqa: PLC0415  as above
        from reconciler.registries.tracking.rest_tracking import RestTracking  # noqa: PLC0415  as above

        variables = environ if in_workspace else {**environ, WORKSPACE: ""}
        http = Http(
            uri,
            access(uri, variables),
            environ=variables,
            warn=warn,
            request_timeout=min(_LONGEST_REQUEST, timeout),
            retry_for=timeout,
            stop=stop,
        )
        return RestTracking(http)

    def by_client(_: bool) -> "RunServer":  # noqa: FBT001  a callback
        from reconciler.registries.tracking.client_tracking import OtherTracking  # noqa: PLC0415  as above

        return OtherTracking(uri, environ)

    return Elsewhere(uri, over_http if is_http(uri) else by_client)
