"""Reads runs, logged models and `MLmodel` files over HTTP."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote

from reconciler.core.uris import safe_uri
from reconciler.errors import AnswerLost, NotFound, RegistryError, Rejected
from reconciler.registries.artifacts.folder import ArtifactFolder
from reconciler.registries.artifacts.mlflow_folder import MlflowFolder
from reconciler.registries.artifacts.places import Stores
from reconciler.registries.artifacts.proxied_folder import ProxiedFolder
from reconciler.registries.client_calls import ClientCalls
from reconciler.registries.http_client import Http
from reconciler.registries.responses import row, rows
from reconciler.registries.tracking.found_runs import MOST_EXPERIMENTS, runs_filter
from reconciler.registries.tracking.logged_runs import MOST_RUNS, NEWEST_FIRST
from reconciler.registries.tracking.run_responses import (
    ExperimentRow,
    LoggedModelRow,
    LoggedRunRow,
    RunRow,
)
from reconciler.registries.tracking.sources import (
    RunFolder,
    VersionFiles,
    is_copy,
    logged_by,
    logged_model_at,
    logged_model_of,
    run_folder,
)
from reconciler.registries.tracking.version_facts import LARGEST_ANSWER, LARGEST_FILE, MLMODEL
from reconciler.registries.tracking.version_folder import version_folder

_API: Final = "api/2.0/mlflow"
_EXPERIMENTS_A_PAGE: Final = 1_000


class RestTracking:
    """The tracking API of a server; files come by the routes of MLflow's own UI."""

    def __init__(self, http: Http) -> None:
        self._http = http

    @property
    def uri(self) -> str:
        """The server's URI without credentials."""
        return self._http.uri

    @property
    def requests(self) -> int:
        """The number of requests that were sent so far."""
        return self._http.sent

    def close(self) -> None:
        """Close the connections to the server; a later request opens them again."""
        self._http.close()

    def run(self, run_id: str) -> RunRow:
        """Return a run, also a deleted one."""
        return row(RunRow, self._get("runs/get", run_id=run_id), "run")

    def runs(self, run_ids: Sequence[str]) -> Sequence[RunRow]:
        """Return those of the runs that a search finds, also deleted ones."""
        asked = {
            "experiment_ids": list(self._experiments),
            "filter": runs_filter(run_ids),
            "run_view_type": "ALL",
            "max_results": len(run_ids),
        }
        answer = self._http.search(f"{_API}/runs/search", asked, largest=LARGEST_ANSWER)
        return rows(RunRow, answer, "runs")

    def logged_run(self, run_id: str) -> LoggedRunRow:
        """Return a run with the times of its metrics, also a deleted one."""
        return row(LoggedRunRow, self._get("runs/get", run_id=run_id), "run")

    def newest_runs(self, experiment: str, matching: str) -> Sequence[LoggedRunRow]:
        """Return runs of an experiment that a filter finds, those that started last first."""
        try:
            answer = self._get("experiments/get-by-name", experiment_name=experiment)
        except NotFound:
            return ()
        asked = {
            "experiment_ids": [row(ExperimentRow, answer, "experiment").experiment_id],
            "filter": matching,
            "max_results": MOST_RUNS,
            "order_by": NEWEST_FIRST,
        }
        answer = self._http.search(f"{_API}/runs/search", asked, largest=LARGEST_ANSWER)
        return rows(LoggedRunRow, answer, "runs")

    @cached_property
    def _experiments(self) -> tuple[str, ...]:
        """The ids of all experiments: a search of runs has to name those that it is in."""
        found: list[str] = []
        token = ""
        for _ in range(MOST_EXPERIMENTS // _EXPERIMENTS_A_PAGE):
            asked = {"view_type": "ALL", "max_results": str(_EXPERIMENTS_A_PAGE)}
            answer = self._get("experiments/search", **asked, page_token=token)
            found += [row.experiment_id for row in rows(ExperimentRow, answer, "experiments")]
            token = str(answer.get("next_page_token") or "")
            if not token:
                return tuple(found)
        raise RegistryError(f"{self.uri} has more than {MOST_EXPERIMENTS} experiments")

    def logged_model(self, model_id: str) -> LoggedModelRow:
        """Return a logged model of MLflow 3."""
        answer = self._get(f"logged-models/{quote(model_id, safe='')}")
        return row(LoggedModelRow, answer, "model")

    def mlmodel(self, files: VersionFiles) -> bytes:
        """Return the `MLmodel` file of a version that this server has registered itself."""
        if folder := run_folder(files.source, None):
            return self._file_of_run(folder, files.run)
        try:
            return self.stored_mlmodel(files)
        except (Rejected, AnswerLost):
            # The server cannot follow a copy to `runs:/`; we can.
            folder = self._run_of_copy(files)
            if folder is None:
                raise
        return self._file_of_run(folder, files.run)

    def mlmodel_in(self, folder: str, run: RunRow | None) -> bytes:
        """Return the `MLmodel` file in a folder of a run or of a logged model of this server."""
        if in_run := run_folder(folder, run):
            return self._file_of_run(in_run, run)
        if model_id := logged_model_of(folder) or self._logged_model_at(folder):
            return self._file_of_logged_model(model_id)
        raise RegistryError(f"`{safe_uri(folder)}` is in no run of {self.uri}")

    def stored_mlmodel(self, files: VersionFiles) -> bytes:
        """Return a version's `MLmodel` file as the server finds it."""
        asked = {"name": files.model, "version": str(files.version), "path": MLMODEL}
        return self._http.file("model-versions/get-artifact", asked, largest=LARGEST_FILE)

    def artifacts_of(self, model: str, version: int) -> str:
        """Return the folder in which the server has the files of a version."""
        answer = self._get("model-versions/get-download-uri", name=model, version=str(version))
        return str(answer.get("artifact_uri") or "")

    def folder_at(self, place: str) -> ArtifactFolder:
        """Return the folder that an address means."""
        return version_folder(self, place, self._stores())

    def _stores(self) -> Stores:
        calls = ClientCalls(self.uri, {})  # with the credentials of a store, which are not ours
        return Stores(
            self.uri,
            lambda root: ProxiedFolder(self._http, root),
            lambda uri: MlflowFolder(uri, calls.ask, self.uri, self.uri),
        )

    def _run_of_copy(self, files: VersionFiles) -> RunFolder | None:
        if not is_copy(files.source):
            return None
        return run_folder(self.artifacts_of(files.model, files.version), None)

    def _file_of_run(self, folder: RunFolder, run: RunRow | None) -> bytes:
        asked = {"run_uuid": folder.run_id, "path": f"{folder.path}/{MLMODEL}"}
        try:
            return self._http.file("get-artifact", asked, largest=LARGEST_FILE)
        except NotFound:
            model_id = logged_by(run, folder, self.logged_model)
            if model_id is None:
                raise
        return self._file_of_logged_model(model_id)

    def _logged_model_at(self, folder: str) -> str | None:
        model_id = logged_model_at(folder)
        if model_id is None or self.logged_model(model_id).info.artifact_uri != folder:
            return None
        return model_id

    def _file_of_logged_model(self, model_id: str) -> bytes:
        path = f"ajax-api/2.0/mlflow/logged-models/{quote(model_id, safe='')}/artifacts/files"
        return self._http.file(path, {"artifact_file_path": MLMODEL}, largest=LARGEST_FILE)

    def _get(self, path: str, **params: str) -> dict[str, Any]:
        return self._http.get(f"{_API}/{path}", params, largest=LARGEST_ANSWER)
