"""A folder on this machine; a symbolic link in it is refused, wherever it leads."""

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from reconciler.errors import RegistryError
from reconciler.registries.artifacts.folder import FolderEntry

_CHUNK: Final = 1024 * 1024


class LocalFolder:
    """A version's folder in the file system."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def where(self) -> str:
        """The path of the folder."""
        return str(self._path)

    def entries(self, path: str) -> Sequence[FolderEntry]:
        """Return what is directly in a folder."""
        try:
            with os.scandir(self._path / path) as found:
                return [self._entry(entry) for entry in found]
        except OSError as error:
            hint = "its artifacts are on the disk of another machine?" if not path else None
            raise self._unreadable(path, error, hint) from error

    @contextmanager
    def chunks(self, path: str) -> Iterator[Iterator[bytes]]:
        """Open a file, to be read piece by piece."""
        try:
            descriptor = os.open(self._path / path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            with io.FileIO(descriptor) as file:
                yield iter(lambda: file.read(_CHUNK), b"")
        except OSError as error:
            raise self._unreadable(path, error) from error

    def _entry(self, entry: "os.DirEntry[str]") -> FolderEntry:
        is_folder = entry.is_dir(follow_symlinks=False)
        if not is_folder and not entry.is_file(follow_symlinks=False):
            kind = "a symbolic link" if entry.is_symlink() else "no regular file"
            raise RegistryError(f"`{entry.path}` is {kind}: a model's files are regular files")
        size = None if is_folder else entry.stat(follow_symlinks=False).st_size
        return FolderEntry(entry.name, is_folder, size)

    def _unreadable(self, path: str, error: OSError, hint: str | None = None) -> RegistryError:
        reason = (error.strerror or type(error).__name__).lower()
        return RegistryError(f"`{self._path / path}` cannot be read: {reason}", hint=hint)


def local_path(uri: str) -> Path:
    """Return the path of a folder on this machine: a path, or a `file:` URI."""
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme == "file" else Path(uri)
