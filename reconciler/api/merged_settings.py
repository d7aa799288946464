"""The settings that the main line has, which say what registry a run may talk to."""

from reconciler.core.settings import Settings
from reconciler.errors import DeclarationError, OutOfStep
from reconciler.repository.declared_history import Past
from reconciler.repository.repository import GitRepo


def merged_settings(
    repo: GitRepo, history: Past, owner: str, own: Settings, base: Settings | None
) -> Settings | None:
    """Return the settings of the checked out commit where the main line has it, else of its tip.

    `base` are those that a pull request is to be merged into, where they are known: it does not
    say itself what the main line is. None where the main line has no such state folder.
    """
    commit, main = history.head, repo.main_line((base or own).branch)
    if main is not None and not _contains(history, main[1], commit):
        if base is not None:
            return base
        commit = main[1]
    try:
        return history.settings(commit, owner)
    except DeclarationError:  # what cannot be read holds nobody to anything
        return history.earlier_settings(history.head, owner)


def _contains(history: Past, main: str, commit: str) -> bool:
    try:
        return history.is_ancestor(commit, main)
    except OutOfStep:
        return False  # a shallow clone does not tell
