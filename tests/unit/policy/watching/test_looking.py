"""A look is passing or failing only by a value that counts, of this version, of this time."""

import math
from datetime import timedelta

import pytest

from reconciler.core.declaring.watch import JsonValue, PrometheusQuery, WatchRule
from reconciler.policy.watching.looking import look_at, source_key
from reconciler.policy.watching.looks import Look, Measurement
from tests.support.watching.looks import MODEL, RULE, above_baseline, after, rule


def at_noon(
    measurement: Measurement, asked: WatchRule = RULE, *, since: float = -120, **known: float | None
) -> Look:
    return look_at(
        asked,
        measurement,
        model=MODEL,
        version=2,
        now=after(0),
        since=after(since),
        baseline=known.get("baseline", 0.02),
        fails=above_baseline,
    )


@pytest.mark.parametrize(("value", "outcome"), [(0.05, "failing"), (0.03, "passing")])
def test_a_value_that_counts_is_judged_by_the_condition(value: float, outcome: str) -> None:
    seen = at_noon(Measurement(value, 120.0, after(-5)))
    assert (seen.outcome, seen.why, seen.is_usable) == (outcome, None, True)
    assert (seen.model, seen.rule, seen.version, seen.time) == (MODEL, "errors", 2, after(0))
    assert (seen.baseline, seen.source) == (0.02, source_key(RULE))


MANY = rule(min_samples=100)


@pytest.mark.parametrize(
    ("asked", "measurement", "since", "why"),
    [
        (RULE, Measurement(), -120, "the source has no value"),
        (RULE, Measurement(why="timed out after 10 s"), -120, "timed out after 10 s"),
        (RULE, Measurement(math.nan), -120, "the value is NaN"),
        (RULE, Measurement(math.inf), -120, "the value is inf"),
        (MANY, Measurement(0.5, 99.0), -120, "99 of 100 samples"),
        (MANY, Measurement(0.5, math.nan), -120, "the source does not tell how many samples th"),
        (MANY, Measurement(0.5), -120, "the source does not tell how many samples there are"),
        (RULE, Measurement(0.5, time=after(-61)), -120, "measured 1 h 1 m ago, and older than 1 h"),
        (RULE, Measurement(0.5, time=after(61)), -120, "measured 1 h 1 m in the future: is a clo"),
        (RULE, Measurement(0.5), -14, "within 15 m after v2 began to serve"),
        (RULE, Measurement(0.5, time=after(-10)), -20, "within 15 m after v2 began to serve"),
        (RULE, Measurement(0.5, time=after(-30)), -29, "measured before v2 began to serve"),
        (RULE, Measurement(0.5, time=after(-29)), -29, "within 15 m after v2 began to serve"),
        (RULE, Measurement(0.5, time=after(-1)), 0, "measured before v2 began to serve"),
        (RULE, Measurement(0.5), 30, "within 15 m after v2 began to serve"),
    ],
)
def test_what_does_not_count_is_unknown_and_says_why(
    asked: WatchRule, measurement: Measurement, since: float, why: str
) -> None:
    seen = at_noon(measurement, asked, since=since)
    assert (seen.outcome, seen.is_usable) == ("unknown", False)
    assert str(seen.why).startswith(why)


@pytest.mark.parametrize(
    ("asked", "measurement", "since"),
    [
        (MANY, Measurement(0.5, 100.0), -120),
        (RULE, Measurement(0.5, time=after(-60)), -120),
        (RULE, Measurement(0.5, time=after(3)), -120),
        (RULE, Measurement(0.5), -15),
    ],
)
def test_at_its_limit_a_measurement_counts(
    asked: WatchRule, measurement: Measurement, since: float
) -> None:
    assert at_noon(measurement, asked, since=since).outcome == "failing"


@pytest.mark.parametrize("baseline", [None, math.nan, math.inf])
def test_a_value_without_a_baseline_is_unknown_and_counts_for_the_next_version(
    baseline: float | None,
) -> None:
    seen = at_noon(Measurement(0.5), baseline=baseline)
    assert (seen.outcome, seen.baseline, seen.is_usable) == ("unknown", None, True)
    assert seen.why == "`baseline` is not known"


def test_a_source_is_known_by_what_it_measures_and_by_the_condition() -> None:
    assert source_key(RULE) == "c491505dddc9", "a release that changes it forgets what was seen"
    same = [
        rule(name="other"),
        rule(needed=1, window=1),
        rule(grace=timedelta(hours=1)),
        rule(source=PrometheusQuery("http://p:9090", "rate", token="T")),  # noqa: S106  a name
        rule(line=7),
    ]
    others = [
        rule(fail="value > 1"),
        rule(source=PrometheusQuery("http://p:9090", "rate", samples="count")),
        rule(source=PrometheusQuery("http://q:9090", "rate")),
        rule(source=JsonValue("http://p:9090", "rate")),
    ]
    assert {source_key(one) for one in same} == {source_key(RULE)}
    assert len({source_key(one) for one in [RULE, *others]}) == 1 + len(others)
