"""Draws the bars of a lane: their forms, their labels where there is room, their links."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from markupsafe import Markup

from reconciler.audit.overview.lanes import LaneSpan, SpanKind
from reconciler.audit.overview.model_overview import ForgeLinks
from reconciler.core.durations import in_words
from reconciler.render.page.drawing.elements import element, path, words
from reconciler.render.page.drawing.span_layout import Mark
from reconciler.render.page.drawing.span_words import summary, tooltip, version
from reconciler.render.page.links import commit, pull_request

BAR: Final = 26.0  # the height of what was live
BESIDE: Final = 18.0  # the height of what never was
LEAST: Final = 5.0  # the narrowest bar
HATCH: Final = "lanes-hatch"  # the id of the pattern of what was done by hand
MASK: Final = "lanes-late"  # the id of the mask in which its begin fades in
_CHARACTER: Final = 8.0  # the width of a bold character
_SHORTEST_TOLD: Final = timedelta(seconds=1)
_LONGEST: Final = 2_000  # characters of a tooltip
CLASSES: Final[dict[SpanKind, str]] = {
    "applied": "applied",
    "merged": "merged",
    "undeclared": "undeclared",
    "by hand": "by-hand",
    "pending": "pending",
    "never applied": "never",
}


@dataclass(frozen=True, slots=True)
class PictureView:
    """What a picture is drawn for: a moment, the addresses, whether the registry was read then."""

    now: datetime
    links: ForgeLinks
    is_read: bool


class Bars:
    """Draws the bars of one lane, up to `right`."""

    def __init__(self, name: str, view: PictureView, right: float) -> None:
        """Keep what every bar needs."""
        self._name = name
        self._view = view
        self._right = right

    def track(self, marks: Sequence[Mark], over: Sequence[Mark], y: float) -> Iterator[Markup]:
        """Yield the bars of what was live, then what somebody did by hand over them."""
        taken = [(mark.left + mark.width * 0.2, mark.right) for mark in over]  # it fades in
        labels = [_label_over(mark, marks, over) for mark in over]
        taken += [(left, right) for label in labels if label for left, right in [label[:2]]]
        for mark in marks:
            if mark.first.kind == "by hand":  # in a row of its own
                label = _label_over(mark, (), marks)
                yield self._linked(mark, self._by_hand(mark, y), _over_text(mark, label, y))
            else:
                text = self._label(mark, sorted(taken), y)
                yield self._linked(mark, _bar(mark, y), text)
        for mark, label in zip(over, labels, strict=True):
            yield self._linked(mark, self._by_hand(mark, y), _over_text(mark, label, y))

    def beside(self, row: Sequence[Mark], y: float) -> Iterator[Markup]:
        """Yield what never was live: thinner, with its version in it or next to it."""
        for place, mark in enumerate(row):
            # The one before may have its own label behind it.
            before = row[place - 1].right + _need(row[place - 1]) if place else 0.0
            behind = row[place + 1].left if place + 1 < len(row) else self._right
            width = max(2.0, mark.width - 1.5)
            shape = element(
                "rect", x=mark.left, y=y, width=width, height=BESIDE, rx=3.0, class_="bar"
            )
            text, need = _text(mark), _need(mark)
            label = Markup()
            if mark.width >= need:
                label = _version(text, mark.left + mark.width / 2, y + 13, "middle")
            elif behind - mark.right >= need + 4:
                label = _version(text, mark.right + 3, y + 13, "start")
            elif mark.left - before >= need + 8:
                label = _version(text, mark.left - 4, y + 13, "end")
            yield self._linked(mark, shape, label)

    def _by_hand(self, mark: Mark, y: float) -> Markup:
        width = max(2.0, mark.width - 1.5)
        box = {"x": mark.left, "y": y, "width": width, "height": BAR, "rx": 4.0}
        ground = element("rect", class_="ground", **box)
        hatched = element("rect", class_="bar", fill=f"url(#{HATCH})", **box)
        is_wide = mark.width > 3 * LEAST
        mask = f"url(#{MASK})" if is_wide else None
        return element("g", ground, hatched, mask=mask)

    def _label(self, mark: Mark, taken: Sequence[tuple[float, float]], y: float) -> Markup:
        """Return the version in the first free part of a bar, and how long it was there."""
        text, need = _text(mark), _need(mark)
        left, right = _free(mark, taken, need)
        if right - left < need:
            return Markup()
        if right - left < need + 8:
            return _version(text, (left + right) / 2, y + 17.5, "middle")
        shown = _version(text, left + 8, y + 17.5, "start")
        span, lasted = mark.first, ""
        end = self._view.now if span.end is None and self._view.is_read else span.end
        if len(mark.spans) == 1 and span.start and end and not span.was_there:
            length = end - span.start
            lasted = "" if length < _SHORTEST_TOLD else in_words(length, parts=1)
        if not lasted or right - left < need + len(lasted) * _CHARACTER + 14:
            return shown
        behind = left + need + 7
        return shown + element("text", words(lasted), x=behind, y=y + 17.5, class_="lasted")

    def _linked(self, mark: Mark, shape: Markup, label: Markup) -> Markup:
        span = mark.first
        kind = f"span {CLASSES[span.kind]}"
        if len(mark.spans) > 1:
            title = words(
                summary(self._name, mark.spans, self._view.now, is_read=self._view.is_read),
                _LONGEST,
            )
            return element("g", element("title", title), shape, label, class_=f"{kind} several")
        title = words(
            tooltip(self._name, span, self._view.now, is_read=self._view.is_read), _LONGEST
        )
        is_now = span.end is None and span.kind in ("applied", "merged")
        if is_now:
            kind = f"{kind} {'here' if self._view.is_read else 'last'}"
        drawn = element("g", element("title", title), shape, label, class_=kind)
        href = _href(span, self._view.links)
        return element("a", drawn, href=href, tabindex="-1") if href else drawn


def _bar(mark: Mark, y: float) -> Markup:
    width = mark.width - (1.5 if mark.width > 2 * LEAST else 0.5)  # between neighbours
    if mark.first.was_there and len(mark.spans) == 1:
        return element("path", d=_torn(mark.left, mark.left + width, y), class_="bar")
    corner = min(4.0, width / 3)
    return element("rect", x=mark.left, y=y, width=width, height=BAR, rx=corner, class_="bar")


def _torn(left: float, right: float, y: float) -> str:
    """Return a bar whose left side is torn: it began earlier, and nobody knows when."""
    teeth = [(left + (4 if place % 2 else 0), y + BAR - place * BAR / 6) for place in range(1, 6)]
    corners = [(left, y), (right, y), (right, y + BAR), (left, y + BAR)]
    return path([*corners, *teeth], closed=True)


def _text(mark: Mark) -> str:
    return version(mark.first) if len(mark.spans) == 1 else f"×{len(mark.spans)}"


def _need(mark: Mark) -> float:
    """Return the width of a bar with its version in it."""
    return len(_text(mark)) * _CHARACTER + 5


def _version(text: str, x: float, y: float, anchor: str) -> Markup:
    shown = None if anchor == "start" else anchor
    return element("text", words(text), x=x, y=y, class_="version", text_anchor=shown)


_OverLabel = tuple[float, float, str]  # from where to where, and how it is anchored


def _label_over(mark: Mark, under: Sequence[Mark], over: Sequence[Mark]) -> _OverLabel | None:
    """Return where the version fits that somebody put there by hand: in its bar, else next to it.

    Next to it is within the bar below it, and away from what else lies over that.
    """
    need = _need(mark)
    if mark.width >= need * 1.5:
        return mark.right - need, mark.right - 6, "end"
    below = next((one for one in under if one.left <= mark.left < one.right), None)
    if below is None:
        return None
    behind = min([below.right, *(one.left for one in over if one.left >= mark.right)])
    if behind - mark.right >= need + 4:
        return mark.right + 2, mark.right + need, "start"
    others = (one.right + _need(one) for one in over if one.right <= mark.left)
    before = max([below.left + 70, *others])
    if mark.left - before >= need:
        return mark.left - need, mark.left - 2, "end"
    return None


def _over_text(mark: Mark, label: _OverLabel | None, y: float) -> Markup:
    if label is None:
        return Markup()
    left, right, anchor = label
    return _version(_text(mark), left if anchor == "start" else right, y + 17.5, anchor)


def _free(mark: Mark, taken: Sequence[tuple[float, float]], need: float) -> tuple[float, float]:
    """Return the first part of a bar with room for a label that nothing lies over."""
    left = mark.left
    for begin, end in taken:
        if end <= left or begin >= mark.right:
            continue
        if begin - left >= need:
            return left, begin
        left = end
    return left, mark.right


def _href(span: LaneSpan, links: ForgeLinks) -> str | None:
    if span.entry is None:
        return commit(links, span.found.commit).href if span.found else None
    number = span.entry.pull_request
    found = pull_request(links, number).href if number is not None else None
    return found or commit(links, span.entry.step.commit.id).href
