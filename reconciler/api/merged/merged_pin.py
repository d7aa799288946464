"""The registry that a checkout may talk to, by what the main line has."""

from typing import Final

from reconciler.core.settings import RegistryPin, Settings
from reconciler.errors import DeclarationError, OutOfStep
from reconciler.registries.registry_uri import held_pin
from reconciler.repository.declared_history import Past
from reconciler.repository.repository import GitRepo

HELD: Final = (
    "the main line does not have this `registry:` of reconciler.yaml yet: until it has, the one "
    "that it has holds"
)


def merged_pin(
    repo: GitRepo, history: Past, owner: str, own: Settings, base: Settings | None
) -> RegistryPin | None:
    """Return the pin that holds; where it is not the checkout's own, `HELD` says why.

    `base` are the settings that a pull request is to be merged into, where they are known. A new
    pin counts once it is on the main line: else a pull request could send the credentials of its
    CI job to a registry of its own.
    """
    merged = _merged_settings(repo, history, owner, own, base)
    return held_pin(own.registry, merged.registry if merged else None)


def _merged_settings(
    repo: GitRepo, history: Past, owner: str, own: Settings, base: Settings | None
) -> Settings | None:
    """Return the settings of the checked out commit where the main line has it, else of its tip.

    None where the main line has no such state folder.
    """
    # A pull request does not say itself what the main line is.
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
