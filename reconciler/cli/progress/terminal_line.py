"""The last line of a terminal: it tells how far a run is, and goes before anything else is said."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal, TypeAlias

import click

_CLEAR: Final = "\r\x1b[2K"
_COLUMNS: Final = 80  # of a terminal that does not say

LinePart: TypeAlias = Literal["reading", "applying"]
_PARTS: Final[tuple[LinePart, ...]] = ("reading", "applying")


class TerminalLine:
    """One line for all parts of a run, of which the first in the order of `_PARTS` is shown.

    Without a terminal that can take a line back nothing is ever shown. Thread-safe.
    """

    def __init__(self) -> None:
        self._turn = threading.RLock()
        self._texts: dict[LinePart, str] = {}
        self._is_shown = False
        self._is_open = False

    @property
    def takes_back(self) -> bool:
        """Whether stderr is a terminal on which a line can go again."""
        is_terminal = sys.stderr is not None and sys.stderr.isatty()
        return is_terminal and os.environ.get("TERM") != "dumb"

    @property
    def columns(self) -> int:
        """The width of the terminal that shows stderr, whatever stdout is."""
        try:
            return os.get_terminal_size(sys.stderr.fileno()).columns or _COLUMNS
        except (OSError, ValueError):
            return _COLUMNS

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Allow to show something, and take all of it away at the end of a run."""
        self._is_open = self.takes_back
        try:
            yield
        finally:
            with self._turn:
                self._is_open = False
                self._texts.clear()
                self._draw()

    def show(self, part: LinePart, text: str) -> None:
        """Show how far a part is, in the place of what was shown before."""
        with self._turn:
            if self._is_open:
                self._texts[part] = text
                self._draw()

    def end(self, part: LinePart) -> None:
        """Take away what a part has shown."""
        with self._turn:
            if self._texts.pop(part, None) is not None:
                self._draw()

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """Take the line away while something else is printed; the next `show` brings it back."""
        with self._turn:
            if self._is_shown:
                self._write(_CLEAR)
                self._is_shown = False
            yield

    def _draw(self) -> None:
        text = next((self._texts[part] for part in _PARTS if part in self._texts), None)
        if text is not None:
            self._write(f"{_CLEAR}{text}")
        elif self._is_shown:
            self._write(_CLEAR)
        self._is_shown = text is not None

    def _write(self, text: str) -> None:
        click.echo(text, nl=False, err=True)


LINE: Final = TerminalLine()
