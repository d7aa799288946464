"""Long texts, cut: the page says how long they are, and never grows by them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 2_000  # characters of any text, whatever it is
NAME: Final = 120
LINE: Final = 200
REASON: Final = 400


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The lines of a text that are shown, and a sentence about those that are not."""

    lines: tuple[str, ...]
    left_out: str | None = None


def excerpt(text: str, longest: int) -> str:
    """Return a text, cut after `longest` characters with its length said."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text):,} characters)"


def optional(text: str | None, longest: int) -> str | None:
    """Return a text, cut, and None for one that is empty or is not there."""
    return excerpt(text, longest) if text else None


def lines(text: str, most: int, longest: int) -> Excerpt:
    """Return the first lines of a text: at most `most`, and `longest` characters in all."""
    kept = tuple(text[:longest].splitlines()[:most])
    if len(text) <= longest and len(text.splitlines()) <= most:
        return Excerpt(kept)
    return Excerpt(kept, f"cut here: the whole text has {len(text):,} characters")


def some(words: Sequence[str], most: int) -> str:
    """Return the first phrases, and how many more there are."""
    more = f", and {len(words) - most:,} more" if words[most:] else ""
    return ", ".join(excerpt(word, LINE) for word in words[:most]) + more
