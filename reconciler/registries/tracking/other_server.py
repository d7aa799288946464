"""Reads evidence from the tracking server where it is another one than the registry."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from reconciler.core.uris import misspelt, safe_uri
from reconciler.errors import NotFound, RegistryError, Unavailable
from reconciler.registries.artifacts.folder import ArtifactFolder, FolderEntry
from reconciler.registries.error_mapping import NO_WORKSPACES_HINT
from reconciler.registries.tracking.run_responses import LoggedModelRow, LoggedRunRow, RunRow
from reconciler.registries.tracking.sources import (
    VersionFiles,
    is_copy,
    is_in_a_store,
    run_folder,
)

VARIABLE: Final = "MLFLOW_TRACKING_URI"

Asked = TypeVar("Asked")


class RunServer(Protocol):
    """A server with runs; every method may raise `RegistryError`."""

    @property
    def requests(self) -> int:
        """The number of requests sent so far."""
        ...

    def close(self) -> None:
        """Give back connections; a later request opens them again."""
        ...

    def run(self, run_id: str) -> RunRow:
        """Return a run, also a deleted one."""
        ...

    def runs(self, run_ids: Sequence[str]) -> Sequence[RunRow]:
        """Return those of the runs that a search finds, also deleted ones."""
        ...

    def logged_run(self, run_id: str) -> LoggedRunRow:
        """Return a run with the times of its metrics, also a deleted one."""
        ...

    def newest_runs(self, experiment: str, matching: str) -> Sequence[LoggedRunRow]:
        """Return runs of an experiment that a filter finds, those that started last first."""
        ...

    def logged_model(self, model_id: str) -> LoggedModelRow:
        """Return a logged model of MLflow 3."""
        ...

    def mlmodel_in(self, folder: str, run: RunRow | None) -> bytes:
        """Return the `MLmodel` file in an artifact folder, which may be one of `run`."""
        ...

    def folder_at(self, place: str) -> ArtifactFolder:
        """Return the folder that an address means."""
        ...


class RegistryFiles(Protocol):
    """What a registry itself knows of a version's files."""

    def artifacts_of(self, model: str, version: int) -> str:
        """Return the folder in which the files of a version are."""
        ...

    def stored_mlmodel(self, files: VersionFiles) -> bytes:
        """Return a version's `MLmodel` file as the registry finds it."""
        ...


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The URI of a tracking server, and what opens it, with the registry's workspace or none."""

    uri: str
    opens: Callable[[bool], RunServer]


