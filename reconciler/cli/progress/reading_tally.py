"""Adds up how far the reading of versions is, and puts it into a line."""

from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from reconciler.core.artifacts.sizes import in_bytes, part_of
from reconciler.core.durations import in_words
from reconciler.ports.artifacts import BytesProgress
from reconciler.render import phrases
from reconciler.render.escape import visible
from reconciler.render.table import cut, padded, width

_WINDOW: Final = 25  # looks that the rate is taken from
_SOON: Final = 3.0  # seconds after which there is enough to tell what is left
# The columns of the numbers at their widest: a line whose parts stand still can be read.
_WIDEST: Final = (len("999.9 of 999.9 MB"), len("999.9 MB/s"), len("59 m left"))
_BAR: Final = (6, 20)  # its least and its greatest width
_LEAST: Final = len("reading…4 v1")  # the width down to which a name is cut


class Marks(NamedTuple):
    """The two characters of a bar."""

    filled: str
    empty: str


BLOCKS: Final = Marks("█", "░")


@dataclass(slots=True)
class _Reading:
    began: float
    state: BytesProgress


class ReadingTally:
    """The versions that are being read, and what was read since the first of them began."""

    def __init__(self, marks: Marks = BLOCKS) -> None:
        self._marks = marks
        self._readings: dict[tuple[str, int], _Reading] = {}
        self._over = 0  # bytes of versions that are no longer read
        self._looks: deque[tuple[float, int]] = deque(maxlen=_WINDOW)
        self._began = 0.0

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being read now."""
        return not self._readings

    def begin(self, now: float) -> None:
        """Count from nothing: what was read before is no longer part of it."""
        self._over, self._began = 0, now
        self._looks.clear()
        self._looks.append((now, 0))

    def count(self, progress: BytesProgress, now: float) -> str | None:
        """Count an event; return a sentence about a version that was read in full with it."""
        key = (progress.model, progress.version)
        reading = self._readings.get(key)
        if reading is None:
            reading = self._readings[key] = _Reading(now, progress)
        reading.state = progress
        if not progress.is_over:
            return None
        del self._readings[key]
        self._over += progress.done
        if not progress.is_read:
            return None
        extent = phrases.extent(progress.files or 0, progress.done)
        return f"read {_name(progress)}: {extent} in {now - reading.began:.1f} s"

    def sentence(self, now: float) -> str:
        """Return how far it is, for a log."""
        return f"{self._what()}: {', '.join(filter(None, self._numbers(now)))}"

    def line(self, now: float, columns: int) -> str:
        """Return how far it is with a bar, in less than the columns of a terminal."""
        room = columns - 1  # a terminal begins a new line after the last column
        numbers = [text.rjust(wide) for text, wide in zip(self._numbers(now), _WIDEST, strict=True)]
        while len(numbers) > 1 and room - _width(numbers) < _LEAST + 2 + _BAR[0]:
            numbers.pop()
        left = room - _width(numbers)
        what = cut(self._what(), max(_LEAST, left - 2 - _BAR[0]), whole_ends=True)
        bar = self._bar(max(_BAR[0], min(_BAR[1], left - 2 - width(what))))
        return cut("  ".join([what, bar, *numbers]).rstrip(), room)

    def _bar(self, columns: int) -> str:
        """Return a bar, and nothing in its place where the size is not known."""
        done, total = self._done(), self._total()
        if total is None:
            return padded("", columns)
        filled = min(columns, columns * done // total) if total else columns
        return self._marks.filled * filled + self._marks.empty * (columns - filled)

    def _what(self) -> str:
        states = [reading.state for reading in self._readings.values()]
        if not states:
            return "reading"
        more = f" and {len(states) - 1} more" if states[1:] else ""
        are_listed = any(state.files is not None for state in states)
        return f"{'reading' if are_listed else 'listing'} {_name(states[0])}{more}"

    def _done(self) -> int:
        return self._over + sum(reading.state.done for reading in self._readings.values())

    def _total(self) -> int | None:
        """Return the bytes of all that is read, None where a store does not tell its sizes."""
        totals = [reading.state.total for reading in self._readings.values()]
        known = [total for total in totals if total is not None]
        return self._over + sum(known) if len(known) == len(totals) else None

    def _numbers(self, now: float) -> tuple[str, str, str]:
        """Return how much was read, how fast, and what is left; empty what is not known."""
        done, total = self._done(), self._total()
        since, before = self._looks[0]
        self._looks.append((now, done))
        rate = (done - before) / (now - since) if now > since else 0.0
        amount = in_bytes(done) if total is None else part_of(done, total)
        left = ""
        if rate and total is not None and now - self._began >= _SOON:
            seconds = max(0, total - done) / rate
            left = f"{in_words(timedelta(seconds=seconds), parts=1)} left" if seconds >= 1 else ""
        return amount, f"{in_bytes(round(rate))}/s" if rate else "", left


def _name(progress: BytesProgress) -> str:
    return f"{visible(progress.model)} v{progress.version}"


def _width(parts: list[str]) -> int:
    return sum(len(part) + 2 for part in parts)
