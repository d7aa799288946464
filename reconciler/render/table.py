"""Lays out tables for a terminal."""

import unicodedata
from collections.abc import Iterable, Sequence

from reconciler.render.escape import visible

_WIDE = {"W", "F"}
_MARKS = {"Mn", "Me"}  # they are drawn above, below or around the letter before


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return lines with aligned columns; cells are made safe to show."""
    cells = [list(header), *([visible(cell) for cell in row] for row in rows)]
    widths = [max(width(row[column]) for row in cells) for column in range(len(header))]
    return ["  ".join(map(padded, row, widths)).rstrip() for row in cells]


def padded(text: str, columns: int) -> str:
    """Return `text` padded with spaces to `columns` terminal columns."""
    return text + " " * (columns - width(text))


def width(text: str) -> int:
    """Return how many terminal columns a text takes: an ideograph two, an accent none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in _WIDE for char in text)
    return len(text) + wide - sum(unicodedata.category(char) in _MARKS for char in text)
