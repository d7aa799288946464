"""Draws which version each name of a model had, over time, as one SVG."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from markupsafe import Markup

from reconciler.audit.overview.lanes import Lane, LaneSpan
from reconciler.audit.overview.model_overview import ForgeLinks
from reconciler.render.page.drawing.bars import BAR, BESIDE, HATCH, LEAST, MASK, Bars, PictureView
from reconciler.render.page.drawing.elements import clipped, element, label, path, words
from reconciler.render.page.drawing.span_layout import LaneLayout, begin_of, layouts
from reconciler.render.page.drawing.span_words import version
from reconciler.render.page.drawing.time_axis import TimeAxis, day, time_axis
from reconciler.render.page.excerpts import some

_WIDTH: Final = 900.0
_LEFT: Final = 4.0
_RIGHT: Final = 892.0
_NAME: Final = 24.0  # the line with the name of a lane
_GAP: Final = 3.0
_BETWEEN: Final = 14.0  # two lanes
_AXIS: Final = 38.0
_APART: Final = 92.0  # between ticks
_MOST_LANES: Final = 16
_MOST_MARKS: Final = 160
_LARGEST: Final = 60_000  # characters
_LONGEST_NAME: Final = 40
_HERE: Final = ("applied", "merged", "undeclared", "by hand")
_MOST_HOLDERS: Final = 2


def timeline(
    lanes: Sequence[Lane],
    *,
    now: datetime,
    links: ForgeLinks,
    is_read: bool = True,
) -> Markup:
    """Return the lanes as an SVG; a page has one, because its ids are always the same.

    Where the registry was not read, what is open is the last that is known, not what is there now.
    The picture does not grow with the history: spans that are too short are drawn as one, and the
    lanes beyond the first ones are counted. `lane_rows` has them all.
    """
    view = PictureView(now, links, is_read)
    most = _MOST_MARKS
    picture = _timeline(lanes, view, most)
    while len(picture) > _LARGEST and most > 1:  # long names of many people
        most //= 2
        picture = _timeline(lanes, view, most)
    return picture


def _timeline(lanes: Sequence[Lane], view: PictureView, most: int) -> Markup:
    now, shown = view.now, lanes[:_MOST_LANES]
    axis = time_axis(begin_of(shown, now), now, _LEFT, _RIGHT)
    rows, top = [], 0.0
    for layout in layouts(shown, axis, least=LEAST, most=most):
        drawn, height = _lane(layout, view, top)
        rows.append(drawn)
        top += height + _BETWEEN
    if len(lanes) > len(shown):
        more = f"and {len(lanes) - len(shown)} more names, in the table"
        rows.append(label(more, _LEFT, top + 12, "more"))
        top += 26
    return element(
        "svg",
        element("title", words("Which version had each name, over time"), id="lanes-title"),
        element("desc", words(_described(shown, view), 2_000), id="lanes-desc"),
        _definitions(),
        *_axis(axis, top),
        *rows,
        viewBox=f"0 0 {_WIDTH:.0f} {top + _AXIS:.0f}",
        class_="timeline",
        role="group",
        aria_labelledby="lanes-title",
        aria_describedby="lanes-desc",
    )


def _described(lanes: Sequence[Lane], view: PictureView) -> str:
    return "; ".join(f"{clipped(lane.name, _LONGEST_NAME)}: {_has(lane, view)}" for lane in lanes)


def _has(lane: Lane, view: PictureView) -> str:
    """Return what a name has now, or had when that was last known."""
    here = [span for span in lane.spans if span.end is None and span.kind in _HERE]
    has = some([_since(span) for span in here], _MOST_HOLDERS) or "nothing"
    return has if view.is_read else f"last known: {has}"


def _since(span: LaneSpan) -> str:
    if span.kind == "by hand":
        return f"{version(span)} by hand"
    return version(span) + (f" since {day(span.start)}" if span.start else "")


def _definitions() -> Markup:
    """Return the pattern of what was done by hand, and the mask that lets its begin fade in."""
    line = element("path", d="M0 7L7 0M-1 1L1 -1M6 8L8 6", class_="hatch")
    stops = (
        element("stop", offset="0", stop_color="#fff", stop_opacity="0"),
        element("stop", offset="0.75", stop_color="#fff", stop_opacity="1"),
    )
    whole = element("rect", width="1", height="1", fill="url(#lanes-fade)")
    return element(
        "defs",
        element(
            "pattern",
            line,
            id=HATCH,
            width=7.0,
            height=7.0,
            patternUnits="userSpaceOnUse",
        ),
        element("linearGradient", *stops, id="lanes-fade"),
        element("mask", whole, id=MASK, maskContentUnits="objectBoundingBox"),
    )


def _axis(axis: TimeAxis, bottom: float) -> Iterator[Markup]:
    ticks = axis.ticks(_APART)
    grid = "".join(path([(tick.x, 0), (tick.x, bottom)]) for tick in ticks)
    yield element("path", d=grid or None, class_="grid")
    yield element("path", d=path([(_LEFT, bottom), (_RIGHT, bottom)]), class_="base")
    for tick in ticks:
        if tick.x > _RIGHT - 56:  # the word for now is there
            continue
        anchor, x = ("start" if tick.x < _LEFT + 24 else "middle"), max(tick.x, _LEFT)
        yield label(tick.label, x, bottom + 16, "tick", anchor)
        if tick.context:
            yield label(tick.context, x, bottom + 32, "context", anchor)
    yield element("path", d=path([(_RIGHT, 0), (_RIGHT, bottom)]), class_="now")
    yield label("now", _RIGHT, bottom + 16, "tick now-word", "end")
    yield label("UTC", _RIGHT, bottom + 32, "context", "end")


def _lane(layout: LaneLayout, view: PictureView, top: float) -> tuple[Markup, float]:
    """Return a lane that begins at `top`, and its height."""
    lane = layout.lane
    bars, name = Bars(lane.name, view, _RIGHT), clipped(lane.name, _LONGEST_NAME)
    again, has = element("tspan", words(f"{name} "), class_="again"), words(_has(lane, view))
    drawn = [
        label(name, _LEFT, top + 16, "name"),
        element("text", again, has, x=_RIGHT, y=top + 16, text_anchor="end", class_="has"),
    ]
    y = top + _NAME
    for place, track in enumerate(layout.tracks):
        middle = y + BAR / 2
        drawn.append(element("path", d=path([(_LEFT, middle), (_RIGHT, middle)]), class_="rail"))
        drawn += bars.track(track, layout.over if place == 0 else (), y)
        y += BAR + _GAP
    for row in layout.beside:
        drawn += bars.beside(row, y)
        y += BESIDE + _GAP
    return element("g", *drawn, class_="lane"), y - _GAP - top
