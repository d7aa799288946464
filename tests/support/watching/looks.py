"""Looks, rules and times for the tests of verdicts."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from reconciler.core.declaring.watch import PrometheusQuery, WatchRule
from reconciler.policy.watching.looking import look_at, source_key
from reconciler.policy.watching.looks import Look, LookOutcome, Measurement, Proposed, WatchMemory
from reconciler.policy.watching.remembered import baseline_of

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)
RULE = WatchRule("errors", PrometheusQuery("http://p:9090", "rate"), "value > baseline + 0.02")
MODEL = "fraud"


def after(minutes: float) -> datetime:
    """Return a time, in minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def above_baseline(source: str, scope: Mapping[str, float | None]) -> bool | str:
    """Return what the condition of `RULE` says, without CEL, which Python 3.10 lacks."""
    assert source == RULE.fail
    value, baseline = scope["value"], scope["baseline"]
    if value is None or baseline is None:
        return "`baseline` is not known"
    return value > baseline + 0.02


def rule(**changed: Any) -> WatchRule:
    """Return the rule with other settings."""
    return replace(RULE, **changed)


def look(minutes: float, outcome: LookOutcome = "passing", **changed: Any) -> Look:
    """Return a look some minutes after noon at v2, at a value that has the outcome."""
    values: dict[LookOutcome, float | None] = {"passing": 0.01, "failing": 0.31, "unknown": None}
    measurement = changed.pop("measurement", Measurement(values[outcome]))
    plain = Look(
        model=MODEL,
        rule=RULE.name,
        source=source_key(RULE),
        version=2,
        time=after(minutes),
        measurement=measurement,
        baseline=0.02,
        is_usable=outcome != "unknown",
        outcome=outcome,
        why="the source has no value" if outcome == "unknown" else None,
    )
    return replace(plain, **changed)


def proposed(minutes: float, **changed: Any) -> Proposed:
    """Return a proposal that was opened some minutes after noon."""
    plain = Proposed(MODEL, 2, 1, after(minutes), "rollback/fraud", 7, "https://f/7")
    return replace(plain, **changed)


def looked(
    memory: WatchMemory, measurement: Measurement, now: datetime, version: int, since: datetime
) -> WatchMemory:
    """Return a memory with a look more, as a watch makes it."""
    made = look_at(
        RULE,
        measurement,
        model=MODEL,
        version=version,
        now=now,
        since=since,
        baseline=baseline_of(RULE, memory, MODEL, version, since),
        fails=above_baseline,
    )
    return replace(memory, looks=(*memory.looks, made))
