"""Finds what would keep new files from being written, before the first one is."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from reconciler.errors import ExitCode, Problem


def obstacles(root: Path, created: Collection[str], kept: Collection[str]) -> list[Problem]:
    """Return what would keep files below `root` from being written."""
    found = [_problem(path, "is not a file") for path in kept if not (root / path).is_file()]
    return list(dict.fromkeys((*found, *_closed(root, created))))


def _closed(root: Path, created: Collection[str]) -> Iterator[Problem]:
    for path in created:
        up = next(up for up in (root / path).parents if os.path.lexists(up))
        shown = up.relative_to(root).as_posix()
        if not up.is_dir():
            yield _problem(shown, "is not a folder")
        elif not up.resolve().is_relative_to(root.resolve()):
            yield _problem(shown, "leads outside of the repository")
        elif not os.access(up, os.W_OK | os.X_OK):
            yield _problem(shown, "is not writable")


def _problem(path: str, message: str) -> Problem:
    return Problem(f"`{path}` {message}", ExitCode.USAGE)
