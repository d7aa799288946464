"""A folder whose files an MLflow server passes on (`mlflow-artifacts:`), not touching the disk."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Final
from urllib.parse import quote, unquote

from reconciler.errors import RegistryError
from reconciler.registries.artifacts.folder import FolderEntry
from reconciler.registries.http_client import Http
from reconciler.registries.responses import FileRow, rows

_ROUTE: Final = "api/2.0/mlflow-artifacts/artifacts"


class ProxiedFolder:
    """A folder below the artifact root of an MLflow server."""

    def __init__(self, http: Http, root: str) -> None:
        self._http = http
        self._root = root.strip("/")
        # They would be taken out of the path of a request, which then names something else.
        if {".", ".."} & set(self._root.split("/")):
            raise RegistryError(f"`{self.where}` leads out of the artifacts of a server")

    @property
    def where(self) -> str:
        """The address of the folder."""
        return f"mlflow-artifacts:/{self._root}"

    def entries(self, path: str) -> Sequence[FolderEntry]:
        """Return what is directly in a folder."""
        answer = self._http.get(_ROUTE, {"path": self._below(path)})
        return [
            FolderEntry(row.path, row.is_dir, None if row.is_dir else row.file_size)
            for row in rows(FileRow, answer, "files")
        ]

    def chunks(self, path: str, size: int | None) -> AbstractContextManager[Iterator[bytes]]:
        """Open a file, to be read piece by piece."""
        return self._http.stream(f"{_ROUTE}/{quote(self._below(path))}", size)

    def _below(self, path: str) -> str:
        below = f"{self._root}/{path}" if path else self._root
        # MLflow decodes a path until nothing changes any more.
        if unquote(below) != below:
            other = unquote(below.rpartition("/")[2])
            message = f"`mlflow-artifacts:/{below}`: its server would read {other!a} instead"
            raise RegistryError(message, hint="rename the file, and log the model again")
        return below
