"""What only a person can decide about a live registry; where nobody is asked, a default may do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question, its choices with what tells them apart, and the choice that is taken unasked.

    Without a default it stays undecided.
    """

    text: str
    choices: Mapping[str, str]
    default: str | None = None


AskAbout: TypeAlias = Callable[[OpenQuestion], str | None]


def take_default(question: OpenQuestion) -> str | None:
    """Answer as where nobody can be asked."""
    return question.default
