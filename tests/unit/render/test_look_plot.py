"""The plot of a watch is text that every page shows alike, whatever the values are."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.policy.watching.looks import Look, LookOutcome, Measurement
from reconciler.render.watching.look_plot import plot
from tests.support.plans.watch_values import LOOK, NOON


def look(value: float | None, minute: float, outcome: LookOutcome = "passing") -> Look:
    time = NOON + timedelta(minutes=minute)
    measured = Measurement(value)
    return replace(LOOK, time=time, measurement=measured, outcome=outcome, baseline=None)


def test_a_promotion_that_fails_is_seen_at_a_glance() -> None:
    steady = [look(0.02 + 0.01 * (n % 2), 10 * n) for n in range(6)]
    after = [replace(look(0.09, 60 + 10 * n, "failing"), baseline=0.025) for n in range(5)]
    none = look(None, 110, "unknown")

    lines = plot([*steady, *after, none], 3, NOON + timedelta(minutes=55))

    assert "\n".join(lines) == (
        """\
 0.09 |                          | x    x    x    x   x
      |                          |
      |                          |
      |                          |
0.055 |                          |
      |                          |
      |                          |
      |- - -o- - - - o - - - - o - - - - - - - - - - - - - -
 0.02 |o        o         o      |
      +----------------------------------------------------?
       2026-11-30 12:00                 2026-11-30 13:50 UTC

o passing   x failing   ? unknown   - baseline 0.025
| v3 serves since 2026-11-30 12:55 UTC"""
    )


def test_one_value_and_values_that_are_all_alike_are_in_the_middle() -> None:
    (one,) = [line for line in plot([look(0.5, 0)], 3, None) if "o" in line.partition("|")[2]]
    assert one == "0.5 |o"

    lines = plot([look(0.0, minute, "failing") for minute in range(3)], 3, NOON)
    assert [line.partition("|")[2].count("x") for line in lines].count(3) == 1
    assert lines[-1] == "v3 serves since 2026-11-30 12:00 UTC"


def test_of_looks_that_share_a_place_the_worse_is_drawn() -> None:
    lines = plot([look(1.0, 0, "failing"), look(1.0, 0.01), look(1.0, 999)], 3, None)

    (row,) = [line for line in lines if "|" in line and "x" in line]
    assert row.startswith("1 |x")


def test_without_a_value_there_is_no_plot() -> None:
    assert plot([look(None, 0, "unknown"), look(math.nan, 1, "unknown")], 3, NOON) == []
    assert plot([], 3, NOON) == []


_VALUES = st.none() | st.floats() | st.sampled_from([0.0, 5e-324, -1.7e308, 1.7e308, 1e-9])


@given(st.lists(_VALUES, min_size=1, max_size=30), st.floats(0, 1e7), st.none() | _VALUES)
def test_no_values_make_it_wider_or_higher_than_it_may_be(
    values: Sequence[float | None], step: float, baseline: float | None
) -> None:
    finite = baseline if baseline is not None and math.isfinite(baseline) else None
    looks = [replace(look(value, step * n), baseline=finite) for n, value in enumerate(values)]

    lines = plot(looks, 3, NOON + timedelta(minutes=step))

    assert max(map(len, lines), default=0) <= 60
    assert len(lines) in (0, 14)
    assert all(line.isascii() and "`" not in line for line in lines)


@pytest.mark.parametrize("version", [1, 10**9])
def test_a_promotion_out_of_sight_is_told_in_words(version: int) -> None:
    lines = plot([look(1.0, 0), look(2.0, 5)], version, NOON - timedelta(days=9))

    assert lines[-1] == f"v{version} serves since 2026-11-21 12:00 UTC"
