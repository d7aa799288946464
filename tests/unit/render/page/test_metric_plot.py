"""The plot of a metric of the versions that served: steps, gaps that are told, no surprises."""

import math
from datetime import datetime, timedelta, timezone
from xml.etree.ElementTree import fromstring

from hypothesis import given
from hypothesis import strategies as st

from reconciler.audit.overview.lanes import Lane, LaneSpan
from reconciler.core.comparison import Side
from reconciler.core.facts import Facts
from reconciler.core.state import Identity
from reconciler.render.page.metric_plot_svg import MetricPoint, metric_plot
from reconciler.render.page.views.served_metric import served_metric

NOW = datetime(2026, 11, 29, 22, tzinfo=timezone.utc)


def point(version: int, days: float, value: float | None) -> MetricPoint:
    """Return a point of so many days ago."""
    return MetricPoint(version, NOW - timedelta(days=days), value)


def side(version: int, **metrics: float) -> Side:
    """Return a live version with metrics."""
    facts = Facts(metrics=metrics)
    return Side(version, "None", (), {}, "", Identity(None, None, None), facts)


def test_a_version_without_a_number_is_a_gap_and_is_told() -> None:
    points = [point(1, 40, 0.8), point(2, 30, math.nan), point(3, 20, 0.9), point(4, 10, None)]
    picture = fromstring(metric_plot("auc", points, now=NOW))  # noqa: S314  our own
    (steps,) = [p for p in picture.iter("path") if p.get("class") == "steps"]
    assert str(steps.get("d")).count("M") == 2
    assert picture.findtext("desc") == (
        "v1 since 20 Oct 2026: 0.8; v2 since 30 Oct 2026: nan, not drawn; "
        "v3 since 9 Nov 2026: 0.9; v4 since 19 Nov 2026: not logged"
    )
    assert picture.get("role") == "img"
    labels = [t.text for t in picture.iter("text") if t.get("class") == "version"]
    assert labels == ["v1", "v2", "v3", "v4"]


def test_without_any_number_it_says_so() -> None:
    svg = metric_plot("</svg><script>", [point(1, 4, math.inf)], now=NOW)
    assert "no version that served has a number" in svg
    assert "<script>" not in svg
    assert "no version that served has a number" in metric_plot("auc", [], now=NOW)


@given(
    st.text(max_size=300),
    st.lists(
        st.builds(
            point, st.integers(1, 999), st.floats(0, 4_000), st.one_of(st.none(), st.floats())
        )
    ),
)
def test_every_number_lies_in_the_picture(name: str, points: list[MetricPoint]) -> None:
    svg = metric_plot(name, points, now=NOW)
    assert svg == metric_plot(name, points, now=NOW)
    picture = fromstring(svg)  # noqa: S314  our own
    assert len(svg) < 30_000
    for circle in picture.iter("circle"):
        assert 0 <= float(circle.get("cx", -1)) <= 420
        assert 0 <= float(circle.get("cy", -1)) <= 168


def test_the_metric_is_the_one_that_most_served_versions_have() -> None:
    spans = [LaneSpan(v, NOW - timedelta(days=40 - 10 * v), None, "applied") for v in (1, 2, 3)]
    lane = Lane("Production", (*spans, LaneSpan(9, NOW, None, "pending")))
    sides = [side(1, auc=0.8, loss=3.0), side(2, auc=0.9, loss=2.0), side(3, loss=1.0), side(9)]
    found = served_metric(lane, sides)
    assert found is not None
    assert found[0] == "loss"
    assert [(p.version, p.value) for p in found[1]] == [(1, 3.0), (2, 2.0), (3, 1.0)]
    some = served_metric(lane, [*sides[:2], side(3)])
    assert some is not None
    assert some[0] == "auc", "of two that are alike it is the first by name"
    assert [(p.version, p.value) for p in some[1]] == [(1, 0.8), (2, 0.9), (3, None)]
    assert served_metric(lane, [side(1, auc=0.8)]) is None
    assert served_metric(lane, []) is None
