"""The port to git history: declarations and settings at a commit, and ancestry."""

from collections.abc import Mapping
from typing import Protocol

from reconciler.core.settings import Settings
from reconciler.core.state import Declaration


class History(Protocol):
    """The history that a checkout has. Commits are full ids."""

    @property
    def head(self) -> str:
        """The checked-out commit."""
        ...

    @property
    def parent(self) -> str | None:
        """The commit before `head` on the first-parent line; None for the first."""
        ...

    @property
    def is_shallow(self) -> bool:
        """Return whether this clone is shallow: a commit that it does not have may exist."""
        ...

    def knows(self, commit: str) -> bool:
        """Return whether this clone has that commit."""
        ...

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Return whether `newer` contains `older`; a commit contains itself."""
        ...

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the best common ancestor; None when the histories are unrelated."""
        ...

    def main_contains(self, commit: str) -> bool:
        """Return whether the main line contains a commit; true when no main line is known."""
        ...

    def declared_otherwise(
        self, since: str, owner: str, declared: Declaration | None, model: str
    ) -> bool:
        """Return whether a commit after `since` declared a model other than as `declared`.

        Covers the first-parent line up to `head`; false when `since` is not on that line.
        """
        ...

    def merged_since(self, since: str | None, model: str) -> tuple[str, ...]:
        """Return the commits of the first-parent line that touched a model, oldest first.

        They touched its file, or settings by which its file declares something else. Those after
        `since`, or all when it is None or not on the line. A commit that removed a file counts for
        every model: the file may have been the model's.
        """
        ...

    def settings(self, commit: str, owner: str) -> Settings | None:
        """Return the settings of `owner`'s state folder at a commit; None without the folder.

        A folder without a settings file has the default settings. Raises `DeclarationError` when
        the file cannot be read.
        """
        ...

    def base_settings(self, since: str | None, owner: str, model: str) -> Settings | None:
        """Return the settings before a model's first change that is not applied yet.

        That is the first commit after `since`, on the first-parent line, that declares the model
        other than `since` does; without one it is `head`. Return None when there were no settings
        before it. Settings that cannot be read are skipped for older ones.
        """
        ...

    def declarations(self, commit: str, owner: str) -> Mapping[str, Declaration]:
        """Return all that `owner`'s state folder declared at a commit, as far as it can be read."""
        ...

    def declared(self, commit: str, owner: str, model: str) -> Declaration | None:
        """Return a model's declaration in `owner`'s state folder at a commit; None without one.

        Raises `DeclarationError` when a file that may declare the model cannot be read.
        """
        ...
