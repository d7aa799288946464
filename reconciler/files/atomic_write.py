"""Writes files completely or not at all, also on a full disk, a crash or Ctrl-C.

Each content is written to a temporary file in the target's folder, flushed to disk, and renamed to
the target in one step. No file is renamed before all are ready.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from reconciler.errors import UsageError
from reconciler.render.phrases import some

_MOST_NAMES = 10  # in a message
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


@dataclass(frozen=True, slots=True)
class FileToWrite:
    """A file's path, its name in messages, and its content; a new file never overwrites one.

    `is_flushed` is false for what can be made again: a power cut may cost its content, and to write
    a thousand of them takes a fifth of the time.
    """

    path: Path
    shown: str
    content: bytes
    is_new: bool = False
    is_flushed: bool = True


def write_files(files: Sequence[FileToWrite]) -> tuple[FileToWrite, ...]:
    """Write files; return the new ones that were left out because their name is taken.

    Raises `UsageError` where a file cannot be written: new files are removed again, and the files
    that were already replaced are named.
    """
    with written(files) as taken:
        return taken


def remove_files(files: Sequence[tuple[Path, str]]) -> None:
    """Remove files, each a path and its name in messages; one that is gone already is fine.

    Raises `UsageError` where a file cannot be removed: those before it are named.
    """
    removed: list[str] = []
    for path, shown in files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            end = f"; removed before it: {some(removed, _MOST_NAMES)}" if removed else ""
            raise UsageError(
                f"`{shown}` cannot be removed: {error.strerror or error}{end}",
                hint=_hint(error.errno),
            ) from error
        removed.append(shown)


@contextmanager
def written(files: Sequence[FileToWrite]) -> Iterator[tuple[FileToWrite, ...]]:
    """Write files as `write_files` does; new files are also removed when the body fails."""
    with ExitStack() as undo:
        yield _write(files, undo)
        undo.pop_all()


class _Ready(NamedTuple):
    """A file with its written temporary and its target; a device or pipe has no temporary."""

    file: FileToWrite
    temporary: Path | None
    target: Path


def _write(files: Sequence[FileToWrite], undo: ExitStack) -> tuple[FileToWrite, ...]:
    taken: list[FileToWrite] = []
    replaced: list[str] = []
    with ExitStack() as scraps:
        ready = []
        for file in files:
            with _told_of(file, ()):
                ready.append(_prepared(file, scraps, undo))
        # New files first: they can be removed again when a later one fails.
        for prepared in sorted(ready, key=lambda prepared: not prepared.file.is_new):
            with _told_of(prepared.file, replaced):
                is_renamed = _renamed(prepared, undo)
            if not is_renamed:
                taken.append(prepared.file)
            elif not prepared.file.is_new:
                replaced.append(prepared.file.shown)
    for folder in {prepared.target.parent for prepared in ready if prepared.file.is_flushed}:
        _flush_folder(folder)
    return tuple(taken)


def _prepared(file: FileToWrite, scraps: ExitStack, undo: ExitStack) -> _Ready:
    """Write a file's content to a temporary; for a link, the link's target is replaced."""
    if file.is_new:
        _make_folder(file.path.parent, undo)
        return _Ready(file, _temporary(file.path, file, None, scraps), file.path)
    target = Path(os.path.realpath(file.path))
    try:
        before = file.path.stat()
    except FileNotFoundError:
        return _Ready(file, _temporary(target, file, None, scraps), target)
    if stat.S_ISDIR(before.st_mode):
        raise _error(errno.EISDIR)
    if not stat.S_ISREG(before.st_mode):  # a pipe or a device is written to, not replaced
        return _Ready(file, None, file.path)
    temporary = _temporary(target, file, before, scraps)
    effective = os.access in os.supports_effective_ids
    if not os.access(target, os.W_OK, effective_ids=effective):  # a rename would ignore this
        raise _error(errno.EACCES)
    return _Ready(file, temporary, target)


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _temporary(
    target: Path, file: FileToWrite, before: os.stat_result | None, scraps: ExitStack
) -> Path:
    """Write the content next to its target, with the mode and owner of the old file."""
    # The dot hides it from the state folder's reader, should it ever be left behind.
    path = target.with_name(f".reconciler-{secrets.token_hex(8)}.tmp")
    mode = 0o666 if before is None else stat.S_IMODE(before.st_mode)
    scraps.callback(_remove, path)
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as stream:
        stream.write(file.content)
        stream.flush()
        if file.is_flushed:
            os.fsync(stream.fileno())
    if before is not None:
        with suppress(PermissionError, AttributeError):  # not our file; Windows has no `chown`
            os.chown(path, before.st_uid, before.st_gid)
        path.chmod(mode)  # last: a change of owner clears some bits
    return path


def _renamed(prepared: _Ready, undo: ExitStack) -> bool:
    """Rename a temporary to its target; return False where a new file's name is taken."""
    file, temporary, target = prepared
    if temporary is None:
        target.write_bytes(file.content)
    elif file.is_new:
        return _created(temporary, target, undo)
    else:
        temporary.replace(target)
    return True


def _created(temporary: Path, target: Path, undo: ExitStack) -> bool:
    try:
        os.link(temporary, target)
    except FileExistsError:
        return False
    except OSError:  # some file systems have no links; another error occurs again below
        try:
            target.touch(exist_ok=False)
        except FileExistsError:
            return False
        undo.callback(_remove, target)
        temporary.replace(target)
    else:
        undo.callback(_remove, target)
    return True


def _make_folder(folder: Path, undo: ExitStack) -> None:
    if not folder.exists():
        _make_folder(folder.parent, undo)
        folder.mkdir()
        undo.callback(_remove_folder, folder)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _remove_folder(path: Path) -> None:
    with suppress(OSError):  # somebody else may have put a file there
        path.rmdir()


def _flush_folder(folder: Path) -> None:
    """Flush the new names to disk where the system can; the contents are flushed already."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _told_of(file: FileToWrite, replaced: Sequence[str]) -> Iterator[None]:
    """Raise `UsageError` with the system's reason for an error about a file."""
    try:
        yield
    except OSError as error:
        before = f"written before it: {some(replaced, _MOST_NAMES)}"
        end = before if replaced else "nothing was changed"
        raise UsageError(
            f"`{file.shown}` cannot be written: {error.strerror or error}; {end}",
            hint=_hint(error.errno),
        ) from error


def _hint(number: int | None) -> str:
    if number in _NO_ROOM:
        return "free some disk space, then run it again"
    if number in _NOT_ALLOWED:
        return "the file and its folder must be writable"
    return "fix this, then run it again"
