"""Writes files whole or not at all: a full disk, a crash or Ctrl-C leaves no half of one.

Each content goes into a temporary file in the folder of its target, is flushed to the disk, and
takes the target's name in one step. Of several files none gets its name before all are ready.
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

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


@dataclass(frozen=True, slots=True)
class FileToWrite:
    """A file's place, its name in messages and its content; a new one never overwrites another."""

    path: Path
    shown: str
    content: bytes
    is_new: bool = False


def write_files(files: Sequence[FileToWrite]) -> tuple[FileToWrite, ...]:
    """Write files, and return those new ones that were left out because their name is taken.

    Raises `UsageError` where one cannot be written: new ones are removed again, and what was
    replaced before it is named.
    """
    with written(files) as taken:
        return taken


@contextmanager
def written(files: Sequence[FileToWrite]) -> Iterator[tuple[FileToWrite, ...]]:
    """Write files as `write_files` does; new ones are removed when the body fails, too."""
    with ExitStack() as undo:
        yield _write(files, undo)
        undo.pop_all()


class _Ready(NamedTuple):
    """A file, where its content waits, and the place it goes to; a device has no such content."""

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
        for one in sorted(ready, key=lambda one: not one.file.is_new):  # what can be undone first
            with _told_of(one.file, replaced):
                has_name = _named(one, undo)
            if not has_name:
                taken.append(one.file)
            elif not one.file.is_new:
                replaced.append(one.file.shown)
    for folder in {one.target.parent for one in ready}:
        _flush_folder(folder)
    return tuple(taken)


def _prepared(file: FileToWrite, scraps: ExitStack, undo: ExitStack) -> _Ready:
    """Return a file whose content is on the disk already; a link's target is what is replaced."""
    if file.is_new:
        _make_folder(file.path.parent, undo)
        return _Ready(file, _temporary(file.path, file.content, None, scraps), file.path)
    target = Path(os.path.realpath(file.path))
    try:
        before = file.path.stat()
    except FileNotFoundError:
        return _Ready(file, _temporary(target, file.content, None, scraps), target)
    if stat.S_ISDIR(before.st_mode):
        raise _error(errno.EISDIR)
    if not stat.S_ISREG(before.st_mode):  # a pipe or a device: its name is not to be taken
        return _Ready(file, None, file.path)
    temporary = _temporary(target, file.content, before, scraps)
    effective = os.access in os.supports_effective_ids
    if not os.access(target, os.W_OK, effective_ids=effective):  # a replacement would not care
        raise _error(errno.EACCES)
    return _Ready(file, temporary, target)


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _temporary(
    target: Path, content: bytes, before: os.stat_result | None, scraps: ExitStack
) -> Path:
    """Write the content beside its target, with the mode and owner of what it is to replace."""
    # The dot keeps it out of the state folder's files, should it ever be left behind.
    path = target.with_name(f".reconciler-{secrets.token_hex(8)}.tmp")
    mode = 0o666 if before is None else stat.S_IMODE(before.st_mode)
    scraps.callback(_remove, path)
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    if before is not None:
        with suppress(PermissionError, AttributeError):  # another's file; Windows has no `chown`
            os.chown(path, before.st_uid, before.st_gid)
        path.chmod(mode)  # last: a change of owner takes bits of it away
    return path


def _named(one: _Ready, undo: ExitStack) -> bool:
    """Give a content its name, and return whether that was free for a new file."""
    file, temporary, target = one
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
    except OSError:  # some file systems have no links; what else is wrong is wrong here, too
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
    with suppress(OSError):  # somebody may have put something there
        path.rmdir()


def _flush_folder(folder: Path) -> None:
    """Bring the names on the disk, where the system can; the contents are there already."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _told_of(file: FileToWrite, replaced: Sequence[str]) -> Iterator[None]:
    """Raise `UsageError` for what the system says of a file."""
    try:
        yield
    except OSError as error:
        end = f"written before it: {', '.join(replaced)}" if replaced else "nothing was changed"
        raise UsageError(
            f"`{file.shown}` cannot be written: {error.strerror or error}; {end}",
            hint=_hint(error.errno),
        ) from error


def _hint(number: int | None) -> str:
    if number in _NO_ROOM:
        return "make room on the disk, and run it again"
    if number in _NOT_ALLOWED:
        return "the file, and the folder that it is in, must be writable"
    return "mend that, and run it again"
