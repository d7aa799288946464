"""The files of one version: found when they are first asked for, listed once, read in threads."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Final

from reconciler.core.artifacts.model_files import HashedFile, ListedFile, ModelFiles, model_files
from reconciler.errors import AnswerLost, RegistryError
from reconciler.ports.artifacts import OnBytes, ignore_bytes
from reconciler.ports.parallel import each
from reconciler.registries.artifacts.folder import ArtifactFolder, put_place, walk

_THREADS: Final = 8
_TRIES: Final = 3  # one connection that breaks should not cost what the other files took
_LARGEST_UNLISTED: Final = 16 * 1024**3  # bytes of a file whose size no listing tells


class _Reading:
    """What was read of one file so far."""

    def __init__(self, on_bytes: OnBytes) -> None:
        self._on_bytes = on_bytes
        self.has_begun = False
        self.size = 0
        self.digest = hashlib.sha256()

    def add(self, chunk: bytes) -> None:
        self.digest.update(chunk)
        self.size += len(chunk)
        self._on_bytes(len(chunk))


class VersionArtifacts:
    """The files below a version's folder, which `find` looks up; `stop` ends the reading.

    `locate` returns its address, without credentials.
    """

    def __init__(
        self,
        find: Callable[[], ArtifactFolder],
        stop: threading.Event,
        locate: Callable[[], str],
    ) -> None:
        self._find = find
        self._stop = stop
        self._locate = locate

    def address(self) -> str:
        """Return where the folder is, as its store names it."""
        return self._locate()

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
        """Read a file, from its start again where the connection broke after the answer began."""
        with self._named(file, over):
            for tries_left in reversed(range(_TRIES)):
                reading = _Reading(on_bytes)
                try:
                    self._read(file, reading, over)
                    break
                except AnswerLost:
                    if not (reading.has_begun and tries_left):
                        raise
                    on_bytes(-reading.size)
        return HashedFile(file.path, reading.size, reading.digest.hexdigest())

    def _read(self, file: ListedFile, reading: "_Reading", over: "_Over") -> None:
        most = _LARGEST_UNLISTED if file.size is None else file.size
        with self._folder.chunks(file.path, file.size) as chunks:
            reading.has_begun = True
            for chunk in chunks:
                over.check()
                reading.add(chunk)
                if reading.size > most:
                    break
        if reading.size > most or (file.size is not None and reading.size < file.size):
            how = "more" if reading.size > most else "fewer"
            raise RegistryError(
                f"`{self._folder.where}/{file.path}` has {how} bytes than the {most:,} that are"
                " listed: it was changed, or the store is wrong"
            )

    @contextmanager
    def _named(self, file: ListedFile, over: "_Over") -> Iterator[None]:
        """Say in an error which file it is about; nobody waits for the other files then."""
        try:
            yield
        except RegistryError as error:
            if over.is_failed_by(error):  # which is about another file
                raise
            put_place(error, f"{self._folder.where}/{file.path}")
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

    def is_failed_by(self, error: RegistryError) -> bool:
        """Return whether an error is one of those that ended the reading."""
        return any(error is known for known in self._failures)

    def is_set(self) -> bool:
        """Return whether the reading is over."""
        return super().is_set() or self._stop.is_set()

    def check(self) -> None:
        """Raise `RegistryError` where the reading is over: the first failure, if there was one."""
        if self._failures:
            raise self._failures[0]
        if self.is_set():
            raise RegistryError("interrupted while the files of a version were read")
