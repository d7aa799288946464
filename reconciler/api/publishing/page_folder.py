"""Writes the files of a page into a folder: a new one, or one with a page from before."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from reconciler.api.publishing.out_folder import checked_place, names_in
from reconciler.errors import Refused
from reconciler.files.atomic_write import FileToWrite, remove_files, write_files
from reconciler.render.page.paths import ABOUT, ENVIRONMENTS, INDEX

# What each of our files has near its beginning, and no file of anybody else.
GENERATOR: Final = b'<meta name="generator" content="mlflow-reconciler'
_BEGINNING: Final = 4096  # bytes of a file
_ENDING: Final = ".html"
_ANOTHER: Final = "name a new folder, or one with a page that was made before"


def check_folder(folder: Path, shown: str, states: Mapping[str, Path]) -> Path:
    """Return the place of a folder that a page may be written to: before anything is read.

    Raises as `checked_place` does, and `Refused` for a folder that holds something else than a
    page.
    """
    place = checked_place(folder, shown, states)
    names = [name for name in names_in(place, shown) if not name.startswith(".")]
    if names and not _is_ours(place / INDEX):
        raise Refused(f"`{shown}` holds something else than a page: {names[0]}", hint=_ANOTHER)
    return place


def write_page(folder: Path, shown: str, files: Mapping[str, bytes]) -> None:
    """Write the files, and remove those of the page before that are not written any more.

    Raises `UsageError` where a file cannot be written, `Refused` for a name that something else
    has. No file of anybody else is touched.
    """
    former = dict(_former(folder))
    named = [_to_write(folder, shown, name, content) for name, content in files.items()]
    taken = write_files([file for file in named if not _is_written(file)])
    if taken:
        raise Refused(f"`{taken[0].shown}` was made by somebody else just now", hint=_ANOTHER)
    stale = sorted(former.keys() - files.keys())
    remove_files([(former[name], f"{shown}/{name}") for name in stale])
    for parent in sorted({former[name].parent for name in stale}, reverse=True):
        with suppress(OSError):  # somebody has a file there
            parent.rmdir()


def _to_write(folder: Path, shown: str, name: str, content: bytes) -> FileToWrite:
    path, label = folder / PurePosixPath(name), f"{shown}/{name}"
    below = [parent for parent in path.parents if parent.is_relative_to(folder)]
    # Of `os.path`: what cannot be looked at is told where it cannot be written, `pathlib` raises.
    if linked := next((each for each in (path, *below) if os.path.islink(each)), None):  # noqa: PTH114
        message = f"`{linked.relative_to(folder.parent)}` is a symbolic link"
        raise Refused(f"{message}: nothing is written to where it leads", hint="remove it")
    is_new = not os.path.exists(path)  # noqa: PTH110  the same
    if not is_new and not _is_ours(path):
        raise Refused(
            f"`{label}` is not a file of the page, and would be overwritten", hint=_ANOTHER
        )
    return FileToWrite(path, label, content, is_new=is_new, is_flushed=False)


def _is_written(file: FileToWrite) -> bool:
    return not file.is_new and file.path.read_bytes() == file.content


def _former(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield our own files in a folder, each with its name as a page has it; links are none.

    A page that was made below this one is not of it.
    """
    for place, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if not _is_another(folder, Path(place, name)))
        for name in sorted(files):
            path = Path(place) / name
            if name.endswith(_ENDING) and _is_ours(path):
                yield path.relative_to(folder).as_posix(), path


def _is_another(page: Path, folder: Path) -> bool:
    """Return whether a folder below a page is a page of its own, not one of its environments."""
    # The root of each site has a page about it.
    return page / ENVIRONMENTS not in folder.parents and _is_ours(folder / ABOUT)


def _is_ours(path: Path) -> bool:
    try:
        if path.is_symlink() or not path.is_file():
            return False
        with path.open("rb") as stream:
            return GENERATOR in stream.read(_BEGINNING)
    except OSError:
        return False
