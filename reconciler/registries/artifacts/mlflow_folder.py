"""A folder in any other store, read by MLflow's own artifact repositories, one file at a time."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeAlias

from reconciler.core.uris import safe_uri
from reconciler.errors import RegistryError
from reconciler.registries.artifacts.folder import FolderEntry
from reconciler.registries.artifacts.mlflow_repository import open_artifacts, store_errors
from reconciler.registries.lent_environment import lent

_CHUNK: Final = 1024 * 1024

ClientCall: TypeAlias = Callable[[Callable[[], Any]], Any]


class MlflowFolder:
    """A version's folder in a store that MLflow knows; each file is downloaded, read, removed."""

    def __init__(self, uri: str, ask: ClientCall, tracking_uri: str, registry_uri: str) -> None:
        self._uri = uri
        self._call = ask
        self._servers = tracking_uri, registry_uri

    @property
    def where(self) -> str:
        """The URI of the folder, without credentials."""
        return safe_uri(self._uri)

    def entries(self, path: str) -> Sequence[FolderEntry]:
        """Return what is directly in a folder."""
        listed = self._ask(lambda: self._repository.list_artifacts(path or None))
        prefix = f"{path}/" if path else ""
        return [
            FolderEntry(str(info.path).removeprefix(prefix), bool(info.is_dir), info.file_size)
            for info in listed
        ]

    @contextmanager
    def chunks(self, path: str) -> Iterator[Iterator[bytes]]:
        """Open a file, to be read piece by piece."""
        with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
            copy = Path(folder, "file")
            with lent("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false"):
                # The public method lists the store once more, to learn whether it is a folder.
                self._ask(lambda: self._repository._download_file(path, str(copy)))  # noqa: SLF001
            with copy.open("rb", buffering=0) as file:
                yield iter(lambda: file.read(_CHUNK), b"")

    @cached_property
    def _repository(self) -> Any:  # noqa: ANN401  its methods are not typed
        return open_artifacts(self._uri, *self._servers)

    def _ask(self, question: Callable[[], Any]) -> Any:  # noqa: ANN401  MLflow's own
        def asked() -> Any:  # noqa: ANN401  the same
            try:
                return question()
            except store_errors() as error:
                # Its text may contain a signed URL.
                message = f"`{self.where}`: {type(error).__name__}"
                raise RegistryError(message) from error

        return self._call(asked)
