"""The files of one version: found when they are first asked for, listed once, read in threads."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Final

from reconciler.core.artifacts.model_files import HashedFile, ListedFile, ModelFiles, model_files
from reconciler.errors import RegistryError
from reconciler.ports.artifacts import OnBytes, ignore_bytes
from reconciler.ports.parallel import each
from reconciler.registries.artifacts.folder import ArtifactFolder, walk

_THREADS: Final = 8
_LARGEST_UNLISTED: Final = 16 * 1024**3  # bytes of a file whose size no listing tells


class VersionArtifacts:
    """The files below a version's folder, which `find` looks up; `stop` ends the reading."""

    def __init__(self, find: Callable[[], ArtifactFolder], stop: threading.Event) -> None:
        self._find = find
        self._stop = stop

    def listing(self) -> tuple[ListedFile, ...]:
        """Return the files that count, in the order of their names."""
        return self._listed

    def read(self, on_bytes: OnBytes = ignore_bytes) -> ModelFiles:
        """Read every file that counts."""
        over = _Over(self._stop)
        hashed = partial(self._hashed, on_bytes=on_bytes, over=over)
        try:
            files = each(hashed, self._listed, threads=_THREADS, stop=over)
        except RegistryError:
            over.check()  # raises the first of several errors, which ended the others
            raise
        over.check()
        return model_files(files)

    @cached_property
    def _folder(self) -> ArtifactFolder:
        return self._find()

    @cached_property
    def _listed(self) -> tuple[ListedFile, ...]:
        return walk(self._folder, stop=self._stop)

    def _hashed(self, file: ListedFile, on_bytes: OnBytes, over: "_Over") -> HashedFile:
        read, digest = 0, hashlib.sha256()
        most = _LARGEST_UNLISTED if file.size is None else file.size
        with self._named(file, over), self._folder.chunks(file.path, file.size) as chunks:
            for chunk in chunks:
                over.check()
                digest.update(chunk)
                read += len(chunk)
                on_bytes(len(chunk))
                if read > most:
                    break
            if read > most or (file.size is not None and read < file.size):
                how = "more" if read > most else "fewer"
                raise RegistryError(
                    f"`{self._folder.where}/{file.path}` has {how} bytes than the {most:,} that are"
                    " listed: it was changed, or the store is wrong"
                )
        return HashedFile(file.path, read, digest.hexdigest())

    @contextmanager
    def _named(self, file: ListedFile, over: "_Over") -> Iterator[None]:
        """Say in an error which file it is about; nobody waits for the other files then."""
        try:
            yield
        except RegistryError as error:
            place = f"{self._folder.where}/{file.path}"
            if place not in error.message:
                error.message = f"`{place}`: {error.message}"
                error.args = (error.message,)
            over.fail(error)
            raise


class _Over(threading.Event):
    """The end of one reading: by a failure, an interruption, or the event that ends everything."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self._stop = stop
        self._failures: list[RegistryError] = []

    def fail(self, error: RegistryError) -> None:
        """End the reading because of an error."""
        self._failures.append(error)
        self.set()

    def is_set(self) -> bool:
        """Return whether the reading is over."""
        return super().is_set() or self._stop.is_set()

    def check(self) -> None:
        """Raise `RegistryError` where the reading is over: the first failure, if there was one."""
        if self._failures:
            raise self._failures[0]
        if self.is_set():
            raise RegistryError("interrupted while the files of a version were read")
