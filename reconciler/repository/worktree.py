"""What a work tree has besides the commit it stands on: model files that differ or are left out."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from reconciler.repository.objects import is_model_file


def changed(
    folder: Path, below: str, committed: Mapping[str, str], git: Callable[..., str]
) -> tuple[str, ...]:
    """Return the model files that are not as the commit has them, sorted.

    `below` is the folder's path in the repository, `committed` has the commit's blobs by their
    path below the folder, `git` runs it in the repository's root and returns what it prints.
    """
    options = ("--porcelain=v1", "-z", "--no-renames", "--untracked-files=no")
    status = git("status", *options, "--ignore-submodules=all", "--", below)
    paths = {_inside(record[3:], below) for record in _records(status)}
    on_disk = set(_on_disk(folder))
    # Untracked, git-ignored, in a nested repository, behind a link: all that matters is that
    # the commit does not have it.
    paths |= on_disk - committed.keys()
    paths |= _changed_unseen(below, committed, on_disk, git)
    return _sorted(below, filter(is_model_file, paths))


def left_out(folder: Path, below: str, git: Callable[..., str]) -> tuple[str, ...]:
    """Return the model files that a sparse checkout left out, sorted; `git` as for `changed`."""
    flags = _flags(below, git)
    missing = flags.keys() - set(_on_disk(folder))
    return _sorted(below, (path for path in missing if flags[path] in "Ss"))


def _changed_unseen(
    below: str, committed: Mapping[str, str], on_disk: set[str], git: Callable[..., str]
) -> set[str]:
    """Return what changed among the files that git was told not to look at."""
    flags = _flags(below, git)
    paths = {path for path in flags.keys() - on_disk if flags[path] == "h"}
    present = sorted(flags.keys() & on_disk)
    if present:
        blobs = git("hash-object", "--", *_sorted(below, present)).split()
        hashed = dict(zip(present, blobs, strict=True))
        paths |= {path for path in present if committed.get(path) != hashed[path]}
    return paths


def _flags(below: str, git: Callable[..., str]) -> dict[str, str]:
    """Return the model files marked `skip-worktree` (S), `assume-unchanged` (h), or both (s)."""
    listed = ((record[0], record[2:]) for record in _records(git("ls-files", "-zv", "--", below)))
    marked = (
        (_inside(path, below), flag) for flag, path in listed if flag == "S" or flag.islower()
    )
    return {path: flag for path, flag in marked if is_model_file(path)}


def _on_disk(folder: Path) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = Path(place).relative_to(folder).as_posix()
        for name in files:
            path = name if below == "." else f"{below}/{name}"
            if is_model_file(path):
                yield path


def _records(output: str) -> list[str]:
    return [record for record in output.split("\0") if record]


def _inside(path: str, folder: str) -> str:
    return path if folder == "." else path.removeprefix(f"{folder}/")


def _sorted(folder: str, paths: "Iterator[str] | list[str]") -> tuple[str, ...]:
    return tuple(sorted(path if folder == "." else f"{folder}/{path}" for path in paths))
