"""Writes the files of a review into a folder: a new one, or one with a review from before."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reconciler.api.publishing.out_folder import checked_place, names_in
from reconciler.errors import Refused, UsageError
from reconciler.files.atomic_write import FileToWrite, write_files
from reconciler.render.review.review_files import INDEX, SUMS

_TABLES: Final = ("inventory", "changes", "exceptions", "segregation", "drift")
_OURS: Final = {INDEX, SUMS, *(f"{name}.csv" for name in _TABLES)}
_HINT: Final = "name a new folder, or one that has a review from before"


def check_folder(folder: Path, shown: str, states: Mapping[str, Path]) -> Path:
    """Return the place of a folder that a review may be written to: before anything is read.

    Raises as `checked_place` does, and `Refused` for a folder that holds something else than a
    review.
    """
    place = checked_place(folder, shown, states)
    names = names_in(place, shown)
    # Of `os.path`: `pathlib` raises where the folder may not be looked into.
    linked = {name for name in names if os.path.islink(place / name)}  # noqa: PTH114
    others = [name for name in names if name not in _OURS or name in linked]
    if others or (names and SUMS not in names):
        what = (others or names)[0]
        raise Refused(f"`{shown}` holds something else than a review: {what}", hint=_HINT)
    return place


def write_review(folder: Path, shown: str, files: Mapping[str, bytes]) -> None:
    """Write the files, all or none; raises `UsageError` where that cannot be done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"`{shown}` cannot be made: {error.strerror}") from error
    write_files(
        [
            FileToWrite(folder / name, f"{shown}/{name}", content)
            for name, content in sorted(files.items())
        ]
    )
