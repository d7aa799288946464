"""Reads runs, logged models and `MLmodel` files through MLflow's client; creates nothing."""

import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from reconciler.core.uris import safe_uri, scheme_of
from reconciler.errors import NotFound, RegistryError
from reconciler.registries.lent_environment import lent
from reconciler.registries.responses import row
from reconciler.registries.run_responses import LoggedModelRow, RunRow
from reconciler.registries.version_facts import LARGEST_FILE

# The registrant of a version chooses its host, and the client would send credentials there.
_OTHER_HOSTS: Final = frozenset({"http", "https", "ftp", "sftp"})
# The libraries of artifact stores have their own exception classes.
_STORE_ERRORS: Final = (
    ("botocore.exceptions", ("BotoCoreError", "ClientError")),
    ("google.api_core.exceptions", ("GoogleAPIError",)),
    ("google.auth.exceptions", ("GoogleAuthError",)),
    ("azure.core.exceptions", ("AzureError",)),
)


class Opens(Protocol):
    """Opens MLflow's other stores; both results are untyped objects of MLflow."""

    def tracking(self, uri: str) -> Any:  # noqa: ANN401  MLflow's own
        """Return a client for the runs; raises `RegistryError` where it would create a store."""
        ...

    def artifacts(self, folder: str, tracking_uri: str, registry_uri: str) -> Any:  # noqa: ANN401  the same
        """Return a reader of the files in an artifact folder."""
        ...


class ClientTracking:
    """The tracking server of a registry; `ask` counts a call and translates its errors."""

    def __init__(
        self,
        uri: str,
        *,
        opens: Opens,
        ask: Callable[[Callable[[], Any]], Any],
        artifacts_of: Callable[[str, int], str],
    ) -> None:
        self._registry_uri = uri
        self._opens = opens
        self._ask = ask
        self._artifacts_of = artifacts_of
        self._opening = threading.Lock()
        self.opened: Any = None  # the client, once it was needed

    def run(self, run_id: str) -> RunRow:
        """Return a run, also a deleted one."""
        found = self._ask(lambda: self._client().get_run(run_id))
        return row(RunRow, {"run": found}, "run")

    def logged_model(self, model_id: str) -> LoggedModelRow:
        """Return a logged model of MLflow 3."""
        found = self._ask(lambda: self._client().get_logged_model(model_id))
        data = {"metrics": found.metrics, "params": found.params}
        return row(LoggedModelRow, {"model": {"data": data}}, "model")

    def mlmodel(self, model: str, version: int) -> bytes:
        """Return a version's `MLmodel` file from its artifact store."""
        folder = self._artifacts_of(model, version)
        parts = urlsplit(folder)
        if parts.scheme in _OTHER_HOSTS or (parts.scheme == "mlflow-artifacts" and parts.netloc):
            raise RegistryError(f"its artifacts are on another host, `{safe_uri(folder)}`")
        content: bytes = self._ask(lambda: self._read(folder))
        return content

    def _read(self, folder: str) -> bytes:
        tracking_uri = _tracking_uri(self._registry_uri)
        try:
            return _mlmodel_in(self._opens.artifacts(folder, tracking_uri, self._registry_uri))
        except _store_errors() as error:
            # Its text may contain a signed URL.
            raise RegistryError(f"`{safe_uri(folder)}`: {type(error).__name__}") from error

    def _client(self) -> Any:  # noqa: ANN401  its methods are not typed
        with self._opening:
            if self.opened is None:
                self.opened = self._opens.tracking(_tracking_uri(self._registry_uri))
            return self.opened


def _mlmodel_in(artifacts: Any) -> bytes:  # noqa: ANN401  MLflow's own
    sizes = {info.path: info.file_size for info in artifacts.list_artifacts()}
    if "MLmodel" not in sizes:
        raise NotFound("no such file")
    if (sizes["MLmodel"] or 0) > LARGEST_FILE:
        raise RegistryError(f"it is larger than {LARGEST_FILE} bytes")
    no_bar = lent("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    with tempfile.TemporaryDirectory() as folder, no_bar:
        return Path(artifacts.download_artifacts("MLmodel", folder)).read_bytes()


def _tracking_uri(registry_uri: str) -> str:
    """Return the URI of a registry's runs: its own URI, except for Unity Catalog."""
    match scheme_of(registry_uri):
        case "databricks-uc":
            return registry_uri.replace("databricks-uc", "databricks", 1)
        case "uc":
            raise RegistryError("open-source Unity Catalog has no runs")
        case _:
            return registry_uri


def _store_errors() -> tuple[type[Exception], ...]:
    """Return the exception classes of the storage libraries that were loaded."""
    loaded = (
        getattr(sys.modules[module], name)
        for module, names in _STORE_ERRORS
        if module in sys.modules
        for name in names
    )
    return (OSError, *loaded)
