"""Reads runs, logged models and `MLmodel` files through MLflow's client; creates nothing."""

import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.core.uris import safe_uri, scheme_of
from reconciler.errors import NotFound, RegistryError
from reconciler.registries.artifacts.folder import ArtifactFolder
from reconciler.registries.artifacts.mlflow_folder import ClientCall, MlflowFolder
from reconciler.registries.artifacts.mlflow_repository import open_artifacts
from reconciler.registries.artifacts.places import Stores
from reconciler.registries.artifacts.store_failures import store_failure
from reconciler.registries.client_calls import ClientCalls
from reconciler.registries.lent_environment import lent
from reconciler.registries.responses import row, rows
from reconciler.registries.tracking.found_runs import MOST_EXPERIMENTS, runs_filter
from reconciler.registries.tracking.logged_runs import MOST_RUNS, NEWEST_FIRST
from reconciler.registries.tracking.mlflow_stores import open_runs
from reconciler.registries.tracking.run_responses import LoggedModelRow, LoggedRunRow, RunRow
from reconciler.registries.tracking.sources import (
    VersionFiles,
    logged_by,
    logged_model_of,
    run_folder,
)
from reconciler.registries.tracking.version_facts import LARGEST_FILE, MLMODEL
from reconciler.registries.tracking.version_folder import version_folder

_EVERY_STATE: Final = 3  # MLflow's `ViewType.ALL`
_ACTIVE: Final = 1  # `ViewType.ACTIVE_ONLY`
# The registrant of a version chooses its host, and the client would send credentials there.
_OTHER_HOSTS: Final = frozenset({"http", "https", "ftp", "sftp"})


class ClientTracking:
    """The runs of a server or store; `ask` counts a call and translates its errors."""

    def __init__(self, uri: str, ask: ClientCall, *, registry_uri: str | None = None) -> None:
        self._uri = uri
        self._registry_uri = registry_uri or uri
        self._ask = ask
        self._opening = threading.Lock()
        self._opened: Any = None  # the client, once it was needed

    @property
    def uri(self) -> str:
        """The URI of the server or store, without credentials."""
        return safe_uri(self._uri)

    def close(self) -> None:
        """Close the connections to a database; a later request opens them again."""
        dispose(self._opened)

    def run(self, run_id: str) -> RunRow:
        """Return a run, also a deleted one."""
        found = self._ask(lambda: self._client().get_run(run_id))
        return row(RunRow, {"run": found}, "run")

    def runs(self, run_ids: Sequence[str]) -> Sequence[RunRow]:
        """Return those of the runs that a search finds, also deleted ones."""
        experiments = self._experiments
        found = self._ask(
            lambda: self._client().search_runs(
                experiments, runs_filter(run_ids), _EVERY_STATE, len(run_ids)
            )
        )
        return rows(RunRow, {"runs": list(found)}, "runs")

    def logged_run(self, run_id: str) -> LoggedRunRow:
        """Return a run with the times of its metrics, also a deleted one."""
        found = self._ask(lambda: self._client().get_run(run_id))
        return row(LoggedRunRow, {"run": _with_times(found)}, "run")

    def newest_runs(self, experiment: str, matching: str) -> Sequence[LoggedRunRow]:
        """Return runs of an experiment that a filter finds, those that started last first."""
        known = self._ask(lambda: self._client().get_experiment_by_name(experiment))
        if known is None:
            return ()
        found = self._ask(
            lambda: self._client().search_runs(
                [known.experiment_id], matching, _ACTIVE, MOST_RUNS, NEWEST_FIRST
            )
        )
        return rows(LoggedRunRow, {"runs": [_with_times(run) for run in found]}, "runs")

    @cached_property
    def _experiments(self) -> list[str]:
        """The ids of all experiments: a search of runs has to name those that it is in."""
        found = self._ask(lambda: self._client().search_experiments(_EVERY_STATE, MOST_EXPERIMENTS))
        if found.token:
            raise RegistryError(f"{self.uri} has more than {MOST_EXPERIMENTS} experiments")
        return [row.experiment_id for row in found]

    def logged_model(self, model_id: str) -> LoggedModelRow:
        """Return a logged model of MLflow 3."""
        found = self._ask(lambda: self._client().get_logged_model(model_id))
        info = {
            "name": found.name,
            "artifact_uri": found.artifact_location,
            "creation_timestamp_ms": found.creation_timestamp,
        }
        data = {"metrics": found.metrics, "params": found.params}
        return row(LoggedModelRow, {"model": {"info": info, "data": data}}, "model")

    def mlmodel_in(self, folder: str, run: RunRow | None) -> bytes:
        """Return the `MLmodel` file in a folder, which a run or a logged model may name."""
        if model_id := logged_model_of(folder):
            return self._file_of_logged_model(model_id)
        in_run = run_folder(folder, None)
        if in_run is None:
            return self._file_in(folder)
        if run is None or run.info.run_id != in_run.run_id:
            run = self.run(in_run.run_id)
        try:
            return self._file_in(f"{(run.info.artifact_uri or '').rstrip('/')}/{in_run.path}")
        except NotFound:
            model_id = logged_by(run, in_run, self.logged_model)
            if model_id is None:
                raise
        return self._file_of_logged_model(model_id)

    def folder_at(self, place: str) -> ArtifactFolder:
        """Return the folder that an address means."""
        return version_folder(self, place, self._stores())

    def folder_by_client(self, place: str) -> ArtifactFolder:
        """Return the folder that an address means to MLflow's client."""
        return MlflowFolder(place, self._ask, self._uri, self._registry_uri)

    def _stores(self) -> Stores:
        return Stores(self._uri, None, self.folder_by_client)

    def _file_of_logged_model(self, model_id: str) -> bytes:
        return self._file_in(self.logged_model(model_id).info.artifact_uri or "")

    def _file_in(self, folder: str) -> bytes:
        parts = urlsplit(folder)
        if parts.scheme in _OTHER_HOSTS or (parts.scheme == "mlflow-artifacts" and parts.netloc):
            raise RegistryError(f"its artifacts are on another host, `{safe_uri(folder)}`")
        if parts.scheme == "mlflow-artifacts" and scheme_of(self._uri) != "databricks":
            message = f"`{safe_uri(folder)}` is on a tracking server"
            raise RegistryError(message, hint="name that server in MLFLOW_TRACKING_URI")
        content: bytes = self._ask(lambda: self._read(folder))
        return content

    def _read(self, folder: str) -> bytes:
        try:
            return _mlmodel_in(open_artifacts(folder, self._uri, self._registry_uri))
        except RegistryError:
            raise
        except Exception as error:  # each library of a store has errors of its own, plugins too
            raise store_failure(folder, safe_uri(folder), error) from error

    def _client(self) -> Any:  # noqa: ANN401  its methods are not typed
        with self._opening:
            if self._opened is None:
                self._opened = open_runs(self._uri)
            return self._opened


