"""A proposal as the contents of files: what there is to show before anything is written."""

from dataclasses import dataclass
from pathlib import Path

from reconciler.authoring.file_edits import FileEdit, check_valid, difference, edited_file
from reconciler.authoring.proposal import Proposal
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration
from reconciler.files.editing.edits import edits_between


@dataclass(frozen=True, slots=True)
class StateFiles:
    """A state folder, its name in messages, and the names of the state folders beside it."""

    folder: Path
    shown: str
    others: tuple[str, ...]

    def path_of(self, file: str) -> Path:
        """Return the path of a file by its name in messages."""
        return self.folder / Path(file).relative_to(self.shown)


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposal, the files that it changes, what the change means and what it leaves."""

    proposal: Proposal
    files: tuple[FileEdit, ...]
    diff: str
    meaning: tuple[str, ...]
    remarks: tuple[str, ...]


def drafted(proposal: Proposal, state: StateFiles, settings: Settings) -> Draft | None:
    """Return a proposal as contents of files, None where all of it is declared already.

    Raises `DeclarationError` where the files would be wrong, or cannot be edited in place.
    """
    files = tuple(
        edited_file(state.path_of(before.file), before.file, edits_between(before, after))
        for before, after in proposal.changes
    )
    files += tuple(_removal(state, gone) for gone in proposal.removed)
    if all(one.is_empty for one in files):
        return None
    check_valid(state.folder, state.shown, files, state.others)
    return Draft(
        proposal,
        files,
        difference(files),
        tuple(proposal.meanings(settings)),
        proposal.remarks(settings),
    )


def _removal(state: StateFiles, declaration: Declaration) -> FileEdit:
    path = state.path_of(declaration.file)
    return FileEdit(path, declaration.file, path.read_bytes(), b"", is_removal=True)
