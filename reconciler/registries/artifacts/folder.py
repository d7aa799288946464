"""A folder of an artifact store, and a walk through it that no answer can lead astray."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Final, NamedTuple, Protocol

from reconciler.core.artifacts.model_files import ListedFile, listing
from reconciler.errors import RegistryError
from reconciler.ports.parallel import each

_MOST_FILES: Final = 100_000
_DEEPEST: Final = 64
_THREADS: Final = 8


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

    def chunks(self, path: str) -> AbstractContextManager[Iterator[bytes]]:
        """Open a file, to be read piece by piece."""
        ...


def walk(folder: ArtifactFolder) -> tuple[ListedFile, ...]:
    """Return every file that counts in a folder and those below it, in the order of their names.

    Raises `RegistryError` for a listing that has no end, leads out of the folder, or is empty.
    """
    files: list[ListedFile] = []
    level = [""]
    for _ in range(_DEEPEST):
        found = each(folder.entries, level, threads=_THREADS)
        below = []
        for path, entries in zip(level, found, strict=True):
            names = _checked(folder, path, entries)
            files += [ListedFile(name, e.size) for name, e in names if not e.is_folder]
            below += [name for name, entry in names if entry.is_folder]
        if len(files) + len(below) > _MOST_FILES:
            raise RegistryError(f"`{folder.where}` lists more than {_MOST_FILES:,} files")
        if not below:
            break
        level = below
    else:
        raise RegistryError(f"`{folder.where}` has folders more than {_DEEPEST} levels deep")
    counted = listing(files)
    if not counted:
        raise RegistryError(f"`{folder.where}` holds no file of a model")
    return counted


def _checked(
    folder: ArtifactFolder, path: str, entries: Collection[FolderEntry]
) -> list[tuple[str, FolderEntry]]:
    """Return the entries with their paths; each is one new name in that folder."""
    if len(entries) > _MOST_FILES:
        raise RegistryError(f"`{folder.where}` lists more than {_MOST_FILES:,} files")
    seen: set[str] = set()
    for entry in entries:
        name = entry.name
        if name in {"", ".", ".."} or "/" in name or "\0" in name or name in seen:
            message = f"`{folder.where}` lists {name!r}, which is no name of a file in it"
            raise RegistryError(message)
        seen.add(name)
    return [(f"{path}/{entry.name}" if path else entry.name, entry) for entry in entries]
