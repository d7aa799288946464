"""Chooses the registry of a run from the option, the environment and the settings."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.core.plan import RegistryRef
from reconciler.core.settings import RegistryPin
from reconciler.core.uris import normal_uri, safe_uri, same_registry
from reconciler.errors import Refused, UsageError

_VARIABLES = ("MLFLOW_REGISTRY_URI", "MLFLOW_TRACKING_URI")


def registry_uri(
    given: str | None,
    environ: Mapping[str, str],
    pin: RegistryPin | None,
    *,
    fallback: str | None = None,
) -> str:
    """Return the URI of the registry, credentials included.

    The order is the option, MLflow's variables, the settings file, `fallback`; there is no silent
    local default. Raises `UsageError` when none is named, `Refused` when it is not the pinned one.
    """
    named = [given, *(environ.get(variable) for variable in _VARIABLES)]
    uri = next((candidate.strip() for candidate in named if candidate and candidate.strip()), None)
    if uri is None and pin is not None:
        return pin.uris[0]
    uri = uri or fallback
    if uri is None:
        raise UsageError(
            "no registry is named",
            hint="use `--registry-uri URI`, set MLFLOW_REGISTRY_URI or MLFLOW_TRACKING_URI, or "
            "write `registry: URI` into reconciler.yaml",
        )
    if pin is not None and not any(same_registry(uri, pinned) for pinned in pin.uris):
        pinned = ", ".join(safe_uri(pinned_uri) for pinned_uri in pin.uris)
        raise Refused(
            f"this state is pinned to {pinned}, not to {safe_uri(uri)}",
            hint="use that registry, or change `registry:` in reconciler.yaml, which takes effect "
            "one merge later",
        )
    return uri


def held_pin(own: RegistryPin | None, before: RegistryPin | None) -> RegistryPin | None:
    """Return the pin that holds while a change of it is new: no registry outside the old pin."""
    if before is None:
        return own
    if own is None:
        return before
    shared = tuple(
        uri for uri in own.uris if any(same_registry(uri, known) for known in before.uris)
    )
    return replace(own, uris=shared or before.uris)


def registry_ref(uri: str, pin: RegistryPin | None) -> RegistryRef:
    """Return the registry's identity in plans and records, equal for equivalent URIs."""
    if pin is None:
        return RegistryRef(normal_uri(uri))
    return RegistryRef(normal_uri(pin.uris[0]), pin.name)


def is_late_job(environ: Mapping[str, str], *, terminal: bool) -> bool:
    """Return whether a superseded run may simply have been overtaken by a newer one.

    Not where a person expects a write: at a terminal, for a re-run, or for a dispatched job.
    """
    again = environ.get("GITHUB_RUN_ATTEMPT", "1") not in ("", "1")
    dispatched = environ.get("GITHUB_EVENT_NAME") in ("workflow_dispatch", "repository_dispatch")
    by_hand = environ.get("CI_PIPELINE_SOURCE") in ("web", "api", "trigger")
    return not (terminal or again or dispatched or by_hand)
