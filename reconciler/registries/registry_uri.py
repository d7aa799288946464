"""Chooses the registry of a run, and its workspace, from option, environment and settings."""

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from reconciler.core.plan import RegistryRef
from reconciler.core.settings import RegistryPin
from reconciler.core.uris import is_http, misspelt, normal_uri, safe_uri, same_registry, scheme_of
from reconciler.errors import Refused, RegistryError, UsageError

WORKSPACE: Final = "MLFLOW_WORKSPACE"
DATABRICKS: Final = frozenset({"databricks", "databricks-uc"})
_TRACKING: Final = "MLFLOW_TRACKING_URI"
_VARIABLES: Final = ("MLFLOW_REGISTRY_URI", _TRACKING)
_HOST: Final = "DATABRICKS_HOST"
_PROFILE: Final = "DATABRICKS_CONFIG_PROFILE"
_UNNAMED_HINT: Final = (
    "use `--registry-uri URI`, set MLFLOW_REGISTRY_URI or MLFLOW_TRACKING_URI, or write "
    "`registry: URI` into reconciler.yaml"
)
_MERGE_HINT: Final = "which counts once the main line contains it"


@dataclass(frozen=True, slots=True)
class RegistryAddress:
    """Where a registry is: its URI, credentials included, and its workspace, None for none."""

    uri: str
    workspace: str | None = None


def _named_uri(
    given: str | None, environ: Mapping[str, str], pin: RegistryPin | None
) -> str | None:
    """Return the URI that the option, MLflow's variables or the settings name, in this order.

    Raises `UsageError` for one that is known to be misspelt: MLflow may take it for a folder.
    """
    candidates = [given, *(environ.get(variable) for variable in _VARIABLES)]
    uri = next((one.strip() for one in candidates if one and one.strip()), None)
    if uri and (wrong := misspelt(uri)):
        raise UsageError(wrong[0], hint=wrong[1])
    return pin.uris[0] if uri is None and pin is not None else uri


def named_registry(
    given: str | None, environ: Mapping[str, str], pin: RegistryPin | None
) -> RegistryAddress | None:
    """Return the registry that is named, as it is named; None for none."""
    uri = _named_uri(given, environ, pin)
    if uri is None:
        return None
    return RegistryAddress(uri, registry_workspace(uri, environ, pin))


def registry_address(
    given: str | None,
    environ: Mapping[str, str],
    pin: RegistryPin | None,
    *,
    root: Path,
    fallback: RegistryRef | None = None,
) -> RegistryAddress:
    """Return the registry to talk to; relative paths are below `root`.

    `fallback` is used where no URI is named; there is no silent local default. Raises `UsageError`
    when none is named, `Refused` when it is not the pinned one.
    """
    uri = _named_uri(given, environ, pin)
    if uri is None and fallback is not None:
        planned = registry_workspace(fallback.uri, environ, pin) or fallback.workspace
        return RegistryAddress(fallback.uri, planned)
    if uri is None:
        raise UsageError("no registry is named", hint=_UNNAMED_HINT)
    uri = located(uri, root)
    pinned = [located(one, root) for one in pin.uris] if pin is not None else [uri]
    if not any(same_registry(uri, one) for one in pinned):
        raise Refused(
            f"this state is pinned to {', '.join(map(safe_uri, pinned))}, not to {safe_uri(uri)}",
            hint=f"use that registry{_two_servers(given, environ)}, or change `registry:` in "
            f"reconciler.yaml, {_MERGE_HINT}",
        )
    return RegistryAddress(uri, registry_workspace(uri, environ, pin))


def registry_workspace(uri: str, environ: Mapping[str, str], pin: RegistryPin | None) -> str | None:
    """Return the workspace of a run: the variable's, else the pinned one, None for none.

    On Databricks it is the host, because the URI does not name it. Raises `Refused` for another one
    than is pinned, `UsageError` for a registry without workspaces.
    """
    pinned = pin.workspace if pin is not None else None
    if scheme_of(uri) in DATABRICKS:
        host = _databricks_host(uri, environ)
        if pinned is not None and host != _normal_host(pinned):
            raise _another_workspace(pinned, host, _HOST)
        return host
    named = (environ.get(WORKSPACE) or "").strip() or None
    if not is_http(uri) and (named or pinned):
        raise UsageError(
            f"{safe_uri(uri)} is not an MLflow server, and only a server has workspaces: "
            f"`{named or pinned}` cannot be selected",
            hint=f"unset {WORKSPACE}" if named else "remove `workspace:` from reconciler.yaml",
        )
    if pinned is not None and named not in (None, pinned):
        raise _another_workspace(pinned, named, WORKSPACE)
    return pinned or named


def registry_environ(
    environ: Mapping[str, str], chosen: RegistryAddress, root: Path
) -> dict[str, str]:
    """Return the variables for the registry: its workspace, and paths as its URI has them."""
    variables = dict(environ)
    if chosen.workspace is not None and is_http(chosen.uri):
        variables[WORKSPACE] = chosen.workspace  # perhaps named by the settings alone
    if tracking := environ.get(_TRACKING, "").strip():
        variables[_TRACKING] = located(tracking, root)
    return variables


