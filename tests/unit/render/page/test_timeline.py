"""The picture of a model's names over time: what it shows, how it reads, and that nothing runs."""

import re
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.audit.apply_record import ApplyRecord
from reconciler.audit.evidence import Entry
from reconciler.audit.merged_changes import MergeApproval, MergedCommit, Step
from reconciler.audit.overview.lanes import SPAN_KINDS, Lane, LaneSpan
from reconciler.audit.overview.model_overview import ForgeLinks
from reconciler.render.page.drawing.span_words import lane_rows
from reconciler.render.page.drawing.time_axis import time_axis
from reconciler.render.page.timeline_svg import timeline

NOW = datetime(2026, 11, 29, 22, tzinfo=timezone.utc)
LINKS = ForgeLinks("https://forge.example/commit/{}", "https://forge.example/pull/{}")
HOSTILE = "</svg><script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e\x00\ud800"
SVG = "{http://www.w3.org/2000/svg}"


def ago(days: float) -> datetime:
    """Return a moment before now."""
    return NOW - timedelta(days=days)


def entry(name: str = "Ada", number: int | None = 12, approver: str = "Grace") -> Entry:
    """Return a merged change."""
    commit = MergedCommit("c0ffee" * 6, (), ago(3), name, "a@x", "Forge", "f@x", "subject")
    approvals = (MergeApproval(approver, "verified"),)
    return Entry(Step(commit, "m", None, None), (), 3, {}, number, approvals, "applied")


RECORD = ApplyRecord(ago(1), "r", "s", "beef" * 10)
EVERY = Lane(
    "Production",
    (
        LaneSpan(1, ago(90), ago(60), "merged", entry()),
        LaneSpan(2, ago(60), ago(30), "applied", entry(), was_there=True),
        LaneSpan(9, ago(55), ago(45), "by hand", found=RECORD),
        LaneSpan(3, ago(40), ago(38), "never applied", entry()),
        LaneSpan(2, ago(30), ago(20), "undeclared", entry()),
        LaneSpan(4, ago(20), None, "applied", entry(), consents=("off-main=m",)),
        LaneSpan(None, ago(5), None, "pending", entry()),
        LaneSpan(8, None, None, "by hand"),
    ),
)


def drawn(*lanes: Lane, links: ForgeLinks = LINKS) -> Element:
    """Return the picture, parsed."""
    return fromstring(timeline(lanes, now=NOW, links=links))  # noqa: S314  our own


def spans(picture: Element, kind: str) -> list[Element]:
    """Return the bars of a kind."""
    return [g for g in picture.iter("g") if kind in (g.get("class") or "").split()]


def test_every_kind_of_span_has_a_class_a_version_and_a_sentence() -> None:
    picture = drawn(EVERY)
    for kind in ("applied", "merged", "undeclared", "by-hand", "pending", "never"):
        assert spans(picture, kind), kind
    titles = [str(g.findtext("title")) for g in spans(picture, "span")]
    assert len(titles) == len(EVERY.spans)
    assert (
        "v4 in Production: applied\n2026-11-09 22:00 – now\nc0ffeec0 #12 by Ada\n"
        "approved by Grace (verified)\nconsents: off-main=m"
    ) in titles
    assert any("v9 in Production: by hand\nat some time after 2026-10-05" in t for t in titles)
    assert any("found there 2026-09-30" in title for title in titles)
    assert any("not known since when – now" in title for title in titles)
    assert any(title.startswith("none in Production: merged, not applied yet") for title in titles)


def test_a_span_leads_to_its_pull_request_else_to_its_commit_and_never_elsewhere() -> None:
    lane = Lane("@a", (LaneSpan(1, ago(9), ago(5), "applied", entry(number=None)), *EVERY.spans))
    hrefs = {a.get("href") for a in drawn(lane).iter("a")}
    assert hrefs == {
        "https://forge.example/pull/12",
        f"https://forge.example/commit/{'c0ffee' * 6}",
        f"https://forge.example/commit/{'beef' * 10}",
    }
    for links in (ForgeLinks(), ForgeLinks("javascript:alert({})", "data:text/html,{}")):
        assert not [*drawn(lane, links=links).iter("a")]


