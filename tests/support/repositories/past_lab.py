"""A repository whose past is asked for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.files import loader
from reconciler.repository.declared_history import Parsers, Past
from reconciler.repository.place import Place
from reconciler.repository.repository import GitRepo
from tests.support.repositories.git_lab import GitLab, opened

STATE = "registry-state"
PARSERS = Parsers(loader.parse_declaration, loader.parse_settings)


def model(version: int, name: str | None = None, comment: str = "") -> str:
    named = f"model: {name}\n" if name else ""
    return f"{comment}{named}versions:\n  {version}:\n    stage: Production\n"


def past_of(repo: GitRepo, folder: str = STATE, main: str | None = None) -> Past:
    assert repo.head is not None
    desired = loader.load(repo.root / folder, folder)
    return Past(repo, PARSERS, place_of(desired), head=repo.head, main=main)


@contextmanager
def past(lab: GitLab, folder: str = STATE) -> Iterator[Past]:
    with opened(lab) as repo:
        yield past_of(repo, folder)


def since(
    lab: GitLab, commit: str, folder: str = STATE, dirty: Sequence[str] = ()
) -> set[str] | None:
    with opened(lab) as repo:
        desired = loader.load(lab.root / folder, folder)
        names = past_of(repo, folder).changed_since(commit, desired, dirty)
        return None if names is None else set(names)


def place_of(desired: DeclaredState) -> Place:
    """Return the place of a state folder that was loaded under its path in the repository."""
    return Place(desired.folder, desired.settings, lambda: desired)
