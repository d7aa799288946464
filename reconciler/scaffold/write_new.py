"""Writes files that were not there: all of them or none, and never over another one."""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from reconciler.errors import ExitCode, Problem, UsageError


def obstacles(root: Path, created: Collection[str], kept: Collection[str]) -> list[Problem]:
    """Return what would keep files from being written below `root`, before the first one is."""
    found = [_problem(path, "is not a file") for path in kept if not (root / path).is_file()]
    return list(dict.fromkeys((*found, *_closed(root, created))))


def _closed(root: Path, created: Collection[str]) -> Iterator[Problem]:
    for path in created:
        up = next(up for up in (root / path).parents if os.path.lexists(up))
        shown = up.relative_to(root).as_posix()
        if not up.is_dir():
            yield _problem(shown, "is not a folder")
        elif not up.resolve().is_relative_to(root.resolve()):
            yield _problem(shown, "leads out of the repository")
        elif not os.access(up, os.W_OK | os.X_OK):
            yield _problem(shown, "may not be written to")


def _problem(path: str, message: str) -> Problem:
    return Problem(f"`{path}` {message}", ExitCode.USAGE)


@contextmanager
def written(root: Path, files: Mapping[str, str]) -> Iterator[None]:
    """Write files below `root`; what was written goes again when that or the body fails.

    Raises `UsageError` for a file that cannot be written.
    """
    with ExitStack() as undo:
        for path, text in files.items():
            _write(root, path, text, undo)
        yield
        undo.pop_all()


def _write(root: Path, path: str, text: str, undo: ExitStack) -> None:
    place = root / path
    try:
        _make_folder(place.parent, undo)
        with place.open("x", encoding="utf-8", newline="\n") as file:
            undo.callback(place.unlink)
            file.write(text)
    except OSError as error:
        raise UsageError(f"`{path}` cannot be written: {error.strerror}") from error


def _make_folder(folder: Path, undo: ExitStack) -> None:
    if not folder.exists():
        _make_folder(folder.parent, undo)
        folder.mkdir()
        undo.callback(folder.rmdir)
