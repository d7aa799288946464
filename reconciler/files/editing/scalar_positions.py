"""Maps positions in the text of a YAML scalar to positions in the file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

Position: TypeAlias = tuple[int, int]

_SPACE = re.compile(r"\s*")
_COMMENT = re.compile(r"[ \t]+#")


@dataclass(frozen=True, slots=True)
class WrittenScalar:
    """A scalar as it is written: `raw` begins at `place` and may extend beyond its end.

    `style` is its quote, or `|` or `>`, or empty; `text` is its value, and `after` what follows it
    on its last line.
    """

    raw: str
    style: str
    text: str
    place: Position
    after: str = ""

    def place_of(self, inside: Position) -> Position:
        """Return the position in the file of a line and column in the text.

        Where it is not known, as among escapes, return where the scalar begins.
        """
        lines = self.text.split("\n")[: inside[0] - 1]
        offset = sum(len(line) + 1 for line in lines) + inside[1] - 1
        for start, length, (line, column) in self._lines():
            if start <= offset <= start + length:
                before = self.text[start:offset]
                # A single quote within single quotes is written twice.
                twice = before.count("'") if self.style == "'" else 0
                return line, column + len(before) + twice
        return self.place

    @property
    def is_cut(self) -> bool:
        """Return whether a comment ends the scalar within an open quote, surely by mistake."""
        has_open_quote = any(self.text.count(quote) % 2 for quote in "\"'")
        return not self.style and has_open_quote and _COMMENT.match(self.after) is not None

    def _lines(self) -> Iterator[tuple[int, int, Position]]:
        """Yield for each of its lines the offset in the text, the length and the position."""
        at, (first, column) = 0, self.place
        header = 1 if self.style in ("|", ">") else 0
        quote = "" if header else self.style
        body = self.raw[1:-1] if quote else self.raw
        for number, line in enumerate(body.split("\n")[header:], start=first + header):
            content = line.strip().replace("''", "'") if quote == "'" else line.strip()
            at = self._after_space(at)
            if not self.text.startswith(content, at):
                return
            if content:
                begin = column + len(quote) if number == first else 1
                yield at, len(content), (number, begin + len(line) - len(line.lstrip()))
            at += len(content)

    def _after_space(self, at: int) -> int:
        space = _SPACE.match(self.text, at)
        return space.end() if space else at
