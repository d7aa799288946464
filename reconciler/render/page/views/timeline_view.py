"""The timeline of a model: the picture, what its colours mean, and the same as a table."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from markupsafe import Markup

from reconciler.audit.overview.lanes import Lane, SpanKind
from reconciler.audit.overview.model_overview import ModelOverview, Overview
from reconciler.render.page.drawing.bars import CLASSES
from reconciler.render.page.drawing.span_words import KINDS, LaneRow, lane_rows
from reconciler.render.page.limits import Limits
from reconciler.render.page.timeline_svg import timeline

# A legend is shorter than the table, which has `KINDS`.
_MEANINGS: Final[dict[SpanKind, str]] = {
    **KINDS,
    "undeclared": "stayed when git dropped it",
    "by hand": "by hand, since some time before",
    "never applied": "replaced before it was applied",
}


@dataclass(frozen=True, slots=True)
class TimelineView:
    """`legend` has a class and its meaning for each kind of span in the picture."""

    picture: Markup
    legend: tuple[tuple[str, str], ...]
    rows: tuple[LaneRow, ...]
    left_out: int


def timeline_view(model: ModelOverview, overview: Overview, limits: Limits) -> TimelineView | None:
    """Return the timeline of a model, None where nothing is known of any name."""
    if not model.lanes:
        return None
    now, links, is_read = overview.now, overview.links, model.live is not None
    rows = lane_rows(model.lanes, now=now, links=links, is_read=is_read)
    count = sum(len(lane.spans) for lane in model.lanes)
    return TimelineView(
        timeline(model.lanes, now=now, links=links, is_read=is_read),
        tuple(_legend(model.lanes)),
        tuple(islice(rows, limits.rows)),
        max(0, count - limits.rows),
    )


def _legend(lanes: tuple[Lane, ...]) -> Iterator[tuple[str, str]]:
    spans = [span for lane in lanes for span in lane.spans]
    kinds = {span.kind for span in spans}
    yield from ((CLASSES[kind], meaning) for kind, meaning in _MEANINGS.items() if kind in kinds)
    if any(span.was_there for span in spans):
        yield "torn", "found there by the first apply"
