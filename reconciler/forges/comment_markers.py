"""Recognises our own comments, issues and pull requests by their author and their first line."""

from collections.abc import Iterable
from typing import Protocol, TypeVar


class Authored(Protocol):
    """A text that somebody wrote on a forge."""

    @property
    def writer(self) -> str:
        """The author's login; empty when that account does not exist any more."""
        ...

    @property
    def body(self) -> str:
        """The text as it was written."""
        ...


Piece = TypeVar("Piece", bound=Authored)


def marked(marker: str, body: str) -> str:
    """Return `body` with the marker as its first line."""
    return body if body.startswith(marker) else f"{marker}\n{body}"


def ours(pieces: Iterable[Piece], marker: str, login: str) -> list[Piece]:
    """Return the texts that `login` wrote and that begin with the marker, in their order."""
    # Anywhere else the marker may be a quotation of somebody else's text.
    return [piece for piece in pieces if piece.writer == login and piece.body.startswith(marker)]
