"""Which folder of which store an address of MLflow's means, and what reads that."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

from reconciler.core.uris import safe_uri, scheme_of
from reconciler.errors import RegistryError
from reconciler.registries.artifacts.folder import ArtifactFolder
from reconciler.registries.artifacts.local_folder import LocalFolder, local_path

_ROUTE: Final = "/api/2.0/mlflow-artifacts/artifacts/"
_LOCAL: Final = frozenset({"", "file"})
_PROXIED: Final = "mlflow-artifacts"
_SERVED: Final = frozenset({_PROXIED, "http", "https"})
_OTHER_HOSTS: Final = frozenset({"ftp", "sftp"})
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_R2: Final = ".r2.cloudflarestorage.com"

Opener: TypeAlias = Callable[[str], ArtifactFolder]


@dataclass(frozen=True, slots=True)
class Stores:
    """How folders are opened: of the files that a server passes on, and of any other store.

    `uri` is that of the server; `proxied` takes the path below its artifact root, and is None for
    a store of runs that is no server. `other` takes a URI.
    """

    uri: str
    proxied: Opener | None
    other: Opener


def open_folder(place: str, stores: Stores) -> ArtifactFolder:
    """Return the folder at an address of a store, which is neither `runs:` nor `models:`."""
    scheme, parts = scheme_of(place), _split(place)
    if scheme in _LOCAL:
        return _local(place)
    if scheme == _PROXIED and stores.proxied is None:
        message = f"`{safe_uri(place)}` is on a tracking server"
        raise RegistryError(message, hint="name that server in MLFLOW_TRACKING_URI")
    is_ours = is_served_by(stores.uri, place) or (scheme == _PROXIED and not parts.netloc)
    if is_ours and stores.proxied is not None:
        below = parts.path if scheme == _PROXIED else parts.path.partition(_ROUTE)[2]
        if below.strip("/"):
            return stores.proxied(unquote(below))
    # The registrant of a version chooses its host, and the client would send credentials there.
    is_foreign = scheme == "r2" and not (parts.hostname or "").endswith(_R2)
    if is_foreign or scheme in _SERVED | _OTHER_HOSTS:
        raise RegistryError(f"its artifacts are on another host, `{safe_uri(place)}`")
    return stores.other(place)


def is_served_by(server: str, place: str) -> bool:
    """Return whether an address names a server as the one that passes its files on."""
    default = _DEFAULT_PORTS.get(scheme_of(server))
    if default is None or scheme_of(place) not in _SERVED:
        return False
    ours, named = _split(server), _split(place)
    return (ours.hostname, ours.port or default) == (named.hostname, named.port or default)


def _local(place: str) -> ArtifactFolder:
    path = local_path(place)
    if not path.is_absolute():
        message = f"`{place}` is relative to a folder that only its server knows"
        raise RegistryError(message, hint="start that server with an absolute artifact root")
    return LocalFolder(path)


def _split(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
        _ = parts.port  # raises for one that is no number
    except ValueError as error:
        raise RegistryError(f"`{safe_uri(uri)}` is not the address of a folder") from error
    return parts
