"""Lists the files of a state folder that are read, and reports files that do not belong there."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.errors import DeclarationError, ExitCode, Problem

SETTINGS_FILE = "reconciler.yaml"

_SUFFIXES = (".yaml", ".yml")
_USUAL = 65_536


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to read: its path, its name in messages, and a content that replaces its own."""

    path: str
    shown: str
    content: bytes | None = None

    def read(self, largest: int) -> bytes:
        """Return its content, cut soon after `largest` bytes; raises a problem where it cannot."""
        if self.content is not None:
            return self.content
        try:
            with open(self.path, "rb", buffering=0) as stream:  # noqa: PTH123  twice as fast as pathlib, for thousands of files
                start = stream.read(
                    _USUAL
                )  # A buffer of `largest` bytes would cost more than the reading.
                return start + stream.read(largest) if len(start) == _USUAL else start
        except OSError as error:
            problem = _problem(self.shown, f"the file cannot be read: {error.strerror}")
            raise DeclarationError([problem]) from error


@dataclass(slots=True)
class Contents:
    """The files of a state folder, sorted by name; `problems` concern files as such."""

    settings: FoundFile | None = None
    models: list[FoundFile] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def others_beside(folder: Path, root: Path | None) -> tuple[str, ...]:
    """Return the names of the other state folders in the same parent: those with settings.

    `root` is the repository's root; folders outside of it do not count.
    """
    place = folder.resolve()
    if root is None or root.resolve() not in place.parents:
        return ()
    try:
        around = sorted(other for other in place.parent.iterdir() if other.name[0] != ".")
    except OSError:  # this folder can be read without knowing its neighbours
        return ()
    return tuple(other.name for other in around if _is_another_state(other, place))


def _is_another_state(folder: Path, place: Path) -> bool:
    settings = folder / SETTINGS_FILE
    is_state = os.path.exists(settings)  # noqa: PTH110  pathlib's raises without permission
    # A link to this folder is not another one; this one may not be there yet.
    return is_state and not (place.exists() and folder.samefile(place))


def contents(folder: str, shown: str) -> Contents:
    """Return the files of a state folder; names that start with a dot are skipped."""
    contents = Contents()
    folders = [(folder, shown)]
    while folders:
        path, name = folders.pop()
        try:
            with os.scandir(path) as listing:
                entries = [entry for entry in listing if not entry.name.startswith(".")]
        except OSError as error:
            contents.problems.append(_problem(name, f"the folder cannot be read: {error.strerror}"))
            continue
        if name != shown and any(entry.name == SETTINGS_FILE for entry in entries):
            contents.problems.append(_another_state(name))
            continue  # it declares another registry
        for entry in entries:
            entry_name = f"{name}/{_printable(entry.name)}"
            try:
                if entry.is_dir(follow_symlinks=False):
                    folders.append((entry.path, entry_name))
                else:
                    _sort_in(entry, entry_name, contents)
            except OSError as error:  # a link to what nobody may look at
                contents.problems.append(_problem(entry_name, f"cannot be read: {error.strerror}"))
    contents.models.sort(key=lambda file: file.shown)
    return contents


def _sort_in(entry: "os.DirEntry[str]", name: str, contents: Contents) -> None:
    misplaced = next(_misplaced(entry, name), None)
    if misplaced is not None:
        contents.problems.append(misplaced)
    elif entry.name == SETTINGS_FILE:
        contents.settings = FoundFile(entry.path, name)
    elif entry.name.endswith(_SUFFIXES):
        contents.models.append(FoundFile(entry.path, name))


def _misplaced(entry: "os.DirEntry[str]", name: str) -> Iterator[Problem]:
    """Report a file that looks like a declaration but is not read as one."""
    is_yaml = entry.name.lower().endswith(_SUFFIXES)
    if entry.is_symlink() and (is_yaml or entry.is_dir()):
        hint = "git records the link, not what it points to: put the file itself here"
        yield _problem(name, "a symbolic link cannot declare anything", hint)
    if not is_yaml:
        return
    if not entry.is_file(follow_symlinks=False):
        yield _problem(name, "this is not a regular file", "remove it from the state folder")
    if not entry.name.endswith(_SUFFIXES):
        yield _problem(name, "the ending is not in lower case", "rename it to end in `.yaml`")
    if _printable(entry.name) != entry.name:
        yield _problem(name, "the name of the file is not UTF-8", "rename it")
    if entry.name == "reconciler.yml":
        yield _problem(name, "settings are read from `reconciler.yaml` only", "rename it")


def _another_state(name: str) -> Problem:
    hint = f"use `--state {name}`, or move it out of this state folder"
    message = "a folder with its own `reconciler.yaml` is a state of its own"
    return _problem(f"{name}/{SETTINGS_FILE}", message, hint)


def _printable(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "replace")


def _problem(file: str, message: str, hint: str | None = None) -> Problem:
    return Problem(message, ExitCode.DECLARATION, file=file, hint=hint)
