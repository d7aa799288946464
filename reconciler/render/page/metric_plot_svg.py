"""Draws one metric of the versions that served, over time, as one SVG."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from typing import Final

from markupsafe import Markup

from reconciler.render.page.drawing.elements import clipped, element, label, path, words
from reconciler.render.page.drawing.number_axis import NumberAxis, figure, number_axis
from reconciler.render.page.drawing.time_axis import TimeAxis, day, time_axis

_WIDTH: Final = 420.0
_HEIGHT: Final = 168.0
_LEFT: Final = 62.0
_RIGHT: Final = 410.0
_TOP: Final = 30.0
_BOTTOM: Final = 138.0
_APART: Final = 32.0  # between labels of versions
_MOST: Final = 60  # versions, the newest
_LONGEST_NAME: Final = 40


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """A metric of a version from when it served; `value` is None where it was not logged."""

    version: int
    since: datetime
    value: float | None

    @property
    def is_number(self) -> bool:
        """Whether it can be drawn: NaN and the infinities cannot."""
        return self.value is not None and math.isfinite(self.value)


def metric_plot(name: str, points: Sequence[MetricPoint], *, now: datetime) -> Markup:
    """Return the metric as steps, each from when its version served until the next one did.

    Without a number a version is a gap, and said to be one.
    """
    shown = sorted(points, key=lambda point: (point.since, point.version))[-_MOST:]
    numbers = [point.value for point in shown if point.value is not None and point.is_number]
    title = f"{clipped(name, _LONGEST_NAME)} of the versions that served"
    if numbers:
        across = time_axis(shown[0].since, now, _LEFT, _RIGHT)
        drawn = [*_drawn(shown, across, number_axis(numbers, _BOTTOM, _TOP))]
    else:
        drawn = [label("no version that served has a number", _LEFT, 84, "context")]
    return element(
        "svg",
        element("title", words(title), id="metric-title"),
        element("desc", words("; ".join(map(_said, shown)), 2_000), id="metric-desc"),
        label(clipped(name, _LONGEST_NAME), 4, 14, "name"),
        *drawn,
        viewBox=f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}",
        class_="metric-plot",
        role="img",
        aria_labelledby="metric-title metric-desc",
    )


def _drawn(points: Sequence[MetricPoint], across: TimeAxis, up: NumberAxis) -> Iterator[Markup]:
    for value in dict.fromkeys((up.high, up.low)):
        y = up.y(value)
        yield element("path", d=path([(_LEFT, y), (_RIGHT, y)]), class_="grid")
        yield label(figure(value), _LEFT - 6, y + 4, "tick", "end")
    yield element("path", d=path([(_LEFT, _BOTTOM), (_RIGHT, _BOTTOM)]), class_="base")
    yield label(day(points[0].since), across.x(points[0].since), _BOTTOM + 18, "tick", "start")
    yield label("now", _RIGHT, _BOTTOM + 18, "tick now-word", "end")
    line = "".join(_steps(points, across, up))
    yield element("path", d=line or None, class_="steps")
    labelled = -_APART
    for point in points:
        x = across.x(point.since)
        is_apart = x - labelled >= _APART
        yield _point(point, x, up, labelled=is_apart)
        labelled = x if is_apart else labelled


def _steps(points: Sequence[MetricPoint], across: TimeAxis, up: NumberAxis) -> Iterator[str]:
    """Yield a path for each run of versions that have a number."""
    ends = [after.since for _, after in pairwise(points)]
    spans = [*zip(points, ends, strict=False), (points[-1], across.end)]
    for is_number, run in groupby(spans, key=lambda span: span[0].is_number):
        if is_number:
            yield path(
                (across.x(moment), up.y(point.value or 0.0))
                for point, end in run
                for moment in (point.since, end)
            )


def _point(point: MetricPoint, x: float, up: NumberAxis, *, labelled: bool) -> Markup:
    title = element("title", words(_said(point)))
    if point.value is None or not point.is_number:
        y, kind = _BOTTOM - 5, "point none"
        shape = element(
            "path",
            d=f"{path([(x - 3, y - 3), (x + 3, y + 3)])}{path([(x - 3, y + 3), (x + 3, y - 3)])}",
        )
    else:
        y, kind = up.y(point.value), "point"
        shape = element("circle", cx=x, cy=y, r=3.5)
    anchor = "start" if x < _LEFT + 12 else "middle"
    shown = label(f"v{point.version}", x, y - 8, "version", anchor) if labelled else Markup()
    return element("g", title, shape, shown, class_=kind)


def _said(point: MetricPoint) -> str:
    if point.value is None:
        value = "not logged"
    else:
        value = figure(point.value) if point.is_number else f"{point.value}, not drawn"
    return f"v{point.version} since {day(point.since)}: {value}"