class OtherServer:
    """The evidence of a tracking server, which is opened when it is first needed.

    A server that could not be reached once is not tried again: each version would wait as long.
    """

    def __init__(self, elsewhere: Elsewhere, registry: RegistryFiles) -> None:
        self._uri = elsewhere.uri
        self._opens = elsewhere.opens
        self._registry = registry
        self._opening = threading.Lock()
        self._opened: RunServer | None = None
        self._has_workspaces = True  # as long as it does not say otherwise
        self._sent_before = 0
        self._away: Unavailable | None = None

    @property
    def uri(self) -> str:
        """The server's URI without credentials."""
        return safe_uri(self._uri)

    @property
    def requests(self) -> int:
        """The number of requests that were sent so far."""
        return self._sent_before + (self._opened.requests if self._opened else 0)

    def close(self) -> None:
        """Close the connections to the server; a later request opens them again."""
        if self._opened:
            self._opened.close()

    def run(self, run_id: str) -> RunRow:
        """Return a run, also a deleted one."""
        return self._ask(lambda server: server.run(run_id))

    def runs(self, run_ids: Sequence[str]) -> Sequence[RunRow]:
        """Return those of the runs that a search finds, also deleted ones."""
        return self._ask(lambda server: server.runs(run_ids))

    def logged_run(self, run_id: str) -> LoggedRunRow:
        """Return a run with the times of its metrics, also a deleted one."""
        return self._ask(lambda server: server.logged_run(run_id))

    def newest_runs(self, experiment: str, matching: str) -> Sequence[LoggedRunRow]:
        """Return runs of an experiment that a filter finds, those that started last first."""
        return self._ask(lambda server: server.newest_runs(experiment, matching))

    def logged_model(self, model_id: str) -> LoggedModelRow:
        """Return a logged model of MLflow 3."""
        return self._ask(lambda server: server.logged_model(model_id))

    def mlmodel(self, files: VersionFiles) -> bytes:
        """Return a version's `MLmodel` file, which the registry may know the place of."""
        folder = files.source
        if not folder or is_copy(folder):
            folder = self._registry.artifacts_of(files.model, files.version)
        if is_in_a_store(folder) and run_folder(folder, files.run) is None:
            return self._registry.stored_mlmodel(files)
        return self._ask(lambda server: server.mlmodel_in(folder, files.run))

    def folder_at(self, place: str) -> ArtifactFolder:
        """Return the folder that an address means."""
        return _FolderElsewhere(self._ask, place)

    def _ask(self, question: Callable[[RunServer], Asked]) -> Asked:
        if self._away is not None:
            raise self._away
        try:
            return self._answer(question)
        except RegistryError as error:
            _name(error, safe_uri(self._uri))
            if isinstance(error, Unavailable):
                self._away = error
            raise

    def _answer(self, question: Callable[[RunServer], Asked]) -> Asked:
        server = self._server()
        try:
            return question(server)
        except RegistryError as error:
            # The workspace is the registry's: a run's id is enough where there are none.
            if error.hint != NO_WORKSPACES_HINT or self._without_workspace(server) is server:
                raise
        return question(self._server())

    def _server(self) -> RunServer:
        with self._opening:
            if self._opened is None:
                if wrong := misspelt(self._uri):
                    raise RegistryError(wrong[0], hint=wrong[1])
                self._opened = self._opens(self._has_workspaces)
            return self._opened

    def _without_workspace(self, server: RunServer) -> RunServer | None:
        """Forget a server that has no workspaces; return the one that is open now."""
        with self._opening:
            if self._opened is server and self._has_workspaces:
                self._has_workspaces = False
                self._sent_before += server.requests
                server.close()
                self._opened = None
            return self._opened


class _FolderElsewhere:
    """A folder on the tracking server, opened again where that server turns out to differ.

    Only its listing tells whether a server has workspaces, and it comes before any file.
    """

    def __init__(self, ask: "_Ask", place: str) -> None:
        self._ask = ask
        self._place = place
        self._opening = threading.Lock()
        self._opened: tuple[RunServer, ArtifactFolder] | None = None

    @property
    def where(self) -> str:
        """The address for messages, without credentials."""
        return self._opened[1].where if self._opened else safe_uri(self._place)

    def entries(self, path: str) -> Sequence[FolderEntry]:
        """Return what is directly in a folder."""
        from reconciler.registries.artifacts.proxied_folder import ProxiedFolder  # noqa: PLC0415  requests, which a database does without

        folder = self._ask(self._on)
        if isinstance(folder, ProxiedFolder):
            return self._ask(lambda server: self._on(server).entries(path))
        return folder.entries(path)

    def chunks(self, path: str, size: int | None) -> AbstractContextManager[Iterator[bytes]]:
        """Open a file, to be read piece by piece."""
        return self._ask(self._on).chunks(path, size)

    def _on(self, server: RunServer) -> ArtifactFolder:
        with self._opening:
            if self._opened is None or self._opened[0] is not server:
                self._opened = server, server.folder_at(self._place)
            return self._opened[1]


class _Ask(Protocol):
    def __call__(self, question: Callable[[RunServer], Asked], /) -> Asked: ...


def _name(error: RegistryError, uri: str) -> None:
    """Say in an error which server it is about, and which variable names that one."""
    error.message = f"the tracking server of {VARIABLE}: {error.message}"
    error.args = (error.message,)
    if isinstance(error, NotFound):
        error.hint = f"{VARIABLE} names {uri}: is that the server with this run?"
    elif error.hint is None:
        error.hint = f"see that the tracking server {uri} answers, or correct {VARIABLE}"
