"""A folder of an artifact store, and a walk through it that no answer can lead astray."""

import threading
import time
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from reconciler.core.artifacts.model_files import ListedFile, is_left_out, listing
from reconciler.errors import RegistryError
from reconciler.ports.parallel import each

_THREADS: Final = 8
# Control characters, and those that stand for bytes which are no UTF-8.
_UNREADABLE: Final = frozenset({"Cc", "Cs"})
_LARGEST: Final = 2**63 - 1  # bytes of one file, in any file system


class FolderEntry(NamedTuple):
    """A file or folder in a listing; `size` is in bytes, None where the store does not tell it."""

    name: str
    is_folder: bool
    size: int | None = None


class ArtifactFolder(Protocol):
    """The folder of a version in a store; safe to use from several threads.

    Paths are relative, with `/` between their parts. Every method may raise `RegistryError`.
    """

    @property
    def where(self) -> str:
        """The address for messages, without credentials."""
        ...

    def entries(self, path: str) -> Sequence[FolderEntry]:
        """Return what is directly in a folder; "" is the folder itself."""
        ...

    def chunks(self, path: str, size: int | None) -> AbstractContextManager[Iterator[bytes]]:
        """Open a file, to be read piece by piece; `size` is the listed one, in bytes."""
        ...


@dataclass(frozen=True, slots=True)
class WalkLimits:
    """The end of a listing: numbers of files, of folders, of levels below the top, and seconds."""

    files: int = 100_000
    folders: int = 10_000
    levels: int = 64
    seconds: float = 600.0


_LIMITS: Final = WalkLimits()


def walk(
    folder: ArtifactFolder,
    *,
    limits: WalkLimits = _LIMITS,
    stop: threading.Event | None = None,
) -> tuple[ListedFile, ...]:
    """Return every file that counts in a folder and those below it, in the order of their names.

    Raises `RegistryError` for a listing that has no end, leads out of the folder, or is empty, and
    where `stop` was set.
    """
    listed = _Walk(folder, limits, stop or threading.Event()).files()
    if not listed:
        raise RegistryError(f"`{folder.where}` holds no file of a model")
    if any(file.size for file in listed):
        # MLflow leaves out the size of an empty file, and nothing but that one.
        listed = [file._replace(size=file.size or 0) for file in listed]
    return listing(listed)


class _Walk:
    """One walk, level by level; what was listed so far counts against its limits at once."""

    def __init__(self, folder: ArtifactFolder, limits: WalkLimits, stop: threading.Event) -> None:
        self._folder = folder
        self._limits = limits
        self._stop = stop
        self._until = time.monotonic() + limits.seconds
        self._counting = threading.Lock()
        self._files: list[ListedFile] = []
        self._folders = 0

    def files(self) -> list[ListedFile]:
        level = [""]
        for _ in range(self._limits.levels + 1):
            below = each(self._list, level, threads=_THREADS, stop=self._stop)
            if self._stop.is_set():
                raise RegistryError("interrupted while the files of a version were listed")
            level = [path for paths in below for path in paths]
            if not level:
                return self._files
        raise self._refused(f"has folders more than {self._limits.levels} levels deep")

    def _list(self, path: str) -> list[str]:
        """Note the files of one folder, and return the folders in it."""
        if time.monotonic() > self._until:
            raise self._refused(f"took more than {self._limits.seconds:g} s to be listed")
        entries = _checked(self._folder, path, self._entries(path))
        folders = [at for at, entry in entries if entry.is_folder]
        with self._counting:
            self._files += [ListedFile(at, e.size) for at, e in entries if not e.is_folder]
            self._folders += len(folders)
            if len(self._files) > self._limits.files:
                raise self._refused(f"lists more than {self._limits.files:,} files")
            if self._folders > self._limits.folders:
                raise self._refused(f"lists more than {self._limits.folders:,} folders")
        return folders

    def _entries(self, path: str) -> Sequence[FolderEntry]:
        try:
            return self._folder.entries(path)
        except RegistryError as error:
            if path:  # what is said of the folder itself is said of the version
                put_place(error, f"{self._folder.where}/{path}")
            raise

    def _refused(self, why: str) -> RegistryError:
        return RegistryError(f"`{self._folder.where}` {why}")


def put_place(error: RegistryError, place: str) -> None:
    """Name what an error is about, unless its message does."""
    if place not in error.message:
        error.message = f"`{place}`: {error.message}"
        error.args = (error.message,)


def _checked(
    folder: ArtifactFolder, path: str, entries: Collection[FolderEntry]
) -> list[tuple[str, FolderEntry]]:
    """Return the entries that count, with their paths; each is one new name in that folder."""
    at = f"{path}/" if path else ""
    seen: set[str] = set()
    for entry in entries:
        wrong = _wrong_name(entry.name)
        if entry.name in seen:
            wrong = "twice: a folder has each name once"
        elif wrong is None and entry.size is not None and not 0 <= entry.size <= _LARGEST:
            wrong = f"with {entry.size:,} bytes, which no file can have"
        if wrong is not None:
            shown = ascii(at + entry.name)
            raise RegistryError(f"`{folder.where}` lists {shown} {wrong}")
        seen.add(entry.name)
    return [(at + entry.name, entry) for entry in entries if not is_left_out(at + entry.name)]


def _wrong_name(name: str) -> str | None:
    """Return why a store may not list a name, None where it may."""
    if name in {"", ".", ".."} or "/" in name or "\\" in name:
        return "which leads elsewhere: a name is that of a file in the folder"
    if any(unicodedata.category(letter) in _UNREADABLE for letter in name):
        return "which nobody can read: a name is UTF-8, without control characters"
    return None
