"""Tells how far the reading of versions is: on the terminal's line, or in a log line by line."""

import sys
import threading
import time
from collections.abc import Callable
from typing import Final

from reconciler.cli.progress.reading_tally import BLOCKS, Marks, ReadingTally
from reconciler.cli.progress.terminal_line import LINE
from reconciler.ports.artifacts import BytesProgress

_EVERY: Final = 0.2  # seconds between two looks
_PAUSE: Final = 1.0  # seconds without any reading after which counting begins anew
_MINUTE: Final = 60.0


class ReadingProgress:
    """Counts what is read, in the threads that read it; a thread of its own draws the line.

    A log gets a line for each version that was read, through `say`, and one a minute before that.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._takes_back = LINE.takes_back
        self._turn = threading.Lock()
        self._tally = ReadingTally(_marks())
        self._is_counting = False
        self._said = 0.0

    def __call__(self, progress: BytesProgress) -> None:
        """Count an event of any thread."""
        now = time.monotonic()
        with self._turn:
            if not self._is_counting:
                self._begin(now)
            sentence = self._tally.count(progress, now)
            if not self._takes_back:
                self._is_counting = not self._tally.is_idle
                if sentence is None and now - self._said >= _MINUTE:
                    sentence, self._said = self._tally.sentence(now), now
        if sentence is not None and not self._takes_back:
            self._say(sentence)

    def _begin(self, now: float) -> None:
        self._is_counting, self._said = True, now
        self._tally.begin(now)
        if self._takes_back:
            threading.Thread(target=self._draw, daemon=True).start()

    def _draw(self) -> None:
        pause, last = threading.Event(), time.monotonic()
        while not pause.wait(_EVERY):
            with self._turn:
                now = time.monotonic()
                is_idle = self._tally.is_idle
                last = last if is_idle else now
                if now - last > _PAUSE:
                    self._is_counting = False
                    return
                line = None if is_idle else self._tally.line(now, LINE.columns)
            if line is None:
                LINE.end("reading")
            else:
                LINE.show("reading", line)


def _marks() -> Marks:
    """Return what a bar is drawn with; a terminal that is not in UTF-8 has no blocks."""
    encoding = (getattr(sys.stderr, "encoding", None) or "").lower().replace("-", "")
    return BLOCKS if encoding == "utf8" else Marks("#", ".")
