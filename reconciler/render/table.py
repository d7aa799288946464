"""Lays out tables for a terminal: in its width, one line for each row."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.render.escape import visible

_WIDE = {"W", "F"}
_MARKS = {"Mn", "Me"}  # they are drawn above, below or around the letter before
_GAP: Final = "  "


_NARROWEST: Final = 8  # of a main column, after all else was tried


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column, and what it yields where the terminal is too narrow for the table.

    `least` is the width that it is cut down to, None for a column that is not cut. A `main` column
    is cut after the others. What is still too wide loses the columns for which `leaves` is set,
    the highest first. `whole_ends` cuts the middle, for names that differ in their last letters.
    """

    name: str
    least: int | None = None
    leaves: int = 0
    main: bool = False
    whole_ends: bool = False


def markdown_row(cells: Iterable[str]) -> str:
    """Return a row of a Markdown table; the cells are safe already."""
    return f"| {' | '.join(cells)} |"


def table(
    header: Sequence[TableColumn | str], rows: Iterable[Sequence[str]], columns: int | None = None
) -> list[str]:
    """Return lines with aligned columns; cells are made safe to show.

    A column given as its name alone is never cut. With `columns` no line is wider than that: cells
    are cut with an ellipsis, and a last line names the columns that were left out.
    """
    heads = [head if isinstance(head, TableColumn) else TableColumn(head) for head in header]
    cells = [[head.name for head in heads], *([visible(cell) for cell in row] for row in rows)]
    natural = [max(width(row[at]) for row in cells) for at in range(len(heads))]
    if columns is None:
        return [_line(row, natural) for row in cells]
    widths, middles = _fitted(heads, natural, columns), [head.whole_ends for head in heads]
    fits = list(zip(widths, middles, strict=True))
    lines = [
        _line([cut(cell, *fit) for cell, fit in zip(row, fits, strict=True)], widths)
        for row in cells
    ]
    left = [head.name for head, room in zip(heads, widths, strict=True) if not room]
    lines += [f"not shown here: {', '.join(left)}"] if left else []
    return [cut(line, columns) for line in lines]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    shown = [padded(cell, room) for cell, room in zip(cells, widths, strict=True) if room]
    return _GAP.join(shown).rstrip()


def padded(text: str, columns: int) -> str:
    """Return `text` padded with spaces to `columns` terminal columns."""
    return text + " " * (columns - width(text))


def width(text: str) -> int:
    """Return how many terminal columns a text takes: an ideograph two, an accent none."""
    if text.isascii():
        return len(text)
    return sum(map(_columns_of, text))


def cut(text: str, columns: int, whole_ends: bool = False) -> str:  # noqa: FBT001, FBT002  a fact of the column
    """Return a text of at most that many terminal columns, with an ellipsis where it was cut."""
    if width(text) <= columns:
        return text
    if columns < 1:
        return ""
    tail = (columns - 1) // 2 if whole_ends else 0
    start = _start(text, columns - 1 - tail).rstrip("…")
    return f"{start}…{_end(text, tail)}"


def folded(text: str, columns: int | None, margin: str = "") -> list[str]:
    """Return a text in lines of that width, broken at spaces; `margin` is before all but the first.

    A word that is longer than a line stays whole, and so does what is between backticks: a link or
    a command can still be copied.
    """
    if columns is None or width(text) <= columns:
        return [text]
    first, *words = _words(text)
    lines = [first]
    for word in words:
        if width(lines[-1]) + 1 + width(word) <= columns:
            lines[-1] += f" {word}"
        elif word:
            lines.append(f"{margin}{word}")
    return [line.rstrip() for line in lines]


def fitted(lines: Iterable[str], columns: int | None) -> list[str]:
    """Return lines that are `folded`; what goes on is indented by four more than its line."""
    return [
        part
        for line in lines
        for part in folded(line, columns, " " * (len(line) - len(line.lstrip()) + 4))
    ]


def _words(text: str) -> list[str]:
    words = [""]
    for part in text.split(" "):
        if words[-1].count("`") % 2:
            words[-1] += f" {part}"
        else:
            words.append(part)
    return words[1:]


def _start(text: str, columns: int) -> str:
    """Return as much of a text's start as fits."""
    if text.isascii():
        return text[: max(0, columns)]
    room = columns
    for at, char in enumerate(text):
        room -= _columns_of(char)
        if room < 0:
            return text[:at]
    return text


def _end(text: str, columns: int) -> str:
    """Return as much of a text's end as fits; it begins with a letter, not with its accent."""
    found = _start(text[::-1], columns)[::-1]
    letters = (at for at, char in enumerate(found) if _columns_of(char))
    return found[next(letters, len(found)) :]


def _columns_of(char: str) -> int:
    if unicodedata.category(char) in _MARKS:
        return 0
    return 2 if unicodedata.east_asian_width(char) in _WIDE else 1


def _fitted(heads: Sequence[TableColumn], natural: Sequence[int], columns: int) -> list[int]:
    """Return the width of each column, 0 for one that is left out."""
    kept = list(natural)
    leaving = sorted(
        (at for at, head in enumerate(heads) if head.leaves), key=lambda at: heads[at].leaves
    )
    yields = {at: head.least for at, head in enumerate(heads) if head.least is not None}
    others = {at: least for at, least in yields.items() if not heads[at].main}
    main = {at: least for at, least in yields.items() if heads[at].main}
    while True:
        widths = _shrunk(_shrunk(kept, others, columns), main, columns)
        if _total(widths) <= columns or not leaving:
            return _shrunk(widths, dict.fromkeys(main, _NARROWEST), columns)
        kept[leaving.pop()] = 0


def _shrunk(widths: Sequence[int], least: Mapping[int, int], columns: int) -> list[int]:
    """Take from the widest column that may still be cut, until the table fits or none may."""
    taken = list(widths)
    while _total(taken) > columns:
        cuttable = [at for at, floor in least.items() if taken[at] > floor]
        if not cuttable:
            break
        taken[max(cuttable, key=taken.__getitem__)] -= 1
    return taken


def _total(widths: Sequence[int]) -> int:
    shown = [room for room in widths if room]
    return sum(shown) + len(_GAP) * (len(shown) - 1)
