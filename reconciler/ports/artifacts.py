"""The port to the files of one version, wherever they are stored."""

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias

from reconciler.core.artifacts.model_files import ListedFile, ModelFiles

OnBytes: TypeAlias = Callable[[int], None]
ReadBytes: TypeAlias = Callable[[str, int], ModelFiles]


class BytesProgress(NamedTuple):
    """How far the reading of a version is: bytes read so far, and in all, None if not known.

    `files` are counted once they are listed. `is_over` is true once, at the end, and `is_read`
    with it where all was read.

    >>> reconciler.BytesProgress("fraud", 4, done=512, total=2048).is_over
    False
    """

    model: str
    version: int
    done: int
    total: int | None
    is_over: bool = False
    files: int | None = None
    is_read: bool = False


def ignore_bytes(_: int) -> None:
    """Do nothing with the number of bytes that were read."""


class Artifacts(Protocol):
    """The files of one version. Making one sends no request.

    Every method raises `RegistryError` for what cannot be read, is without end, or names a place
    outside of the version's folder; a folder without any file is such an error, too.
    """

    def address(self) -> str:
        """Return where the folder is, as its store names it, without credentials.

        What names a run, a logged model or another version is followed; the store is not asked.
        """
        ...

    def listing(self) -> tuple[ListedFile, ...]:
        """Return the files that count, in the order of their names; lists each folder once."""
        ...

    def read(self, on_bytes: OnBytes = ignore_bytes) -> ModelFiles:
        """Read every file that counts; `on_bytes` is called from several threads with lengths.

        A file that is read again from its start takes back what was counted of it.
        """
        ...
