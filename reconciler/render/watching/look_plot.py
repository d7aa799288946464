"""Draws looks as lines of text that are the same in every font: only ASCII, a column for a time."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from reconciler.policy.watching.looks import Look
from reconciler.policy.watching.remembered import moment

_ROWS: Final = 9
_WIDTH: Final = 60
_MARKS: Final = {"passing": "o", "failing": "x", "unknown": "?"}
_WEIGHT: Final = " |-?ox"  # what is drawn over what: the later over the earlier
_DATE: Final = "%Y-%m-%d %H:%M"


def plot(looks: Sequence[Look], version: int, since: datetime | None) -> list[str]:
    """Return the lines of a plot, none where no look has a value.

    `looks` are those of one rule, oldest first; `version` began to serve at `since`. A look without
    a value is marked on the axis of the time.
    """
    values = [value for look in looks if (value := _value(look)) is not None]
    if not values:
        return []
    baseline = next((look.baseline for look in reversed(looks) if look.baseline is not None), None)
    scale = _Scale([*values, *([] if baseline is None else [baseline])])
    times = _Times([moment(look) for look in looks], _WIDTH - scale.room - 2)
    grid = [[" "] * times.columns for _ in range(_ROWS + 1)]
    is_within = since is not None and times.first < since <= times.last
    if since is not None and is_within:
        for row in range(_ROWS):
            _draw(grid, row, times.column(since), "|")
    if baseline is not None:
        for column in range(0, times.columns, 2):
            _draw(grid, scale.row(baseline), column, "-")
    for look in looks:
        value = _value(look)
        row, mark = (_ROWS, "?") if value is None else (scale.row(value), _MARKS[look.outcome])
        _draw(grid, row, times.column(moment(look)), mark)
    lines = [
        f"{scale.label(row)} |{''.join(cells)}".rstrip() for row, cells in enumerate(grid[:_ROWS])
    ]
    axis = "".join(cell if cell != " " else "-" for cell in grid[_ROWS])
    lines += [f"{' ' * scale.room} +{axis}", f"{' ' * (scale.room + 2)}{times.labels}".rstrip(), ""]
    serves = "" if since is None else f"v{version} serves since {since:{_DATE}} UTC"
    return [*lines, _legend(looks, baseline), *([f"{'| ' * is_within}{serves}"] if serves else [])]


class _Scale:
    """The rows of values; one that is alone is in the middle."""

    def __init__(self, values: Iterable[float]) -> None:
        self._high, self._low = max(values := list(values)), min(values)
        marked = {0: self._high, _ROWS // 2: self._middle, _ROWS - 1: self._low}
        if self._high == self._low:
            marked = {_ROWS // 2: self._high}
        self._labels = {row: number(value) for row, value in marked.items()}
        self.room = max(map(len, self._labels.values()))

    @property
    def _middle(self) -> float:
        return self._high / 2 + self._low / 2  # the sum could be infinite

    def row(self, value: float) -> int:
        """Return the row of a value, the highest value's first."""
        half = self._high / 2 - self._low / 2
        if half == 0:
            return _ROWS // 2
        return round((self._high / 2 - value / 2) / half * (_ROWS - 1))

    def label(self, row: int) -> str:
        """Return what stands to the left of a row."""
        return self._labels.get(row, "").rjust(self.room)


class _Times:
    """The columns of times, and the first and last time below them."""

    def __init__(self, times: Sequence[datetime], columns: int) -> None:
        self.first, self.last, self.columns = min(times), max(times), columns

    def column(self, time: datetime) -> int:
        """Return the column of a time."""
        whole = (self.last - self.first).total_seconds()
        part = (time - self.first).total_seconds() / whole if whole else 0.0
        return round(part * (self.columns - 1))

    @property
    def labels(self) -> str:
        """The first and the last time, in UTC."""
        ends = [format(time, _DATE) for time in (self.first, self.last)]
        if ends[0] == ends[1]:
            return f"{ends[0]} UTC"
        return f"{ends[0]}{f'{ends[1]} UTC'.rjust(self.columns - len(ends[0]))}"


def number(value: float | None) -> str:
    """Return a number in at most eleven characters; a dash for none."""
    return "-" if value is None else f"{value:.4g}"


def _legend(looks: Sequence[Look], baseline: float | None) -> str:
    outcomes = {"?" if _value(look) is None else _MARKS[look.outcome] for look in looks}
    words = {"o": "o passing", "x": "x failing", "?": "? unknown"}
    told = [words[mark] for mark in "ox?" if mark in outcomes]
    return "   ".join([*told, *([] if baseline is None else [f"- baseline {number(baseline)}"])])


def _value(look: Look) -> float | None:
    value = look.measurement.value
    return value if value is not None and math.isfinite(value) else None


def _draw(grid: list[list[str]], row: int, column: int, mark: str) -> None:
    if _WEIGHT.index(mark) > _WEIGHT.index(grid[row][column]):
        grid[row][column] = mark
