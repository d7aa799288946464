"""What is said of a span: in its tooltip, and in the table that tells the same as the picture."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from reconciler.audit.evidence import Entry
from reconciler.audit.overview.lanes import Lane, LaneSpan, SpanKind
from reconciler.audit.overview.model_overview import ForgeLinks
from reconciler.render.page.excerpts import NAME, excerpt, some
from reconciler.render.page.links import Link, commit, pull_request

KINDS: Final[dict[SpanKind, str]] = {
    "applied": "applied",
    "merged": "merged; no record tells when it was applied",
    "undeclared": "git declares it no more, and it stayed",
    "by hand": "by hand",
    "pending": "merged, not applied yet",
    "never applied": "merged and replaced before it was applied",
}
_MOST_PEOPLE: Final = 4
_SHORT: Final = timedelta(minutes=10)
_LAST: Final = datetime.max.replace(tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class LaneRow:
    """One span as a row of a table; `begin` and `end` are texts in UTC."""

    name: str
    version: str
    kind: str
    begin: str
    end: str
    commit: Link | None
    pull_request: Link | None
    approvals: str
    consents: str


def lane_rows(
    lanes: Sequence[Lane], *, now: datetime, links: ForgeLinks, is_read: bool = True
) -> Iterator[LaneRow]:
    """Yield the spans of all lanes as rows, of each lane what is there now first."""
    for lane in lanes:
        spans = sorted(lane.spans, key=lambda span: span.end or _LAST)
        for span in reversed(spans):
            entry = span.entry
            number = entry.pull_request if entry else None
            yield LaneRow(
                name=excerpt(lane.name, NAME),
                version=version(span),
                kind=KINDS[span.kind],
                begin=_begin(span),
                end=_end(span, now, is_read=is_read),
                commit=commit(links, entry.step.commit.id) if entry else None,
                pull_request=pull_request(links, number) if number is not None else None,
                approvals=_approvals(entry) if entry else "",
                consents=some(span.consents, _MOST_PEOPLE),
            )


def version(span: LaneSpan) -> str:
    """Return the version of a span, or a word for none."""
    return "none" if span.version is None else f"v{span.version}"


def tooltip(name: str, span: LaneSpan, now: datetime, *, is_read: bool = True) -> str:
    """Return what a person wants to know of one span, a line each."""
    lines = [
        f"{version(span)} in {excerpt(name, NAME)}: {KINDS[span.kind]}",
        f"{_begin(span)} – {_end(span, now, is_read=is_read)}",
        *(_declared(span.entry) if span.entry else ()),
        *((f"consents: {some(span.consents, _MOST_PEOPLE)}",) if span.consents else ()),
    ]
    if span.found is not None:
        verb = "found" if span.kind == "by hand" else "brought"
        lines.append(f"{verb} by the apply of {span.found.commit[:8]}")
    return "\n".join(lines)


def summary(name: str, spans: Sequence[LaneSpan], now: datetime, *, is_read: bool = True) -> str:
    """Return what a person wants to know of several spans that are drawn as one."""
    versions = dict.fromkeys(version(span) for span in spans)
    times = f"{_begin(spans[0])} – {_end(spans[-1], now, is_read=is_read)}"
    return f"{len(spans)} spans of {excerpt(name, NAME)}: {some([*versions], 8)}\n{times}"


def _begin(span: LaneSpan) -> str:
    if span.start is None:
        return "not known since when"
    begin = _moment(span.start, span)
    if span.kind == "by hand":
        return f"at some time after {begin}"
    return f"{'found there ' if span.was_there else ''}{begin}"


def _end(span: LaneSpan, now: datetime, *, is_read: bool) -> str:
    if span.end is None:
        return "now" if is_read else "not known until when"
    is_found = span.kind == "by hand" or span.end == now
    return f"{'until ' if is_found else ''}{_moment(span.end, span)}"


def _moment(time: datetime, span: LaneSpan) -> str:
    """Return a moment in UTC, to the minute; to the second where the span is short."""
    is_short = span.start is not None and span.end is not None and span.end - span.start < _SHORT
    form = "%Y-%m-%d %H:%M:%S" if is_short else "%Y-%m-%d %H:%M"
    return f"{time.astimezone(timezone.utc):{form}}"


def _declared(entry: Entry) -> Iterable[str]:
    made = entry.step.commit
    number = "" if entry.pull_request is None else f" #{entry.pull_request}"
    authors = some([person.name for person in made.authors], _MOST_PEOPLE)
    yield f"{made.id[:8]}{number} by {authors}"
    if entry.approvals:
        yield f"approved by {_approvals(entry)}"


def _approvals(entry: Entry) -> str:
    people = [f"{approval.name} ({approval.kind})" for approval in entry.approvals]
    return some(people, _MOST_PEOPLE)
