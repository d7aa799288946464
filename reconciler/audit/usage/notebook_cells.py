"""The code cells of a Jupyter notebook, with the place in the file of each character."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Final

_TOKEN: Final = re.compile(
    r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[{}\[\],:]|[^\s"{}\[\],:]+', re.DOTALL
)
_CHARACTER: Final = re.compile(r"\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL)
_SURROGATE: Final = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}")
_DEEPEST: Final = 8  # what is deeper is output


@dataclass
class Cell:
    """A code cell: its number from 1, and its parts as the file has them, with their places."""

    number: int
    kind: str = ""
    parts: list[tuple[int, str]] = field(default_factory=list)  # without the quotes

    @cached_property
    def _texts(self) -> list[str]:
        return [_decoded(raw) for _, raw in self.parts]

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(map(len, self._texts)))

    @property
    def text(self) -> str:
        """Return the source of the cell."""
        return "".join(self._texts)

    def place(self, offset: int) -> int:
        """Return where in the file a character of the cell's text begins."""
        index = min(bisect_right(self._ends, offset), len(self.parts) - 1)
        start, raw = self.parts[index]
        return start + _raw_length(raw, offset - self._ends[index] + len(self._texts[index]))


@dataclass(frozen=True)
class Notebook:
    """The code cells, and the language that the notebook says they are in."""

    cells: tuple[Cell, ...]
    language: str


@dataclass
class _Frame:
    """An open object or array, and the key or index of the value that comes next in it."""

    is_list: bool
    at: str | int | None


def read_notebook(text: str) -> Notebook:
    """Return the code cells of a notebook; reads as much as there is of a broken one."""
    cells: dict[int, Cell] = {}
    language = "python"
    for path, start, raw in _strings(text):
        match path:
            case ["cells", int(number), "cell_type"]:
                _cell(cells, number).kind = raw
            case ["cells", int(number), "source"] | ["cells", int(number), "source", int()]:
                _cell(cells, number).parts.append((start, raw))
            case ["metadata", "kernelspec", "language"] | ["metadata", "language_info", "name"]:
                language = raw.casefold()
            case _:
                pass
    code = (cell for cell in cells.values() if cell.kind == "code" and cell.parts)
    return Notebook(tuple(code), language)


def _cell(cells: dict[int, Cell], index: int) -> Cell:
    return cells.setdefault(index, Cell(index + 1))


def _strings(text: str) -> Iterator[tuple[list[str | int | None], int, str]]:
    """Yield each text that is a value in a JSON document: its path, its place, its raw content."""
    frames: list[_Frame] = []
    for found in _TOKEN.finditer(text):
        sign = found[0]
        top = frames[-1] if frames else None
        if sign in ("{", "["):
            frames.append(_Frame(sign == "[", 0 if sign == "[" else None))
        elif sign in ("}", "]"):
            del frames[-1:]
        elif top and sign == ",":
            top.at = top.at + 1 if isinstance(top.at, int) else None
        elif top and sign[0] == '"':
            if top.at is None:
                top.at = _decoded(sign[1:-1])
            elif len(frames) <= _DEEPEST:
                yield [frame.at for frame in frames], found.start() + 1, sign[1:-1]


def _decoded(raw: str) -> str:
    """Return what a JSON text says; one with a wrong escape as it stands."""
    try:
        return str(json.loads(f'"{raw}"', strict=False))
    except ValueError:
        return raw


def _raw_length(raw: str, characters: int) -> int:
    """Return how long the first characters of a JSON text are in the file."""
    at = 0
    for _ in range(characters):
        found = _CHARACTER.match(raw, at)
        if not found:
            break
        at = found.end()
        low = _SURROGATE.fullmatch(found[0]) and _CHARACTER.match(raw, at)
        if low and low[0].startswith("\\u"):
            at = low.end()
    return at
