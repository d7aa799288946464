"""Finds the folder with a version's files, by the run or the logged model that they belong to."""

from collections.abc import Callable
from typing import Protocol

from reconciler.core.uris import safe_uri
from reconciler.errors import NotFound, RegistryError
from reconciler.registries.artifacts.folder import ArtifactFolder
from reconciler.registries.artifacts.places import Stores, is_served_by, open_folder
from reconciler.registries.tracking.run_responses import LoggedModelRow, RunRow
from reconciler.registries.tracking.sources import (
    RunFolder,
    is_copy,
    is_in_a_store,
    logged_by,
    logged_model_of,
    run_folder,
)


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
    if model_id := logged_model_of(place):
        return _of_logged_model(server, model_id, stores)
    if in_run := run_folder(place, None):
        return _of_run(server, in_run, stores)
    if not place or is_copy(place):
        raise RegistryError(f"the registry does not tell where the files of `{place}` are")
    return open_folder(place, stores)


def registered_folder(
    place: str, registry: str, of_registry: Callable[[str], ArtifactFolder], elsewhere: Runs | None
) -> ArtifactFolder:
    """Return the folder at a place that a registry told, whose runs may be on another server."""
    if elsewhere is None or is_served_by(registry, place):
        return of_registry(place)
    if is_in_a_store(place) and not is_served_by(elsewhere.uri, place):
        return of_registry(place)
    return elsewhere.folder_at(place)


def _of_run(server: Runs, folder: RunFolder, stores: Stores) -> ArtifactFolder:
    run = server.run(folder.run_id)
    # MLflow 3 logs a model beside the run, under a name that was a folder of the run before.
    if model_id := logged_by(run, folder, server.logged_model):
        return _of_logged_model(server, model_id, stores)
    root = (run.info.artifact_uri or "").rstrip("/")
    if not root:
        raise NotFound(f"run {folder.run_id} has no artifacts")
    return open_folder(f"{root}/{folder.path}", stores)


def _of_logged_model(server: Runs, model_id: str, stores: Stores) -> ArtifactFolder:
    root = server.logged_model(model_id).info.artifact_uri
    if not root:
        raise NotFound(f"logged model {safe_uri(model_id)} has no artifacts")
    return open_folder(root, stores)
