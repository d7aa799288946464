"""A folder in any other store, read by MLflow's own artifact repositories, one file at a time."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeAlias

from reconciler.core.uris import safe_uri
from reconciler.errors import RegistryError
from reconciler.registries.artifacts.folder import FolderEntry
from reconciler.registries.artifacts.mlflow_repository import ByteStream, open_artifacts, stream_of
from reconciler.registries.artifacts.store_failures import broken_stream, store_failure
from reconciler.registries.lent_environment import lent

_CHUNK: Final = 1024 * 1024
_TEMPORARY_HINT: Final = "set TMPDIR to a folder with more space"

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
        listed = self._ask(path, lambda: self._repository.list_artifacts(path or None))
        # Some stores list a folder in itself; MLflow does not download that either.
        return [self._entry(path, info) for info in listed if info.path not in {".", path}]

    @contextmanager
    def chunks(self, path: str, size: int | None) -> Iterator[Iterator[bytes]]:
        """Open a file, to be read piece by piece; only a store without a stream has it copied."""
        stream = self._ask(path, lambda: stream_of(self._repository, path))
        if stream is not None:
            with closing(stream):
                yield iter(lambda: self._piece(path, stream), b"")
            return
        with _temporary_folder(size) as folder:
            copy = self._ask(path, lambda: self._downloaded(path, folder))
            with copy.open("rb", buffering=0) as file:
                yield iter(lambda: file.read(_CHUNK), b"")

    def _piece(self, path: str, stream: ByteStream) -> bytes:
        try:
            return stream.read(_CHUNK)
        except Exception as error:  # boto's own, urllib3's and those of the system
            raise broken_stream(f"{self.where}/{path}", error) from error

    @cached_property
    def _repository(self) -> Any:  # noqa: ANN401  its methods are not typed
        return open_artifacts(self._uri, *self._servers)

    def _entry(self, path: str, info: Any) -> FolderEntry:  # noqa: ANN401  MLflow's own
        prefix = f"{path}/" if path else ""
        listed = str(info.path)
        if not listed.startswith(prefix):
            raise RegistryError(f"`{self.where}` lists {listed!a} in the folder `{path}`")
        size = None if info.is_dir or info.file_size is None else int(info.file_size)
        return FolderEntry(listed.removeprefix(prefix), bool(info.is_dir), size)

    def _downloaded(self, path: str, folder: Path) -> Path:
        copy = folder / "file"
        with lent("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false"):
            # The public method lists the store once more, to learn whether it is a folder.
            self._repository._download_file(path, str(copy))  # noqa: SLF001
            if not copy.is_file():  # Unity Catalog has the public method only
                copy = Path(self._repository.download_artifacts(path, str(folder)))
        if not copy.is_file():
            raise FileNotFoundError("the store sent no file")
        return copy

    def _ask(self, path: str, question: Callable[[], Any]) -> Any:  # noqa: ANN401  MLflow's own
        def asked() -> Any:  # noqa: ANN401  the same
            with self._translated(path):
                return question()

        return self._call(asked)

    @contextmanager
    def _translated(self, path: str) -> Iterator[None]:
        try:
            yield
        except RegistryError:
            raise
        except Exception as error:  # each library of a store has errors of its own, plugins too
            where = f"{self.where}/{path}" if path else self.where
            raise store_failure(self._uri, where, error) from error


@contextmanager
def _temporary_folder(size: int | None) -> Iterator[Path]:
    """Make a folder with room for a file, which is gone afterwards, whatever happens."""
    try:
        with tempfile.TemporaryDirectory(prefix="reconciler-", ignore_cleanup_errors=True) as made:
            folder = Path(made)
            free = shutil.disk_usage(folder).free
            if size is not None and size > free:
                message = (
                    f"a file of {size:,} bytes does not fit into {folder.parent}: {free:,} are free"
                )
                raise RegistryError(message, hint=_TEMPORARY_HINT)
            yield folder
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        message = f"the copy of a file in {tempfile.gettempdir()} cannot be kept: {reason}"
        raise RegistryError(message, hint=_TEMPORARY_HINT) from error
