"""A step as the contents of files: what there is to show before anything is written."""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.authoring.draft import Draft, StateFiles
from reconciler.authoring.file_edits import FileEdit, difference, edited_file
from reconciler.authoring.migration.step import SettingsChange, StepEdits
from reconciler.authoring.proposal import Proposal, title_of
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.settings import Settings
from reconciler.errors import DeclarationError, OutOfStep, without_places
from reconciler.files import loader, state_folder
from reconciler.files.editing.edits import edits_between
from reconciler.files.editing.settings_editor import SettingsPath, edit_settings, written
from reconciler.files.state_folder import SETTINGS_FILE, FoundFile
from reconciler.scaffold.package_data import this_release


def written_settings(state: StateFiles) -> frozenset[SettingsPath]:
    """Return the places that the settings' file has, none without a file."""
    path = state.folder / SETTINGS_FILE
    return written(path.read_bytes()) if path.exists() else frozenset()


def drafted_step(
    step: StepEdits, declared: Settings, state: StateFiles, reason: str | None
) -> Draft:
    """Return a step as contents of files; `declared` are the settings that it was made from.

    Raises `DeclarationError` where a file cannot be edited in place, `OutOfStep` where the settings
    are not those any more.
    """
    settings = _settings_edit(step.settings, declared, state)
    files = tuple(
        edited_file(state.path_of(before.file), before.file, edits_between(before, after))
        for before, after in step.changes
    )
    files = (*((settings,) if settings else ()), *files)
    proposal = Proposal(
        step.changes,
        title=title_of(step.title),
        branch=f"stages-to-aliases/{step.name}",
        reason=reason,
        settings_file=settings.shown if settings else None,
        about_settings=step.settings.sentences,
    )
    after = step.settings.after
    meaning, remarks = tuple(proposal.meanings(after)), proposal.remarks(after)
    return Draft(proposal, files, difference(files), meaning, (*step.notes, *remarks))


def declared_after(files: Sequence[FileEdit], state: StateFiles) -> DeclaredState:
    """Return what the state folder declares once files are edited.

    Raises `DeclarationError` where that is wrong, without places: nobody has these texts.
    """
    edited = {edit.shown: edit for edit in files}
    found = state_folder.contents(str(state.folder), state.shown)
    found.models = [_as_edited(file, edited) for file in found.models]
    shown = f"{state.shown}/{SETTINGS_FILE}"
    if shown in edited:
        found.settings = FoundFile(str(edited[shown].path), shown, edited[shown].after)
    try:
        return loader.load_contents(found, state.shown, others=state.others)
    except DeclarationError as error:
        raise without_places(error) from error


def _as_edited(file: FoundFile, edited: dict[str, FileEdit]) -> FoundFile:
    edit = edited.get(file.shown)
    return file if edit is None else replace(file, content=edit.after)


def _settings_edit(
    change: SettingsChange, declared: Settings, state: StateFiles
) -> FileEdit | None:
    if not change.edits:
        return None
    path, shown = state.folder / SETTINGS_FILE, f"{state.shown}/{SETTINGS_FILE}"
    is_new = not path.exists()
    before = b"" if is_new else path.read_bytes()
    if not is_new and loader.parse_settings(before, shown) != declared:
        raise OutOfStep(f"{shown} changed since it was read", hint="make the edit again")
    modeline = f"{this_release().modeline('settings')}\n".encode() if is_new else b""
    after = edit_settings(modeline or before, change.edits, change.after, shown)
    return FileEdit(path, shown, before, after, is_new=is_new)
