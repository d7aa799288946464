"""How a comment or an issue of ours is known again: its author, and the marker it begins with."""

from collections.abc import Iterable
from typing import Protocol, TypeVar


class Authored(Protocol):
    """Something that somebody wrote on a forge."""

    @property
    def writer(self) -> str:
        """The login of who wrote it; empty when that account is gone."""
        ...

    @property
    def body(self) -> str:
        """What it says, as it was written."""
        ...


Piece = TypeVar("Piece", bound=Authored)


def marked(marker: str, body: str) -> str:
    """Return `body` so that it begins with the marker."""
    return body if body.startswith(marker) else f"{marker}\n{body}"


def ours(pieces: Iterable[Piece], marker: str, login: str) -> list[Piece]:
    """Return those that `login` wrote with that marker at their beginning, in their order."""
    # Further down it may be what we quoted of somebody else.
    return [one for one in pieces if one.writer == login and one.body.startswith(marker)]