class OwnTracking(ClientTracking):
    """The runs of a registry, which `artifacts_of` asks for the folder of a version."""

    def __init__(
        self, registry_uri: str, ask: ClientCall, artifacts_of: Callable[[str, int], str]
    ) -> None:
        # Unity Catalog has its runs in the workspace.
        uri = registry_uri.replace("databricks-uc", "databricks", 1)
        super().__init__(uri, ask, registry_uri=registry_uri)
        self.artifacts_of = artifacts_of

    def mlmodel(self, files: VersionFiles) -> bytes:
        """Return a version's `MLmodel` file from its artifact store."""
        return self.mlmodel_in(self.artifacts_of(files.model, files.version), files.run)

    def stored_mlmodel(self, files: VersionFiles) -> bytes:
        """Return a version's `MLmodel` file as the registry finds it."""
        return self.mlmodel(files)


class OtherTracking(ClientTracking):
    """The runs of a store that has no part in the registry."""

    def __init__(self, uri: str, environ: Mapping[str, str]) -> None:
        self._calls = ClientCalls(uri, environ)
        super().__init__(uri, self._calls.ask)

    @property
    def requests(self) -> int:
        """The number of calls to the client so far."""
        return self._calls.sent


def _with_times(run: Any) -> Mapping[str, Any]:  # noqa: ANN401  MLflow's own
    """Return a run of the client with the rows of its metrics; `metrics` has only the values."""
    data = run.data
    return {
        "info": run.info,
        "data": {"metrics": vars(data).get("_metric_objs") or [], "tags": data.tags},
    }


def dispose(client: Any) -> None:  # noqa: ANN401  one of MLflow's clients, or None
    """Close the connections of a client to a database."""
    engine = getattr(getattr(client, "store", None), "engine", None)
    if engine is not None:
        engine.dispose()


def _mlmodel_in(artifacts: Any) -> bytes:  # noqa: ANN401  MLflow's own
    sizes = {info.path: info.file_size for info in artifacts.list_artifacts()}
    if MLMODEL not in sizes:
        raise NotFound("no such file")
    if (sizes[MLMODEL] or 0) > LARGEST_FILE:
        raise RegistryError(f"it is larger than {LARGEST_FILE} bytes")
    no_bar = lent("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    with tempfile.TemporaryDirectory() as folder, no_bar:
        return Path(artifacts.download_artifacts(MLMODEL, folder)).read_bytes()
