"""A folder of a run with the files of a logged model over it, as MLflow 3 downloads `runs:/`."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

from reconciler.errors import NotFound, RegistryError
from reconciler.registries.artifacts.folder import ArtifactFolder, FolderEntry


class OverlaidFolder:
    """Two folders as one; where both have a file, that of `above` counts."""

    def __init__(self, below: ArtifactFolder, above: ArtifactFolder) -> None:
        self._below = below
        self._above = above
        self._from_above: set[str] = set()

    @property
    def where(self) -> str:
        """The address of the folder that counts more."""
        return self._above.where

    def entries(self, path: str) -> Sequence[FolderEntry]:
        """Return what is directly in a folder of either."""
        above = _entries(self._above, path)
        kinds = {entry.name: entry.is_folder for entry in above}
        below = _entries(self._below, path)
        for entry in below:
            if kinds.get(entry.name, entry.is_folder) is not entry.is_folder:
                at = f"{self._below.where}/{path}/{entry.name}"
                raise RegistryError(
                    f"`{at}` is a file and a folder at once, in a run and its model"
                )
        at = f"{path}/" if path else ""
        self._from_above.update(at + entry.name for entry in above if not entry.is_folder)
        return [*above, *(entry for entry in below if entry.name not in kinds)]

    def chunks(self, path: str, size: int | None) -> AbstractContextManager[Iterator[bytes]]:
        """Open a file, to be read piece by piece."""
        folder = self._above if path in self._from_above else self._below
        return folder.chunks(path, size)


def _entries(folder: ArtifactFolder, path: str) -> Sequence[FolderEntry]:
    try:
        return folder.entries(path)
    except NotFound:
        return []
