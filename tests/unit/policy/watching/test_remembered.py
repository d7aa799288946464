"""What earlier looks tell: since when a version serves, its baseline, a source without answers."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.core.declaring.watch import JsonValue, RunMetric, WatchSource
from reconciler.policy.watching.looking import source_key
from reconciler.policy.watching.looks import Look, Measurement, WatchMemory
from reconciler.policy.watching.remembered import baseline_of, first_seen, never_answered
from tests.support.watching.looks import MODEL, RULE, after, look, rule


def memory(*looks: Look) -> WatchMemory:
    return WatchMemory(looks)


def before(minutes: float, value: float, **changed: object) -> Look:
    """Return a look at v1, some minutes before noon."""
    known = {"version": 1, "baseline": None, "measurement": Measurement(value), **changed}
    return look(-minutes, "passing", **known)


def baseline(*looks: Look, since: float = 0) -> float | None:
    return baseline_of(RULE, memory(*looks), MODEL, 2, after(since))


def test_a_version_is_seen_since_its_first_look_after_another_version() -> None:
    looks = memory(
        *(look(n, version=1) for n in (0, 5)),
        *(look(n, version=2) for n in (10, 15)),
        *(look(n, version=1) for n in (20, 25, 30)),
        look(26, version=9, model="churn"),
        look(99, version=9),  # a clock went backwards
    )
    now = after(35)
    assert first_seen(looks, MODEL, 1, now) == after(20)
    assert first_seen(looks, MODEL, 2, now) == now, "it served, and serves anew"
    assert first_seen(looks, MODEL, 3, now) == now
    assert first_seen(memory(), MODEL, 1, now) == now


def test_the_baseline_is_the_median_of_the_version_before() -> None:
    values = [before(n * 60, n / 100) for n in (1, 2, 9)]
    assert baseline(*values) == 0.02
    assert baseline(*values, before(180, 0.03)) == pytest.approx(0.025)
    assert baseline(*values[:2]) is None


@pytest.mark.parametrize(
    "other",
    [
        before(120, 0.5, is_usable=False),
        before(120, 0.5, source="other"),
        before(120, 0.5, model="churn"),
        before(24 * 60 + 1, 0.5),
        before(-10, 0.5),
        before(120, 0.5, version=2),
        before(59.9, 0.5),  # of the same quarter of an hour as another one
    ],
)
def test_what_is_not_the_incumbents_of_this_time_is_left_out(other: Look) -> None:
    values = [before(n, 0.02) for n in (60, 300)]
    assert baseline(*values, other) is None
    assert baseline(*values, other, before(420, 0.02)) == 0.02


def test_a_measurement_that_many_looks_saw_counts_once() -> None:
    measured = Measurement(0.5, time=after(-130))
    same = [before(n, 0, measurement=measured) for n in (125, 110, 95, 80)]
    assert baseline(*same, before(200, 0.02), before(300, 0.02)) == 0.02
    assert baseline(*same, before(200, 0.02)) is None


def test_a_baseline_counts_from_when_it_was_measured() -> None:
    at_the_edge = before(24 * 60 - 1, 0.02, measurement=Measurement(0.02, time=after(-24 * 60 - 9)))
    assert baseline(at_the_edge, before(60, 0.02), before(120, 0.02)) is None


def test_what_a_version_was_compared_with_stays_its_baseline() -> None:
    values = [before(n * 60, 0.5) for n in (1, 2, 3)]
    own = [look(20, baseline=0.02), look(25, baseline=None)]
    assert baseline(*values, *own) == 0.02
    assert baseline(*own) == 0.02, "also when the incumbent's looks are forgotten"
    assert baseline(*values, look(-300, baseline=0.02)) == 0.5, "but not when it served before"
    assert baseline(look(0, baseline=0.02)) == 0.02, "the first look is one of it"
    assert baseline(look(5, baseline=0.03), look(0, baseline=0.02)) == 0.03


def test_the_time_of_the_baseline_ends_when_the_version_begins_to_serve() -> None:
    first, last = before(24 * 60, 0.02), before(0, 0.5)
    assert baseline(first, before(60, 0.02), before(120, 0.02)) == 0.02
    assert baseline(last, before(60, 0.02), before(120, 0.02)) is None


def test_values_at_which_no_baseline_was_known_make_the_next_one() -> None:
    first = [
        replace(before(n * 60, 0.02), outcome="unknown", why="`baseline` is not known")
        for n in (1, 2, 3)
    ]
    assert baseline(*first) == 0.02


def test_the_window_of_the_baseline_is_a_setting() -> None:
    values = memory(*(before(n * 20, n / 100) for n in (1, 2, 3, 4)))
    short = rule(baseline=timedelta(hours=1))
    assert baseline_of(short, values, MODEL, 2, after(0)) == 0.02
    shortest = rule(baseline=timedelta(seconds=1))
    assert baseline_of(shortest, values, MODEL, 2, after(0)) is None


@pytest.mark.parametrize(
    ("source", "named"),
    [
        (RULE.source, "the query `rate` has returned no value in 3 looks: no series"),
        (JsonValue("https://m/$model.json", "a.b"), "`a.b` of https://m/$model.json has returned"),
        (RunMetric("live_auc"), "the metric `live_auc` has returned no value in 3 looks"),
    ],
)
def test_a_source_that_never_gave_a_value_is_named(source: WatchSource, named: str) -> None:
    asked = rule(source=source)
    looks = [look(n, "unknown", version=n, source=source_key(asked)) for n in (1, 2)]
    found = never_answered(asked, memory(*looks), Measurement(why="no series"), model=MODEL)
    assert str(found).startswith(named)


def test_at_the_first_look_it_is_named_at_once() -> None:
    found = never_answered(RULE, memory(), Measurement(), model=MODEL)
    assert found == "the query `rate` has returned no value in 1 look: no value"


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_one_value_of_any_version_is_an_answer(value: float) -> None:
    given, nothing = Measurement(value), Measurement()
    assert never_answered(RULE, memory(), given, model=MODEL) is None
    once = look(0, "unknown", version=1, measurement=given)
    assert never_answered(RULE, memory(once), nothing, model=MODEL) is None
    assert never_answered(RULE, memory(once), nothing, model="churn") is not None
    assert never_answered(rule(fail="value > 1"), memory(once), nothing, model=MODEL) is not None
