"""Columns for a terminal."""

import unicodedata
from collections.abc import Iterable, Sequence

from reconciler.render.escape import visible

_WIDE = {"W", "F"}
_MARKS = {"Mn", "Me"}  # they stand above, below or around the letter before them


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return lines with aligned columns; cells are made harmless."""
    cells = [list(header), *([visible(cell) for cell in row] for row in rows)]
    widths = [max(width(row[column]) for row in cells) for column in range(len(header))]
    return ["  ".join(map(padded, row, widths)).rstrip() for row in cells]


def padded(text: str, columns: int) -> str:
    """Return `text` with spaces behind it, as many as fill the columns of a terminal."""
    return text + " " * (columns - width(text))


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes: an ideograph two, an accent none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in _WIDE for char in text)
    return len(text) + wide - sum(unicodedata.category(char) in _MARKS for char in text)
