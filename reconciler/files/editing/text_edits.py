"""Edits a text by cutting and inserting at positions, so that everything else stays as it is."""

import re
from typing import NamedTuple

_COMMENT_LINE = re.compile(r"( *)#.*\n")


class _Splice(NamedTuple):
    start: int
    end: int
    text: str


class SplicedText:
    """A text whose every line has an end, with the cuts and insertions to make.

    All positions are those of the original text.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._splices: list[_Splice] = []

    def result(self) -> str:
        """Return the text after all changes; insertions at one position keep their order."""
        pieces, position = [], 0
        for splice in sorted(self._splices, key=lambda splice: splice.start):
            pieces += [self.text[position : splice.start], splice.text]
            position = max(position, splice.end)
        return "".join(pieces) + self.text[position:]

    def replace(self, start: int, end: int, text: str) -> None:
        """Replace a part by a text."""
        self._splices.append(_Splice(start, end, text))

    def insert(self, position: int, text: str) -> None:
        """Insert a text at a position."""
        self.replace(position, position, text)

    def cut(self, start: int, end: int) -> None:
        """Remove a part."""
        self.replace(start, end, "")

    def cut_lines(self, start: int, end: int) -> None:
        """Remove all lines of a part."""
        self.cut(self.line_start(start), self.next_line(end))

    def cut_paragraph(self, start: int, end: int, floor: int) -> None:
        """Remove all lines of a part, and the empty line that separates it.

        That is the line below, or else the line above, if it is not before `floor`.
        """
        head, tail = self.line_start(start), self.next_line(end)
        above = self.line_start(max(head - 1, 0))
        if self.is_empty(tail):
            tail = self.next_line(tail)
        elif above >= floor and self.is_empty(above):
            head = above
        self.cut(head, tail)

    def touches(self, position: int) -> bool:
        """Return whether a change is at or around a position."""
        return any(splice.start <= position <= splice.end for splice in self._splices)

    def grows_at_end(self) -> bool:
        """Return whether a text is inserted after the last line."""
        return any(splice.text and splice.start == len(self.text) for splice in self._splices)

    def line_start(self, position: int) -> int:
        """Return where the line of a position begins."""
        return self.text.rfind("\n", 0, position) + 1

    def next_line(self, position: int) -> int:
        """Return where the line after that of a position begins."""
        return (self.text.find("\n", position) + 1) or len(self.text)

    def below(self, position: int, column: int) -> int:
        """Return where the lines below begin, after comments that are indented beyond `column`."""
        position = self.next_line(position)
        while (comment := _COMMENT_LINE.match(self.text, position)) and len(comment[1]) > column:
            position = comment.end()
        return position

    def is_empty(self, position: int) -> bool:
        """Return whether a line begins at a position and is empty."""
        tail = self.next_line(position)
        return position < tail and not self.text[position:tail].strip()

    def has_empty_line(self, start: int, end: int) -> bool:
        """Return whether a line between those of two positions is empty."""
        between = self.text[self.next_line(start) : self.line_start(end)]
        return any(not line.strip() for line in between.splitlines())