def test_it_can_be_read_without_seeing_it() -> None:
    picture = drawn(EVERY, Lane("@champion", (LaneSpan(7, ago(2), None, "merged", entry()),)))
    assert picture.get("role") == "group"
    by_id = {e.get("id"): e for e in picture.iter() if e.get("id")}
    assert by_id[picture.get("aria-labelledby")].text == "Which version had each name, over time"
    described = by_id[picture.get("aria-describedby")].text
    assert described == (
        "Production: v4 since 9 Nov 2026, v8 by hand; @champion: v7 since 27 Nov 2026"
    )


def test_the_table_tells_of_every_span_what_the_picture_does() -> None:
    rows = list(lane_rows([EVERY], now=NOW, links=LINKS))
    assert [row.version for row in rows] == ["v8", "none", "v4", "v2", "v2", "v3", "v9", "v1"]
    assert (rows[2].begin, rows[2].end, rows[2].kind) == ("2026-11-09 22:00", "now", "applied")
    assert rows[2].approvals == "Grace (verified)"
    assert rows[2].consents == "off-main=m"
    assert rows[2].pull_request is not None
    assert rows[2].pull_request.href == "https://forge.example/pull/12"
    assert rows[0].commit is None


def test_without_a_reading_nothing_is_said_to_be_there_now() -> None:
    svg = timeline([EVERY], now=NOW, links=LINKS, is_read=False)
    picture = fromstring(svg)  # noqa: S314  our own
    assert "Production: last known: v4 since 9 Nov 2026" in str(picture.findtext("desc"))
    assert not spans(picture, "here")
    assert spans(picture, "last")
    ends = [row.end for row in lane_rows([EVERY], now=NOW, links=LINKS, is_read=False)]
    assert "now" not in ends
    assert ends.count("not known until when") == 3


@pytest.mark.parametrize("count", [1, 40])
def test_hostile_text_is_shown_and_does_not_grow_the_picture(count: int) -> None:
    evil = entry(HOSTILE * 9_000, 1, HOSTILE * 9_000)
    made = [
        LaneSpan(n, ago(99 - n), ago(98 - n), "applied", evil, consents=(HOSTILE * 9_000,))
        for n in range(1, 40)
    ]
    svg = timeline(
        [Lane(HOSTILE * 1_000 + str(n), tuple(made)) for n in range(count)], now=NOW, links=LINKS
    )
    picture = fromstring(svg)  # noqa: S314  our own
    assert len(svg) <= 60_000
    assert {e.tag for e in picture.iter()} <= {
        *("svg", "title", "desc", "defs", "pattern", "linearGradient", "stop", "mask"),
        *("path", "rect", "g", "text", "tspan", "a"),
    }
    names = {name for e in picture.iter() for name in e.attrib}
    assert not {name for name in names if name.startswith("on") or name == "style"}


def test_a_thousand_spans_are_a_small_picture_that_tells_them_all() -> None:
    many = tuple(
        LaneSpan(n, ago(1000 - n), ago(999 - n) if n < 999 else None, "applied", entry())
        for n in range(1000)
    )
    svg = timeline([Lane("Production", many)], now=NOW, links=LINKS)
    assert len(svg) <= 60_000
    picture = fromstring(svg)  # noqa: S314  our own
    counts = [
        int(found[1]) if (found := re.match(r"(\d+) spans", str(g.findtext("title")))) else 1
        for g in spans(picture, "span")
    ]
    assert sum(counts) == 1000
    assert len(counts) > 20, "it is not one bar"


def test_more_names_than_a_person_can_look_at_are_counted() -> None:
    lanes = [Lane(f"@a{n}", EVERY.spans) for n in range(30)]
    assert "and 14 more names, in the table" in timeline(lanes, now=NOW, links=LINKS)


