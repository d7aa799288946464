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
        hashed = partial(self._hashed, on_bytes=on_bytes)
        files = each(hashed, self._listed, threads=_THREADS, stop=self._stop)
        self._check_stop()
        return model_files(files)

    @cached_property
    def _folder(self) -> ArtifactFolder:
        return self._find()

    @cached_property
    def _listed(self) -> tuple[ListedFile, ...]:
        return walk(self._folder, stop=self._stop)

    def _hashed(self, file: ListedFile, on_bytes: OnBytes) -> HashedFile:
        read, digest = 0, hashlib.sha256()
        most = _LARGEST_UNLISTED if file.size is None else file.size
        with self._named(file), self._folder.chunks(file.path, file.size) as chunks:
            for chunk in chunks:
                self._check_stop()
                digest.update(chunk)
                read += len(chunk)
                on_bytes(len(chunk))
                if read > most:
                    break
        if read > most or (file.size is not None and read < file.size):
            raise RegistryError(
                f"`{self._folder.where}/{file.path}` has {'more' if read > most else 'fewer'} bytes"
                f" than the {most:,} that are listed: it was changed, or the store is wrong"
            )
        return HashedFile(file.path, read, digest.hexdigest())

    @contextmanager
    def _named(self, file: ListedFile) -> Iterator[None]:
        """Say in an error which file it is about."""
        try:
            yield
        except RegistryError as error:
            place = f"{self._folder.where}/{file.path}"
            if place not in error.message:
                error.message = f"`{place}`: {error.message}"
                error.args = (error.message,)
            raise

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise RegistryError("interrupted while the files of a version were read")
