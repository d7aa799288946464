"""Reads source files and folders, and finds the places that load a model."""

import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.audit.usage.file_kinds import kind_by_content, kind_by_name, may_have_kind
from reconciler.audit.usage.loads import Load
from reconciler.audit.usage.source_scan import source_loads
from reconciler.audit.usage.source_text import is_binary
from reconciler.errors import UsageError

# What other people wrote, what a tool keeps, or copies of what lies beside it.
_LEFT_OUT: Final = frozenset(
    (".git", ".hg", ".svn", "node_modules", "site-packages", "__pycache__", ".ipynb_checkpoints")
)
_LARGEST: Final = 5_000_000  # bytes
_LARGEST_NOTEBOOK: Final = 50_000_000  # pictures are in it
_FIRST_BYTES: Final = 200
_MOST_NAMED: Final = 5  # files in one warning


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found in source files, in the order of files and lines, and what was not read."""

    loads: tuple[Load, ...] = ()
    warnings: tuple[str, ...] = ()
    files: int = 0


def scan_sources(paths: Iterable[str | os.PathLike[str]], root: Path) -> Scan:
    """Return the places in files, and in the files below folders, that load a model.

    A file that is named is always read; below a folder, those of the kinds that can load a model.
    Paths are looked up from `root`, and files below it are named from there. Raises `UsageError`
    for a path that is empty or does not exist.
    """
    reading = _Reading(root.absolute())
    for path in paths:
        if not os.fspath(path):
            raise UsageError("cannot scan an empty path", hint="`.` is the working directory")
        reading.read(reading.root / path)
    loads = [load for file in sorted(reading.loads) for load in reading.loads[file]]
    return Scan(tuple(loads), tuple(reading.warnings()), len(reading.loads))


@dataclass
class _Reading:
    """One scan: each file and folder is read once, whatever paths and links lead to it."""

    root: Path
    loads: dict[str, tuple[Load, ...]] = field(default_factory=dict)
    _seen: set[tuple[int, int]] = field(default_factory=set)
    _skipped: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def read(self, path: Path) -> None:
        """Read a file, or the files below a folder."""
        try:
            is_folder = stat.S_ISDIR(path.stat().st_mode)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise UsageError(f"cannot scan `{self._name(path)}`: {reason}") from error
        if not is_folder:
            self._read_file(path, is_named=True)
            return
        for file in self._below(path):
            self._read_file(file, is_named=False)

    def warnings(self) -> Iterator[str]:
        """Yield a sentence for each reason why files were not read."""
        for reason, files in sorted(self._skipped.items()):
            names = ", ".join(f"`{file}`" for file in sorted(files)[:_MOST_NAMED])
            more = len(files) - _MOST_NAMED
            rest = f" and {more} more" if more > 0 else ""
            yield f"not scanned, {reason}: {names}{rest}"

    def _below(self, folder: Path) -> Iterator[Path]:
        """Yield the files below a folder in the order of their names; a loop of links ends."""
        pending = [folder]
        while pending:
            here = pending.pop()
            try:
                if not self._is_new(here.stat()):
                    continue
                entries = sorted(os.scandir(here), key=lambda entry: entry.name)
            except OSError as error:
                self._skip(here, error.strerror or "not readable")
                continue
            if here != folder and any(entry.name == "pyvenv.cfg" for entry in entries):
                continue
            folders = []
            for entry in entries:
                if _is_folder(entry):
                    folders += [here / entry.name] if entry.name not in _LEFT_OUT else []
                elif kind_by_name(entry.name) or may_have_kind(entry.name):
                    yield here / entry.name
            pending += reversed(folders)

    def _read_file(self, path: Path, *, is_named: bool) -> None:
        name = self._name(path)
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                if is_named:
                    self._skip(path, "not a file")
                return
            if not self._is_new(status):
                return
            limit = _LARGEST_NOTEBOOK if name.casefold().endswith(".ipynb") else _LARGEST
            with path.open("rb") as file:
                data = file.read(_FIRST_BYTES)
                if not is_named and not kind_by_name(name) and not kind_by_content(data):
                    return
                data += file.read(limit + 1 - len(data))
        except OSError as error:
            self._skip(path, error.strerror or "not readable")
            return
        if len(data) > limit:
            self._skip(path, f"larger than {limit // 1_000_000} MB")
        elif is_binary(data):
            self._skip(path, "not text")
        else:
            self.loads[name] = source_loads(name, data)

    def _is_new(self, status: os.stat_result) -> bool:
        """Return whether a file or folder was not met before, and note that it is now."""
        key = (status.st_dev, status.st_ino)
        is_new = key not in self._seen
        self._seen.add(key)
        return is_new

    def _skip(self, path: Path, reason: str) -> None:
        self._skipped[reason[:1].lower() + reason[1:]].append(self._name(path))

    def _name(self, path: Path) -> str:
        whole = Path(os.path.abspath(path))  # noqa: PTH100  without following links
        if whole.is_relative_to(self.root):
            return whole.relative_to(self.root).as_posix()
        return whole.as_posix()


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link to itself