def held_pin(own: RegistryPin | None, merged: RegistryPin | None) -> RegistryPin | None:
    """Return the pin that holds while the main line has `merged`: no registry outside of that."""
    if merged is None:
        return own
    if own is None:
        return merged
    shared = tuple(
        uri for uri in own.uris if any(same_registry(uri, known) for known in merged.uris)
    )
    return replace(own, uris=shared or merged.uris, workspace=merged.workspace)


def registry_ref(chosen: RegistryAddress, pin: RegistryPin | None, root: Path) -> RegistryRef:
    """Return the registry's identity in plans and records, equal for equivalent URIs."""
    if pin is None:
        return RegistryRef(normal_uri(chosen.uri), workspace=chosen.workspace)
    return RegistryRef(normal_uri(located(pin.uris[0], root)), pin.name, chosen.workspace)


def located(uri: str, root: Path) -> str:
    """Return the URI of a local registry with its absolute path, any other URI as it is."""
    scheme = scheme_of(uri)
    if scheme == "sqlite":
        begin, _, rest = uri.partition(":///")
        path, mark, query = rest.partition("?")
        if not path or path == ":memory:":
            return uri
        return f"{begin}:///{_absolute(path, root)}{mark}{query}"
    if scheme == "file":
        return f"file://{_absolute(urlsplit(uri).path, root)}"
    is_folder = ":" not in uri and scheme not in DATABRICKS  # as MLflow takes a bare word
    return _absolute(uri, root) if is_folder else uri


def is_late_job(environ: Mapping[str, str], *, terminal: bool) -> bool:
    """Return whether a superseded run may simply have been overtaken by a newer one.

    Not where a person expects a write: at a terminal, for a re-run, or for a dispatched job.
    """
    again = environ.get("GITHUB_RUN_ATTEMPT", "1") not in ("", "1")
    dispatched = environ.get("GITHUB_EVENT_NAME") in ("workflow_dispatch", "repository_dispatch")
    by_hand = environ.get("CI_PIPELINE_SOURCE") in ("web", "api", "trigger")
    return not (terminal or again or dispatched or by_hand)


def _two_servers(given: str | None, environ: Mapping[str, str]) -> str:
    """Return what to do where the tracking server was taken for the registry."""
    if (given or "").strip() or environ.get(_VARIABLES[0], "").strip():
        return ""
    return f" (in {_VARIABLES[0]}, where {_TRACKING} is a server with runs alone)"


def _another_workspace(pinned: str, named: str | None, variable: str) -> Refused:
    found = f"`{named}`" if named else "none"
    return Refused(
        f"this state is pinned to the workspace `{pinned}`, not to {found}",
        hint=f"{'set' if named is None else 'unset or change'} {variable}, or change `workspace:` "
        f"in reconciler.yaml, {_MERGE_HINT}",
    )


def _databricks_host(uri: str, environ: Mapping[str, str]) -> str | None:
    """Return the URL of the Databricks host that a URI and the environment select.

    None where only Databricks itself knows it; a profile that names no host stands for itself.
    """
    in_uri = uri.partition("://")[2].strip("/")
    if ":" in in_uri:  # a secret scope and a prefix: the host is a secret
        return None
    profile = in_uri or (environ.get(_PROFILE) or "").strip()
    named = _normal_host((environ.get(_HOST) or "").strip())
    of_profile = _normal_host(_profile_host(profile or "DEFAULT", environ))
    if profile and named and of_profile and named != of_profile:
        raise UsageError(
            f"{_HOST} names {named}, and the profile `{profile}` names {of_profile}",
            hint=f"unset {_HOST}, or use the profile of that host",
        )
    return named or of_profile or (f"profile {profile}" if profile else None)


def _profile_host(profile: str, environ: Mapping[str, str]) -> str:
    home = environ.get("HOME") or environ.get("USERPROFILE") or ""
    file = environ.get("DATABRICKS_CONFIG_FILE") or str(Path(home) / ".databrickscfg")
    # An ordinary section, so that no other profile inherits what `DEFAULT` has.
    parser = configparser.ConfigParser(interpolation=None, default_section=" ")
    try:
        parser.read(Path(file).expanduser(), encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        # Its text may quote the line that contains a token.
        raise RegistryError(f"`{file}` cannot be read as an ini file") from None
    return parser.get(profile, "host", fallback="").strip()


def _normal_host(host: str) -> str | None:
    if not host:
        return None
    return normal_uri(
        urlsplit(host if "://" in host else f"https://{host}")
        ._replace(path="", query="", fragment="")
        .geturl()
    )


def _absolute(path: str, root: Path) -> str:
    """Return a path without `..`; links are not followed, so that a moved one stays the same."""
    return os.path.normpath(root.absolute() / path)
