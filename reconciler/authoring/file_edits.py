"""Model files before and after an edit: what differs, whether that is valid, and the writing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import DeclarationError, OutOfStep, without_places
from reconciler.files import loader
from reconciler.files.atomic_write import FileToWrite, remove_files, write_files
from reconciler.files.editing.edits import YamlEdit
from reconciler.files.editing.yaml_editor import apply_edits
from reconciler.files.state_folder import SETTINGS_FILE, Contents, FoundFile
from reconciler.render import phrases


@dataclass(frozen=True, slots=True)
class FileEdit:
    """A file of the state folder, its name in messages, and its content before and after.

    With `is_removal` the file itself is removed, with `is_new` it is made.
    """

    path: Path
    shown: str
    before: bytes
    after: bytes
    is_removal: bool = False
    is_new: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether the content stays as it is."""
        return self.before == self.after and not self.is_removal


def edited_file(path: Path, shown: str, edits: Sequence[YamlEdit]) -> FileEdit:
    """Return a file with its content before and after edits; raises as `apply_edits` does."""
    before = path.read_bytes()
    return FileEdit(path, shown, before, apply_edits(before, edits, shown) if edits else before)


def difference(edits: Sequence[FileEdit]) -> str:
    """Return the unified difference of files, as git shows it."""
    return "\n".join(
        phrases.difference(
            edit.before,
            edit.after,
            (
                "/dev/null" if edit.is_new else f"a/{edit.shown}",
                "/dev/null" if edit.is_removal else f"b/{edit.shown}",
            ),
        )
        for edit in edits
    )


def check_valid(
    folder: Path, shown: str, edits: Sequence[FileEdit], others: tuple[str, ...]
) -> None:
    """Raise `DeclarationError` when the state folder would be wrong after edits.

    No other file can become wrong by them: the models' names stay. `others` are the state folders
    beside this one.
    """
    settings = folder / SETTINGS_FILE
    contents = Contents(
        FoundFile(str(settings), f"{shown}/{SETTINGS_FILE}") if settings.exists() else None,
        [FoundFile(str(one.path), one.shown, one.after) for one in edits if not one.is_removal],
    )
    if not contents.models:
        return
    try:
        loader.load_contents(contents, shown, others=others)
    except DeclarationError as error:
        raise without_places(error) from error


def write_edits(
    edits: Sequence[FileEdit], new: Sequence[FileToWrite] = ()
) -> tuple[FileToWrite, ...]:
    """Write edits and new files, and return those new ones whose name is taken by now.

    Files are removed last. Raises `OutOfStep` for a file that changed since it was read,
    `UsageError` where one cannot be written; nothing is written then.
    """
    for edit in edits:
        if edit.is_new and edit.path.exists():
            raise OutOfStep(f"{edit.shown} exists by now", hint="make the edit again")
        if not edit.is_new:
            require_content(edit, edit.before, "the edit was made")
    changed = [
        FileToWrite(one.path, one.shown, one.after, is_new=one.is_new)
        for one in edits
        if not one.is_removal
    ]
    taken = write_files([*new, *changed])
    remove_files([(one.path, one.shown) for one in edits if one.is_removal])
    return taken


def require_written(edit: FileEdit) -> None:
    """Raise `OutOfStep` for a file that is not as the edit left it any more."""
    if not edit.is_removal:
        require_content(edit, edit.after, "the edit was written")
    elif edit.path.exists():
        raise OutOfStep(f"{edit.shown} is there again", hint="make the edit again")


def require_content(edit: FileEdit, content: bytes, since: str) -> None:
    """Raise `OutOfStep` for a file that does not have this content any more."""
    if not edit.path.is_file() or edit.path.read_bytes() != content:
        raise OutOfStep(f"{edit.shown} changed since {since}", hint="make the edit again")
