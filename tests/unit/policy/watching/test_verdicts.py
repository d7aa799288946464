"""The verdict of a rule: what counts, in which order, and the sentence that says why."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from reconciler.core.declaring.watch import WatchRule
from reconciler.policy.watching.looks import Look, LookOutcome, Measurement, RuleVerdict
from reconciler.policy.watching.verdicts import model_verdict, verdict_of
from tests.support.watching.looks import MODEL, RULE, after, look, rule

OUTCOMES: dict[str, LookOutcome] = {"f": "failing", "p": "passing", "?": "unknown"}


def verdict(looks: Sequence[Look], asked: WatchRule = RULE, **changed: Any) -> RuleVerdict:
    now: datetime = changed.get("now", max((each.time for each in looks), default=after(0)))
    since: datetime = changed.get("since", after(-60))
    return verdict_of(asked, looks, model=MODEL, version=2, since=since, now=now)


def series(outcomes: str) -> list[Look]:
    """Return a look each five minutes: `f` fails, `p` passes, of `?` nothing is known."""
    return [look(5 * number, OUTCOMES[each]) for number, each in enumerate(outcomes)]


@pytest.mark.parametrize(
    ("outcomes", "expected", "why"),
    [
        ("p", "healthy", "the last look passed: value 0.01, baseline 0.02"),
        ("ppppp", "healthy", "the last look passed: value 0.01, baseline 0.02"),
        ("f", "inconclusive", "1 of 3 failing looks so far: value 0.31, baseline 0.02"),
        ("ff", "inconclusive", "2 of 3 failing looks so far: value 0.31, baseline 0.02"),
        ("fff", "failed", "3 of the last 3 looks failed: value 0.31, baseline 0.02"),
        ("fpfpf", "failed", "3 of the last 5 looks failed: value 0.31, baseline 0.02"),
        ("f?f?f", "failed", "3 of the last 5 looks failed"),
        ("ffp", "healthy", "the last look passed, and 2 of the last 3 looks failed"),
        ("fffp", "inconclusive", "the last look passed, but 3 of the last 4 looks failed"),
        ("fff?", "inconclusive", "no data for 5 m: the source has no value"),
        ("fff??f", "failed", "3 of the last 5 looks failed"),
        ("ff???f", "inconclusive", "2 of 3 failing looks so far"),  # the unknown take a place
        ("ffffpppf", "inconclusive", "2 of 3 failing looks so far"),
        ("?????", "inconclusive", "no data for 1 h 20 m: the source has no value"),
        ("p?", "inconclusive", "no data for 5 m: the source has no value"),
    ],
)
def test_three_of_five_looks_fail_a_version(outcomes: str, expected: str, why: str) -> None:
    found = verdict(series(outcomes))
    assert found.verdict == expected
    assert found.why.startswith(why)
    assert found.failing == outcomes[-5:].count("f")
    assert found.look == found.looks[-1] == series(outcomes)[-1]


@pytest.mark.parametrize(
    ("needed", "window", "outcomes", "expected"),
    [
        (1, 1, "pf", "failed"),
        (1, 1, "fp", "healthy"),
        (5, 5, "ffff", "inconclusive"),
        (5, 5, "fffff", "failed"),
        (5, 5, "ffff?", "inconclusive"),
        (5, 5, "ff?fff", "inconclusive"),
        (2, 50, "fppppppppppppppf", "failed"),
    ],
)
def test_how_many_of_how_many_is_a_setting(
    needed: int, window: int, outcomes: str, expected: str
) -> None:
    assert verdict(series(outcomes), rule(needed=needed, window=window)).verdict == expected


def test_one_look_of_one_is_told_so() -> None:
    found = verdict(series("f"), rule(needed=1, window=1))
    assert found.why == "the last look failed: value 0.31, baseline 0.02"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.123456, "0.1235"),
        (123456.7, "123,457"),
        (10_000.0, "10,000"),
        (9_999.0, "9999"),
        (1e20, "1e+20"),
        (-0.0, "-0"),
        (3.0, "3"),
    ],
)
def test_a_value_is_shown_so_that_it_can_be_read(value: float, shown: str) -> None:
    found = verdict([look(0, "passing", measurement=Measurement(value), baseline=None)])
    assert found.why == f"the last look passed: value {shown}"


def test_only_this_version_in_this_time_by_this_rule_counts() -> None:
    others = [
        look(1, "failing", version=1),
        look(2, "failing", model="churn"),
        look(3, "failing", source="other"),
        look(-61, "failing"),  # it served before, and was rolled back to another one
        look(11, "failing"),  # a clock went backwards since
    ]
    found = verdict([*others, look(10, "failing")], now=after(10))
    assert (found.verdict, found.failing, len(found.looks)) == ("inconclusive", 1, 1)


def test_a_rule_that_was_renamed_keeps_what_it_saw() -> None:
    assert verdict([*series("ff"), look(15, "failing", rule="rate")]).verdict == "failed"


def test_looks_at_one_measurement_are_one_look() -> None:
    fast = [
        look(number, "failing", measurement=Measurement(0.31, time=after(0)))
        for number in range(10)
    ]
    found = verdict(fast)
    assert (found.verdict, found.looks) == ("inconclusive", (fast[-1],))
    later = [look(n, "failing", measurement=Measurement(0.31, time=after(n))) for n in (10, 20)]
    assert verdict([*fast, *later]).verdict == "failed"


def test_the_last_look_at_a_measurement_is_what_counts() -> None:
    measured = Measurement(0.31, time=after(0))
    first = look(1, "failing", measurement=measured)
    again = look(2, "unknown", measurement=measured, is_usable=True, why="`baseline` is not known")
    for looks in ([first, again], [again, first]):
        found = verdict(looks)
        assert (found.verdict, found.failing, found.why) == ("inconclusive", 0, again.why)


def test_to_find_what_became_too_old_is_to_find_nothing() -> None:
    measured = Measurement(0.31, time=after(0))
    looks = [
        *(look(-n, "failing", measurement=Measurement(0.31, time=after(-n))) for n in (20, 10)),
        look(1, "failing", measurement=measured),
        *(
            look(n, "unknown", measurement=measured, why="measured 1 h ago")
            for n in (61, 66, 71, 76)
        ),
    ]
    assert verdict(looks[:3]).verdict == "failed"
    found = verdict(looks)
    assert (found.verdict, found.failing) == ("inconclusive", 1), "each took a place"
    assert found.why == "no data for 1 h 15 m: measured 1 h ago"


def test_within_the_grace_nothing_is_said_of_missing_data() -> None:
    found = verdict(
        [look(0, "unknown", why="within 15 m after v2 began to serve")], since=after(-5)
    )
    assert found.why == "within 15 m after v2 began to serve"


def test_from_the_end_of_the_grace_on_missing_data_is_told() -> None:
    found = verdict([look(0, "unknown")], since=after(-15))
    assert found.why == "no data for 15 m: the source has no value"


def test_without_a_baseline_the_data_is_not_what_is_missing() -> None:
    found = verdict([look(0, "unknown", is_usable=True, why="`baseline` is not known")])
    assert (found.verdict, found.why) == ("inconclusive", "`baseline` is not known")


def test_a_version_that_begins_to_serve_later_than_now_has_its_look() -> None:
    found = verdict([look(0, "unknown")], since=after(30))
    assert (found.verdict, len(found.looks)) == ("inconclusive", 1)


@pytest.mark.parametrize(
    ("outcomes", "last"), [("f?", "unknown"), ("p?", "unknown"), ("fp", "passing")]
)
def test_of_two_looks_at_one_time_the_one_that_says_less_is_the_last(
    outcomes: str, last: str
) -> None:
    at_once = [look(0, OUTCOMES[each]) for each in outcomes]
    measured = [
        replace(each, measurement=Measurement(9 - n, time=after(-n - 1)))
        for n, each in enumerate(at_once)
    ]
    for looks in (at_once, at_once[::-1], measured, measured[::-1]):
        assert verdict(looks).look.outcome == last


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (["healthy", "healthy"], "healthy"),
        (["healthy", "inconclusive"], "inconclusive"),
        (["inconclusive", "failed", "healthy"], "failed"),
        ([], "inconclusive"),
    ],
)
def test_a_model_is_as_its_worst_rule(rules: list[Any], expected: str) -> None:
    assert model_verdict([RuleVerdict("a", each, "", 0, ()) for each in rules]) == expected
