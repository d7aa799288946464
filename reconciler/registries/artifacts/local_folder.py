"""A folder on this machine; a symbolic link in it is refused, wherever it leads."""

import io
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from reconciler.errors import NotFound, RegistryError
from reconciler.registries.artifacts.folder import FolderEntry

_CHUNK: Final = 1024 * 1024
# No link is followed, and a pipe does not wait for somebody who writes into it.
_GUARDS: Final = ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC")
_FLAGS: Final = reduce(or_, (getattr(os, name, 0) for name in _GUARDS), os.O_RDONLY)
# MLflow's local store writes into such a file, and does not list it.
_BEING_UPLOADED: Final = ".artifact.uploading."
_OTHER_MACHINE: Final = "is it on the disk of another machine?"


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
            with self._opened(path) as folder, os.scandir(folder) as found:
                return [
                    self._entry(path, entry)
                    for entry in found
                    if not entry.name.startswith(_BEING_UPLOADED)
                ]
        except OSError as error:
            raise self._unreadable(path, error) from error

    @contextmanager
    def chunks(self, path: str, size: int | None) -> Iterator[Iterator[bytes]]:  # noqa: ARG002  the caller counts
        """Open a file, to be read piece by piece."""
        try:
            with self._opened(path) as descriptor:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise self._irregular(path)
                file = io.FileIO(descriptor, closefd=False)
                yield iter(lambda: file.read(_CHUNK), b"")
        except OSError as error:
            raise self._unreadable(path, error) from error

    @contextmanager
    def _opened(self, path: str) -> Iterator[int]:
        """Open what a path means, each part in the folder before it, so that no link is followed.

        The folder of the version itself may be reached by links: the user named it.
        """
        with ExitStack() as opened:
            at = os.open(self._path, os.O_RDONLY)
            opened.callback(os.close, at)
            for part in path.split("/") if path else ():
                at = os.open(part, _FLAGS, dir_fd=at)
                opened.callback(os.close, at)
            yield at

    def _entry(self, path: str, entry: "os.DirEntry[str]") -> FolderEntry:
        found = entry.stat(follow_symlinks=False)
        is_folder = stat.S_ISDIR(found.st_mode)
        if not is_folder and not stat.S_ISREG(found.st_mode):
            raise self._irregular(f"{path}/{entry.name}" if path else entry.name)
        return FolderEntry(entry.name, is_folder, None if is_folder else found.st_size)

    def _irregular(self, path: str) -> RegistryError:
        kind = "a symbolic link" if (self._path / path).is_symlink() else "a pipe or a device"
        return RegistryError(f"`{self._path / path}` is {kind}: a model's files are regular files")

    def _unreadable(self, path: str, error: OSError) -> RegistryError:
        if (self._path / path).is_symlink() and path:
            return self._irregular(path)
        reason = (error.strerror or type(error).__name__).lower()
        message = f"`{self._path / path}` cannot be read: {reason}"
        if isinstance(error, FileNotFoundError):
            return NotFound(message, hint=None if path else _OTHER_MACHINE)
        return RegistryError(message)


def local_path(uri: str) -> Path:
    """Return the path of a folder on this machine, as MLflow reads a path or a `file:` URI."""
    parts = urlsplit(uri)
    return Path(url2pathname(parts.path if parts.scheme == "file" else uri))
