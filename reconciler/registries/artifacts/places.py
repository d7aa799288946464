"""Which folder of which store an address of MLflow's means, and what reads that."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import unquote, urlsplit

from reconciler.core.uris import safe_uri, scheme_of
from reconciler.errors import RegistryError
from reconciler.registries.artifacts.folder import ArtifactFolder
from reconciler.registries.artifacts.local_folder import LocalFolder, local_path

_ROUTE: Final = "/api/2.0/mlflow-artifacts/artifacts/"
_OTHER_HOSTS: Final = frozenset({"ftp", "sftp"})

Opener: TypeAlias = Callable[[str], ArtifactFolder]


@dataclass(frozen=True, slots=True)
class Stores:
    """What opens a folder: of the files that a server passes on, and of any other store.

    `uri` is that of the server; `proxied` takes the path below its artifact root, and is None for
    a store of runs that is no server. `other` takes a URI.
    """

    uri: str
    proxied: Opener | None
    other: Opener


def open_folder(place: str, stores: Stores) -> ArtifactFolder:
    """Return the folder at an address of a store, which is neither `runs:` nor `models:`."""
    parts, server = urlsplit(place), urlsplit(stores.uri)
    scheme = scheme_of(place)
    if scheme in {"", "file"}:
        return LocalFolder(local_path(place))
    is_same_host = parts.netloc.rpartition("@")[2] == server.netloc.rpartition("@")[2]
    if scheme == "mlflow-artifacts" and (not parts.netloc or is_same_host):
        if stores.proxied is None:
            message = f"`{safe_uri(place)}` is on a tracking server"
            raise RegistryError(message, hint="name that server in MLFLOW_TRACKING_URI")
        return stores.proxied(unquote(parts.path))
    if scheme in {"http", "https"} and is_same_host and _ROUTE in parts.path and stores.proxied:
        return stores.proxied(unquote(parts.path.partition(_ROUTE)[2]))
    # The registrant of a version chooses its host, and the client would send credentials there.
    if scheme in {"http", "https", "mlflow-artifacts"} | _OTHER_HOSTS:
        raise RegistryError(f"its artifacts are on another host, `{safe_uri(place)}`")
    return stores.other(place)
