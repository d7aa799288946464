"""Options and environment → what a run works with; says which registry, or that none is named."""

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
    """Return the URI to talk to, credentials included.

    The option, then MLflow's variables, then the settings file, then `fallback`; never a silent
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
            hint="say `--registry-uri URI`, set MLFLOW_REGISTRY_URI or MLFLOW_TRACKING_URI, or "
            "write `registry: URI` into reconciler.yaml",
        )
    if pin is not None and not any(same_registry(uri, pinned) for pinned in pin.uris):
        pinned = ", ".join(safe_uri(one) for one in pin.uris)
        raise Refused(
            f"this state is pinned to {pinned}, not to {safe_uri(uri)}",
            hint="use that registry, or change `registry:` in reconciler.yaml, which takes effect "
            "one merge later",
        )
    return uri


def held_pin(own: RegistryPin | None, before: RegistryPin | None) -> RegistryPin | None:
    """Return the pin that counts while a change of it is new: no other registry than before."""
    if before is None:
        return own
    if own is None:
        return before
    shared = tuple(
        uri for uri in own.uris if any(same_registry(uri, known) for known in before.uris)
    )
    return replace(own, uris=shared or before.uris)


def registry_ref(uri: str, pin: RegistryPin | None) -> RegistryRef:
    """Return how plans and records call a registry: equivalent URIs give the same."""
    if pin is None:
        return RegistryRef(normal_uri(uri))
    return RegistryRef(normal_uri(pin.uris[0]), pin.name)


def is_late_job(environ: Mapping[str, str], *, terminal: bool) -> bool:
    """Return whether a superseded run may just have been overtaken by a newer one.

    Somebody who looks at a terminal, starts a job again or dispatches it means it: there it is an
    error that nothing is written.
    """
    again = environ.get("GITHUB_RUN_ATTEMPT", "1") not in ("", "1")
    dispatched = environ.get("GITHUB_EVENT_NAME") in ("workflow_dispatch", "repository_dispatch")
    by_hand = environ.get("CI_PIPELINE_SOURCE") in ("web", "api", "trigger")
    return not (terminal or again or dispatched or by_hand)
