"""Finds the folder with a version's files, by the run or the logged model that they belong to."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from reconciler.core.uris import safe_artifact_uri
from reconciler.errors import NotFound, RegistryError
from reconciler.registries.artifacts.folder import ArtifactFolder
from reconciler.registries.artifacts.overlaid_folder import OverlaidFolder
from reconciler.registries.artifacts.places import Stores, is_served_by, open_folder
from reconciler.registries.artifacts.version_artifacts import VersionArtifacts
from reconciler.registries.tracking.run_responses import LoggedModelRow, RunRow
from reconciler.registries.tracking.sources import (
    RunFolder,
    is_copy,
    is_in_a_store,
    logged_model_of,
    run_folder,
)

_MOST_MODELS: Final = 50  # logged by one run, that are asked for their names


class Runs(Protocol):
    """The server that has the runs and the logged models."""

    @property
    def uri(self) -> str:
        """The server's URI without credentials."""
        ...

    def run(self, run_id: str) -> RunRow:
        """Return a run, also a deleted one."""
        ...

    def logged_model(self, model_id: str) -> LoggedModelRow:
        """Return a logged model of MLflow 3."""
        ...

    def folder_at(self, place: str) -> ArtifactFolder:
        """Return the folder that an address means."""
        ...


def version_folder(server: Runs, place: str, stores: Stores) -> ArtifactFolder:
    """Return the folder that an address means: of a run, of a logged model, or of a store."""
    first, *above = (open_folder(address, stores) for address in _addresses(server, place))
    return OverlaidFolder(first, above[0]) if above else first


def registered_files(
    locate: Callable[[], str], registry: Runs, elsewhere: Runs | None, stop: threading.Event
) -> VersionArtifacts:
    """Return the files at a place, which `locate` asks the registry for.

    Of a run and its logged model the address is that of the logged model: MLflow 3 writes there.
    """

    def folder() -> ArtifactFolder:
        place = locate()
        return _server_of(place, registry, elsewhere).folder_at(place)

    def address() -> str:
        place = locate()
        server = _server_of(place, registry, elsewhere)
        return safe_artifact_uri(_addresses(server, place)[-1])

    return VersionArtifacts(folder, stop, address)


def _server_of(place: str, registry: Runs, elsewhere: Runs | None) -> Runs:
    """Return who knows a place that a registry told: its runs may be on another server."""
    if elsewhere is None or is_served_by(registry.uri, place):
        return registry
    if is_in_a_store(place) and not is_served_by(elsewhere.uri, place):
        return registry
    return elsewhere


def _addresses(server: Runs, place: str) -> list[str]:
    """Return the folders of a store whose files an address means; those of the last count most."""
    if model_id := logged_model_of(place):
        return [_of_row(server.logged_model(model_id), "")]
    if in_run := run_folder(place, None):
        return _of_run(server, in_run)
    if not place or is_copy(place):
        raise RegistryError(f"the registry does not tell where the files of `{place}` are")
    return [place]


def _of_run(server: Runs, folder: RunFolder) -> list[str]:
    run = server.run(folder.run_id)
    root = (run.info.artifact_uri or "").rstrip("/")
    if not root:
        raise NotFound(f"run {folder.run_id} has no artifacts")
    # MLflow 3 logs a model beside the run, under a name that was a folder of the run before. Who
    # loads that folder gets the files of both.
    name, _, below = folder.path.partition("/")
    model = _logged_last(server, run, name)
    return [f"{root}/{folder.path}", *([] if model is None else [_of_row(model, below)])]


def _logged_last(server: Runs, run: RunRow, name: str) -> LoggedModelRow | None:
    """Return the logged model that `runs:/` means, the last one that the run gave this name."""
    outputs = run.outputs.model_outputs if run.outputs else []
    if len(outputs) > _MOST_MODELS:
        message = f"run {run.info.run_id} logged {len(outputs):,} models: too many to look through"
        raise RegistryError(message, hint="register the logged model itself, as `models:/m-…`")
    named = []
    for output in outputs:
        with suppress(NotFound):  # it was deleted
            named.append(server.logged_model(output.model_id))
    named = [row for row in named if row.info.name == name]
    return max(named, key=lambda row: row.info.creation_timestamp_ms or 0, default=None)


def _of_row(model: LoggedModelRow, below: str) -> str:
    root = (model.info.artifact_uri or "").rstrip("/")
    if not root:
        raise NotFound("the logged model has no artifacts")
    return f"{root}/{below}" if below else root
