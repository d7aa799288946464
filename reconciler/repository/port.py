"""What the past asks of git: commits, trees and files."""

from collections.abc import Mapping
from typing import Protocol


class Repository(Protocol):
    """What is asked of git; commits are full ids, folders relative to the repository's root."""

    @property
    def is_shallow(self) -> bool:
        """Return whether the clone was cut off."""
        ...

    def short(self, commit: str) -> str:
        """Return a commit as it is shown to people."""
        ...

    def knows(self, commit: str) -> bool:
        """Return whether this clone has a commit."""
        ...

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Return whether `newer` contains `older`."""
        ...

    def merge_base(self, commit: str, other: str) -> str | None:
        """Return the best common ancestor."""
        ...

    def first_parents(self, commit: str) -> tuple[str, ...]:
        """Return the first-parent line from a commit back."""
        ...

    def touched(self, commit: str, folder: str) -> Mapping[str, frozenset[str]]:
        """Return the paths that each commit of that line changed below a folder."""
        ...

    def tree_id(self, commit: str, folder: str) -> str | None:
        """Return what identifies a folder's content, None when it was not there."""
        ...

    def tree(self, commit: str, folder: str) -> Mapping[str, str]:
        """Return the model files below a folder: path below the folder → blob."""
        ...

    def files(self, tree: str) -> Mapping[str, str]:
        """Return the model files of a tree."""
        ...

    def blob_id(self, commit: str, path: str) -> str | None:
        """Return what identifies the file at a path of a commit."""
        ...

    def blob(self, blob: str) -> bytes:
        """Return the content of a blob."""
        ...
