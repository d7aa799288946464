"""The text of a source file, and the lines and columns in it."""

import codecs
import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Final

_NEWLINE: Final = re.compile("\r\n|\r|\n")
_DECLARED: Final = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")  # PEP 263
# Others decode no text of programs, and some of them slowly.
_CHARSET: Final = re.compile(r"(?:utf|iso8859|cp|koi8|mac|gb|big5|shift|euc)[-_\w]*|ascii")
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class SourceText:
    """A file's name and text; a line ends as in Python: with LF, CRLF or CR.

    `is_exact` is whether the text as UTF-8 gives the bytes of the file, but for a mark before it.
    """

    file: str
    text: str
    is_exact: bool = True

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in _NEWLINE.finditer(self.text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of a character, both from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def index(self, line: int, column: int) -> int:
        """Return where a line and a column, both from 1, are: the reverse of `place`."""
        return self._starts[line - 1] + column - 1 if line <= len(self._starts) else len(self.text)

    def offset(self, line: int, column_in_bytes: int) -> int:
        """Return where a place of `ast` is: a line from 1, a column in bytes of UTF-8 from 0."""
        if line > len(self._starts):
            return len(self.text)
        return self._starts[line - 1] + self._column(line, column_in_bytes)

    def _column(self, line: int, in_bytes: int) -> int:
        """Return how many characters the first bytes of a line are."""
        if self._is_ascii:
            return in_bytes
        if line not in self._ends:  # the last line alone: a program is read from top to bottom
            begin, end = (*self._starts, len(self.text))[line - 1 : line + 1]
            sizes = (len(each.encode("utf-8", "surrogatepass")) for each in self.text[begin:end])
            self._ends.clear()
            self._ends[line] = list(accumulate(sizes))
        return bisect_right(self._ends[line], in_bytes)

    @cached_property
    def _is_ascii(self) -> bool:
        return self.text.isascii()

    @cached_property
    def _ends(self) -> dict[int, list[int]]:
        """Keep, by line, where in its UTF-8 each character ends."""
        return {}


def decode(file: str, data: bytes) -> SourceText:
    """Return the text of a file: in the encoding that it declares, else UTF-8, else Latin-1.

    A `models:/` is found in each of them, and Latin-1 always decodes. Only UTF-8 is exact.
    """
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeError:
            continue
        return SourceText(file, text, encoding in ("utf-8", "utf-8-sig"))
    return SourceText(file, data.decode("latin-1"), is_exact=False)


def is_binary(data: bytes) -> bool:
    """Return whether the bytes are no text: they have a NUL, and are not UTF-16."""
    return b"\0" in data and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def _encodings(data: bytes) -> list[str]:
    marked = [encoding for mark, encoding in _MARKS if data.startswith(mark)]
    declared = [
        found[1].decode("ascii", "replace")
        for found in map(_DECLARED.match, data[:400].split(b"\n")[:2])
        if found
    ]
    return [*marked, *filter(None, map(_charset, declared)), "utf-8"]


def _charset(encoding: str) -> str | None:
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        return None
    return name if _CHARSET.fullmatch(name) else None
