"""The port to git: what was declared at a commit, and how commits relate."""

from typing import Protocol

from reconciler.core.settings import Settings
from reconciler.core.state import Declaration


class History(Protocol):
    """The history that a checkout can see. Commits are full ids."""

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        ...

    @property
    def is_shallow(self) -> bool:
        """Return whether this clone was cut off: what it does not know may exist."""
        ...

    def knows(self, commit: str) -> bool:
        """Return whether this clone has that commit."""
        ...

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Return whether `newer` contains `older`; a commit contains itself."""
        ...

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the best common ancestor, None when the histories are unrelated."""
        ...

    def main_contains(self, commit: str) -> bool:
        """Return whether the main line contains a commit; true where no main line is known."""
        ...

    def declared_otherwise(
        self, since: str, owner: str, declared: Declaration | None, model: str
    ) -> bool:
        """Return whether a commit between `since` and here declared a model otherwise than `declared`.

        Looks at the commits of the first-parent line; false where `since` is not on it.
        """
        ...

    def settings(self, commit: str, owner: str) -> Settings | None:
        """Return the settings of `owner`'s state folder at a commit, None without the folder.

        A folder without the file has the default settings. Raises `DeclarationError` for a file
        that cannot be read.
        """
        ...

    def base_settings(self, since: str | None, owner: str, model: str) -> Settings | None:
        """Return the settings before the change of a model that is not applied yet.

        Those before the first commit after `since`, on the first-parent line, that declares the
        model otherwise than `since` does; before this commit where none does. None where there
        were none. What cannot be read is passed over for what was before it.
        """
        ...

    def declared(self, commit: str, owner: str, model: str) -> Declaration | None:
        """Return what `owner`'s state folder declared for a model at a commit; None: nothing.

        Raises `DeclarationError` when a file that may be the model's cannot be read.
        """
        ...