def test_what_a_picture_refers_to_is_in_it() -> None:
    picture = timeline([EVERY], now=NOW, links=LINKS)
    named = set(re.findall(r"url\(#([^)]*)\)", picture))
    assert named
    assert named <= set(re.findall(r'id="([^"]*)"', picture))


_DAYS = st.floats(0, 4_000).map(lambda days: round(days, 4))
_SPANS = st.builds(
    lambda version, start, length, kind, is_open, is_known: LaneSpan(
        version,
        ago(start) if is_known else None,
        None if is_open else ago(max(0.0, start - length)),
        kind,
        entry(),
        RECORD,
    ),
    st.integers(1, 5_000),
    _DAYS,
    st.one_of(st.floats(0, 1), _DAYS),
    st.sampled_from(SPAN_KINDS),
    st.booleans(),
    st.booleans(),
)
_LANES = st.lists(st.builds(lambda s: Lane("Production", tuple(s)), st.lists(_SPANS, max_size=30)))


@given(_LANES)
def test_bars_stay_in_the_picture_and_their_labels_apart(lanes: list[Lane]) -> None:
    svg = timeline(lanes, now=NOW, links=LINKS)
    assert svg == timeline(lanes, now=NOW, links=LINKS)
    picture = fromstring(svg)  # noqa: S314  our own
    width, height = map(float, str(picture.get("viewBox")).split()[2:])
    for rect in picture.iter("rect"):
        if rect.get("class") == "bar":
            left, length = float(rect.get("x", 0)), float(rect.get("width", 0))
            assert left >= 0
            assert left + length <= width
            assert float(rect.get("y", 0)) + 18 <= height
            assert length >= 2
    rows = defaultdict(list)
    for text in picture.iter("text"):
        if text.get("class") == "version":
            long, x = len(str(text.text)) * 6.5, float(text.get("x", 0))
            left = x - {"middle": long / 2, "end": long}.get(text.get("text-anchor", ""), 0.0)
            rows[text.get("y")].append((left, left + long))
    for labels in rows.values():
        for (_, right), (left, _) in pairwise(sorted(labels)):
            assert right <= left + 1


@given(st.timedeltas(timedelta(0), timedelta(days=365 * 60)))
def test_the_axis_has_a_few_ticks_that_do_not_touch(length: timedelta) -> None:
    axis = time_axis(NOW - length, NOW, 0, 900)
    ticks = axis.ticks(90)
    assert len(ticks) <= 11
    assert len(ticks) >= 2 or length > timedelta(days=365 * 40)
    assert all(after.x - before.x >= 80 for before, after in pairwise(ticks))
    assert len({tick.label for tick in ticks}) == len(ticks) or any(t.context for t in ticks[1:])
    assert all(0 <= tick.x <= 900 for tick in ticks)


@pytest.mark.parametrize(
    ("length", "labels"),
    [
        (timedelta(seconds=40), ["21:59:20 29 Nov 2026", "21:59:30", "21:59:40"]),
        (timedelta(minutes=30), ["21:30 29 Nov 2026", "21:35", "21:40"]),
        (timedelta(hours=30), ["18:00 28 Nov 2026", "00:00 29 Nov 2026", "06:00"]),
        (timedelta(days=10), ["21 Nov 2026", "23 Nov", "25 Nov"]),
        (timedelta(days=100), ["31 Aug 2026", "14 Sep", "28 Sep"]),
        (timedelta(days=300), ["Mar 2026", "May", "Jul"]),
        (timedelta(days=2000), ["2022", "2023", "2024"]),
    ],
)
def test_ticks_are_round_moments(length: timedelta, labels: list[str]) -> None:
    ticks = time_axis(NOW - length, NOW, 0, 900).ticks(110)
    told = [f"{tick.label} {tick.context or ''}".strip() for tick in ticks]
    assert told[: len(labels)] == labels
