"""Where the spans of a lane lie: tracks that do not overlap, and what is too short drawn as one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from reconciler.audit.overview.lanes import Lane, LaneSpan
from reconciler.render.page.drawing.time_axis import TimeAxis

_LIVE: Final = ("applied", "merged", "undeclared")
_BESIDE: Final = ("pending", "never applied")
_STUB: Final = 44.0  # the width of a span of which nobody knows when it began


@dataclass(frozen=True, slots=True)
class Mark:
    """One bar: a span, or several that are too short to be drawn one by one, oldest first."""

    spans: tuple[LaneSpan, ...]
    left: float
    right: float

    @property
    def first(self) -> LaneSpan:
        """The first of its spans."""
        return self.spans[0]

    @property
    def width(self) -> float:
        """Its width."""
        return self.right - self.left


@dataclass(frozen=True, slots=True)
class LaneLayout:
    """The bars of a lane: what was live, what somebody did by hand over it, and what never was.

    Each of `tracks` and `beside` is a row of bars. `over` lies on the first of `tracks`.
    """

    lane: Lane
    tracks: tuple[tuple[Mark, ...], ...]
    over: tuple[Mark, ...]
    beside: tuple[tuple[Mark, ...], ...]


@dataclass(frozen=True, slots=True)
class _Widths:
    """What is narrower is joined with its neighbours: of what was live, and of everything else."""

    live: float
    rest: float


def layouts(
    lanes: Sequence[Lane], axis: TimeAxis, *, least: float, most: int
) -> tuple[LaneLayout, ...]:
    """Return the lanes with about `most` bars in all, none narrower than `least`.

    Where there are more, neighbours are drawn as one bar, the shortest first. What was live has one
    half of them.
    """
    widths = _Widths(least, least)
    while True:
        found = tuple(_layout(lane, axis, least, widths) for lane in lanes)
        live = sum(len(track) for layout in found for track in layout.tracks)
        rest = sum(len(row) for layout in found for row in (layout.over, *layout.beside))
        wider = _Widths(
            widths.live * (1.5 if live > most / 2 else 1),
            widths.rest * (1.5 if rest > most / 2 else 1),
        )
        if wider == widths or max(wider.live, wider.rest) > axis.right - axis.left:
            return found
        widths = wider


def _layout(lane: Lane, axis: TimeAxis, least: float, widths: _Widths) -> LaneLayout:
    marks: dict[str, list[Mark]] = {"live": [], "over": [], "beside": []}
    for span in lane.spans:
        where = "live" if span.kind in _LIVE else "beside" if span.kind in _BESIDE else "over"
        marks[where].append(_mark(span, axis))
    live = [[*_joined(row, axis, least, widths.live)] for row in _tracks(marks["live"])] or [[]]
    over = [*_joined(marks["over"], axis, least, widths.rest)]
    over_rows = _tracks(over)
    if len(live) > 1 or len(over_rows) > 1:  # beside several versions at once it is one more
        live += over_rows
        over = []
    beside = _tracks(_joined(marks["beside"], axis, least, widths.rest))
    return LaneLayout(lane, tuple(map(tuple, live)), tuple(over), tuple(map(tuple, beside)))


def _mark(span: LaneSpan, axis: TimeAxis) -> Mark:
    right = axis.right if span.end is None else axis.x(span.end)
    if span.start is None:
        return Mark((span,), max(axis.left, right - _STUB), right)
    return Mark((span,), min(axis.x(span.start), right), right)


def _tracks(marks: Iterable[Mark]) -> list[list[Mark]]:
    """Return rows in which no bar overlaps another one, in order of time."""
    rows: list[list[Mark]] = []
    for mark in sorted(marks, key=lambda mark: (mark.left, mark.right)):
        free = next((row for row in rows if row[-1].right <= mark.left + 0.01), None)
        if free is None:
            rows.append([mark])
        else:
            free.append(mark)
    return rows


def _joined(marks: Sequence[Mark], axis: TimeAxis, least: float, narrow: float) -> Iterable[Mark]:
    """Yield the bars of a row; neighbours that are narrower than `narrow` become one of that."""
    group: Mark | None = None
    for mark in sorted(marks, key=lambda mark: (mark.left, mark.right)):
        is_full = group is not None and group.width >= narrow
        if group is not None and (is_full or max(mark.width, mark.left - group.right) >= narrow):
            yield _widened(group, axis, least)
            group = None
        if mark.width >= narrow:
            yield mark
        elif group is None:
            group = mark
        else:
            right = max(group.right, mark.right)
            group = Mark((*group.spans, *mark.spans), group.left, right)
    if group is not None:
        yield _widened(group, axis, least)


def _widened(mark: Mark, axis: TimeAxis, least: float) -> Mark:
    if mark.width >= least:
        return mark
    right = min(axis.right, mark.left + least)
    return replace(mark, left=max(axis.left, right - least), right=right)


def begin_of(lanes: Iterable[Lane], now: datetime) -> datetime:
    """Return the first moment that any span names."""
    moments = (
        moment
        for lane in lanes
        for span in lane.spans
        for moment in (span.start, span.end)
        if moment is not None
    )
    return min((*moments, now))
