"""Makes a look of a measurement: whether the value counts, and what the condition says of it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from math import isfinite, isnan
from typing import Final, TypeAlias

from reconciler.core.declaring.watch import WatchRule
from reconciler.core.durations import in_words
from reconciler.policy.watching.looks import Look, LookOutcome, Measurement

_KEY_LENGTH: Final = 12
_NOT_MEASURED: Final = ("token",)  # with which token a value is read changes nothing of it

# Returns whether a condition is true of `value`, `baseline` and `samples`, or a sentence why that
# cannot be said; it raises for no condition.
WatchCondition: TypeAlias = Callable[[str, Mapping[str, float | None]], bool | str]


@lru_cache(maxsize=512)
def source_key(rule: WatchRule) -> str:
    """Return what identifies a rule's source and condition, the same in every run."""
    told = {
        name: value
        for name, value in asdict(rule.source).items()
        if value is not None and name not in _NOT_MEASURED
    }
    content = json.dumps([type(rule.source).__name__, told, rule.fail], sort_keys=True)
    return sha256(content.encode()).hexdigest()[:_KEY_LENGTH]


def look_at(
    rule: WatchRule,
    measurement: Measurement,
    *,
    model: str,
    version: int,
    now: datetime,
    since: datetime,
    baseline: float | None,
    fails: WatchCondition,
) -> Look:
    """Return the look at a measurement of the version that serves since `since`."""
    known = baseline if baseline is not None and isfinite(baseline) else None
    against = why_unusable(rule, measurement) or _untimely(
        rule, measurement.time, version, now, since
    )
    outcome: LookOutcome = "unknown"
    why = against
    if against is None:
        outcome, why = _outcome(rule, measurement, known, fails)
    return Look(
        model,
        rule.name,
        source_key(rule),
        version,
        now,
        measurement,
        known,
        is_usable=against is None,
        outcome=outcome,
        why=why,
    )


def is_stale(rule: WatchRule, measured: datetime, looked: datetime) -> bool:
    """Return whether a measurement was too old when it was looked at, or far in the future."""
    return abs(looked - measured) > rule.max_age


def why_unusable(rule: WatchRule, measurement: Measurement) -> str | None:
    """Return why a measurement counts as none whenever it was made, None where it counts."""
    value, samples = measurement.value, _samples(measurement)
    if value is None:
        return measurement.why or "the source has no value"
    if not isfinite(value):
        return f"the value is {'NaN' if isnan(value) else value}"
    if rule.min_samples is None:
        return None
    if samples is None:
        return "the source does not tell how many samples there are"
    if samples < rule.min_samples:
        return f"{samples:g} of {rule.min_samples} samples"
    return None


def _outcome(
    rule: WatchRule, measurement: Measurement, baseline: float | None, fails: WatchCondition
) -> tuple[LookOutcome, str | None]:
    scope = {"value": measurement.value, "baseline": baseline, "samples": _samples(measurement)}
    said = fails(rule.fail, scope)
    if isinstance(said, str):
        return "unknown", said
    return ("failing" if said else "passing"), None


def _untimely(
    rule: WatchRule, measured: datetime | None, version: int, now: datetime, since: datetime
) -> str | None:
    """Return why a value of a time says nothing of a version, None where it does."""
    if measured is not None and is_stale(rule, measured, now):
        if measured > now:
            return f"measured {in_words(measured - now, parts=2)} in the future: is a clock wrong?"
        age, most = in_words(now - measured, parts=2), in_words(rule.max_age)
        return f"measured {age} ago, and older than {most} counts as none"
    moment = now if measured is None else min(measured, now)
    if moment < since <= now:
        return f"measured before v{version} began to serve"
    if moment < since + rule.grace:
        return f"within {in_words(rule.grace)} after v{version} began to serve"
    return None


def _samples(measurement: Measurement) -> float | None:
    samples = measurement.samples
    return samples if samples is not None and isfinite(samples) else None
