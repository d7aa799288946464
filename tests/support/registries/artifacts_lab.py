"""Models with files, in the stores of real servers, and the digest of model signing."""

import gzip
import itertools
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from reconciler.core.artifacts.model_files import ModelFiles
from reconciler.registries.connect import connect

# Names that sort otherwise as text, and those that a store may spoil.
FILES: Final[Mapping[str, bytes]] = {
    "MLmodel": b"flavors: {}\n",
    "a/b": b"in a folder",
    "a.b": b"beside it",
    "a-b/c": b"in another one",
    "\xfcn\xef/\N{GRINNING FACE} e\N{COMBINING ACUTE ACCENT}.bin": bytes(range(256)),
    "empty": b"",
    "packed.csv.gz": gzip.compress(b"1,2\n" * 100, mtime=0),
    "code/.gitignore": b"counts, below the top",
    "with space & 100% + more.txt": b"x",
    "weights.bin": b"0123456789abcdef" * 200_000,
}
_numbers = itertools.count()


def write_files(folder: Path, files: Mapping[str, bytes] = FILES) -> Path:
    """Write the files of a model into a folder."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def signed_digest(folder: Path, *ignored: str) -> str:
    """Return the subject digest that model signing gives a folder."""
    from model_signing import hashing  # noqa: PLC0415  half a second, for who needs it
    from model_signing._signing import signing  # noqa: PLC0415  the same

    config = hashing.Config().set_ignored_paths(paths=ignored)  # type: ignore[no-untyped-call]
    (subject,) = signing.Payload(config.hash(folder)).statement.pb.subject
    return f"sha256:{subject.digest['sha256']}"


@dataclass(frozen=True)
class ArtifactsLab:
    """A registry whose versions have files below `root`, or where its server stores them."""

    uri: str
    root: str
    environ: Mapping[str, str]

    @cached_property
    def client(self) -> Any:
        from mlflow import MlflowClient  # noqa: PLC0415  1.1 s, for who needs it

        return MlflowClient(self.uri, self.uri)

    @cached_property
    def experiment(self) -> str:
        name = f"files {next(_numbers)} {self.root}"
        made: str = self.client.create_experiment(name, self.root or None)
        return made

    def log_run(self, folder: Path) -> tuple[str, str]:
        """Log a folder as `model` of a run; return the run's id and the address of the folder."""
        run = self.client.create_run(self.experiment)
        self.client.log_artifacts(run.info.run_id, str(folder), "model")
        return run.info.run_id, f"{run.info.artifact_uri}/model"

    def log_model(self, folder: Path, run_id: str | None = None) -> tuple[str, str]:
        """Log a folder as a model of MLflow 3; return its id and the address of the folder."""
        from mlflow.entities import LoggedModelOutput  # noqa: PLC0415  absent before 3.0

        run_id = run_id or self.client.create_run(self.experiment).info.run_id
        logged = self.client.create_logged_model(self.experiment, "model", run_id)
        self.client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
        self.client.log_model_artifacts(logged.model_id, str(folder))
        self.client.finalize_logged_model(logged.model_id, "READY")
        return logged.model_id, logged.artifact_location

    def register(self, model: str, source: str, **more: str) -> int:
        """Register a version, and the model where it is new."""
        from mlflow.exceptions import MlflowException  # noqa: PLC0415  as above
        from mlflow.tracking._model_registry.client import (  # noqa: PLC0415  as above
            ModelRegistryClient,
        )

        # MlflowClient would look up what `runs:/` means, and register that.
        client = ModelRegistryClient(self.uri, self.uri)  # type: ignore[no-untyped-call]
        with self._as_the_only_server():
            with suppress(MlflowException):
                client.create_registered_model(model)
            created = client.store.create_model_version(model, source, **more)
        return int(created.version)

    def download(self, source: str, target: Path) -> Path:
        """Download what an address means, as those do who load it; return the folder."""
        from mlflow.artifacts import download_artifacts  # noqa: PLC0415  as above

        with self._as_the_only_server():
            return Path(download_artifacts(source, dst_path=str(target)))

    def _as_the_only_server(self) -> AbstractContextManager[object]:
        from mlflow.tracking._tracking_service.utils import (  # noqa: PLC0415  as above
            _use_tracking_uri,
        )

        return _use_tracking_uri(self.uri)

    def read(
        self, model: str, version: int, environ: Mapping[str, str] | None = None
    ) -> ModelFiles:
        """Read the files of a version as the reconciler does."""
        registry = connect(self.uri, {**self.environ, **(environ or {})}, timeout=20.0)
        try:
            return registry.artifacts(model, version).read()
        finally:
            registry.close()

    def address(self, model: str, version: int) -> str:
        """Return where the reconciler says that the files of a version are."""
        registry = connect(self.uri, self.environ, timeout=20.0)
        try:
            return registry.artifacts(model, version).address()
        finally:
            registry.close()
