"""A recorded series runs through the same decisions: what each look says, and what it leads to."""

from collections.abc import Sequence

import pytest

from reconciler.policy.cel.watch_conditions import fails
from reconciler.policy.watching.replay import RecordedRow, ReplayedLook, replay
from tests.support.watching.looks import MODEL, after, rule

pytestmark = pytest.mark.needs_cel


def replayed(rows: Sequence[RecordedRow], **changed: object) -> tuple[ReplayedLook, ...]:
    return replay(rule(**changed), rows, model=MODEL, fails=fails)


def steady(begin: float, end: float, value: float | None, version: int | None) -> list[RecordedRow]:
    """Return a row each five minutes."""
    minutes = range(int(begin), int(end), 5)
    return [RecordedRow(after(minute), value, None, version) for minute in minutes]


def told(rows: Sequence[ReplayedLook]) -> list[str]:
    """Return each verdict once, in order, with what it led to."""
    found = [f"v{r.look.version} {r.verdict.verdict} {r.decision.action}" for r in rows]
    return [each for n, each in enumerate(found) if n == 0 or found[n - 1] != each]


STEP = [*steady(0, 120, 0.02, 1), *steady(120, 180, 0.02, 2), *steady(180, 240, 0.09, 2)]


def test_a_series_tells_when_a_rollback_would_be_proposed() -> None:
    found = replayed(STEP)
    assert told(found) == [
        "v1 inconclusive none",  # no baseline
        "v2 inconclusive none",  # within the grace
        "v2 healthy none",
        "v2 inconclusive none",  # failing, and not often enough
        "v2 failed propose",
        "v2 failed held-back",
    ]
    (proposed,) = [row for row in found if row.decision.action == "propose"]
    assert proposed.look.time == after(190)
    assert proposed.decision.why == (
        "v2 failed `errors`: 3 of the last 5 looks failed: value 0.09, baseline 0.02"
    )
    assert found[-1].decision.why == "the last proposal is 45 m old, and `cooldown` is 24 h"


def test_the_order_of_the_rows_is_that_of_their_times() -> None:
    assert replayed(STEP[::-1]) == replayed(STEP)


def test_a_version_that_served_before_serves_by_a_rollback() -> None:
    back = [*STEP, *steady(240, 300, 0.3, 1)]
    found = replayed(back)
    assert told(found)[-2:] == ["v1 inconclusive none", "v1 failed held-back"]
    assert found[-1].decision.why == "v1 serves because of a rollback, which no watch takes back"
    assert found[-1].look.baseline == 0.09, "that of v2, which failed"


def test_a_row_without_a_version_has_that_of_the_row_before() -> None:
    rows = [*steady(0, 30, 0.02, 7), *steady(30, 60, 0.02, None)]
    assert {row.look.version for row in replayed(rows)} == {7}
    assert {row.look.version for row in replayed(steady(0, 30, 0.02, None))} == {1}


def test_missing_values_are_looks_at_none() -> None:
    found = replayed([*steady(0, 60, 0.5, 1), *steady(60, 90, None, 1)], fail="value > 0.1")
    assert told(found) == [
        "v1 inconclusive none",
        "v1 failed propose",
        "v1 failed held-back",
        "v1 inconclusive none",
    ]
    assert found[-1].verdict.why == "no data for 30 m: the source has no value"


def test_a_row_twice_is_one_look() -> None:
    rows = [*steady(0, 30, 0.02, 1), *[RecordedRow(after(30), 0.5, None, 1)] * 9]
    assert [r.verdict.verdict for r in replayed(rows, fail="value > 0.1")][-1] == "inconclusive"


def test_a_long_series_ends_soon_and_as_a_short_one_does() -> None:
    long = [*steady(0, 5 * 1_200, 0.02, 1), *steady(5 * 1_200, 5 * 1_240, 0.09, 2)]
    short = long[-500:]
    assert [row.verdict for row in replayed(long)[-40:]] == [
        row.verdict for row in replayed(short)[-40:]
    ]


def test_a_series_without_rows_leads_to_nothing() -> None:
    assert replayed([]) == ()
