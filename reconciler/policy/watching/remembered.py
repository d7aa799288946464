"""What earlier looks tell: since when a version is seen, its baseline, sources never answering."""

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from math import isfinite
from statistics import median
from typing import Final

from reconciler.core.declaring.watch import JsonValue, PrometheusQuery, RunMetric, WatchRule
from reconciler.policy.watching.looking import source_key
from reconciler.policy.watching.looks import Look, Measurement, WatchMemory

SLOTS: Final = 96  # quarters of an hour of a day
_LEAST_LOOKS: Final = 3
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def first_seen(memory: WatchMemory, model: str, version: int, now: datetime) -> datetime:
    """Return the first look of those that saw a version without another one in between, or now."""
    looks = [look for look in memory.looks if look.model == model and look.time <= now]
    first = now
    for look in sorted(looks, key=lambda look: look.time, reverse=True):
        if look.version != version:
            break
        first = look.time
    return first


def baseline_of(
    rule: WatchRule, memory: WatchMemory, model: str, version: int, since: datetime
) -> float | None:
    """Return the median of what other versions had in the time `baseline` before `since`.

    What the looks at this version were compared with stays its baseline. Values of the same 96th
    of that time count once; of fewer than three there is no baseline.
    """
    own = of_rule(rule, memory.looks, model)
    compared = [look for look in own if look.version == version and look.time >= since]
    for look in sorted(compared, key=lambda look: look.time):
        if look.baseline is not None and isfinite(look.baseline):
            return look.baseline
    others = (look for look in own if look.version != version)
    values = [
        look.measurement.value
        for look in one_each_slot(rule, others)
        if since - rule.baseline <= moment(look) < since and look.measurement.value is not None
    ]
    return median(values) if len(values) >= _LEAST_LOOKS else None


def never_answered(
    rule: WatchRule, memory: WatchMemory, measurement: Measurement, *, model: str
) -> str | None:
    """Return a sentence where a rule's source never gave a value for a model, None where it did."""
    measurements = [look.measurement for look in of_rule(rule, memory.looks, model)]
    measurements.append(measurement)
    if any(each.value is not None for each in measurements):
        return None
    count = len(measurements)
    looks = "1 look" if count == 1 else f"{count} looks"
    return f"{_asked(rule)} has returned no value in {looks}: {measurement.why or 'no value'}"


def of_rule(rule: WatchRule, looks: Iterable[Look], model: str) -> list[Look]:
    """Return the looks at a model by a rule as it is now."""
    key = source_key(rule)
    return [look for look in looks if look.model == model and look.source == key]


def moment(look: Look) -> datetime:
    """Return when the value of a look was measured, as far as it is known."""
    measured = look.measurement.time
    return look.time if measured is None else min(measured, look.time)


def one_each_slot(rule: WatchRule, looks: Iterable[Look]) -> list[Look]:
    """Return the first usable value of each version in each 96th of the time `baseline`."""
    slot = max(rule.baseline / SLOTS, timedelta(seconds=1))
    first: dict[tuple[int, int], Look] = {}
    for look in sorted(looks, key=lambda look: (moment(look), look.time)):
        if look.is_usable:
            first.setdefault((look.version, (moment(look) - _EPOCH) // slot), look)
    return list(first.values())


def _asked(rule: WatchRule) -> str:
    match rule.source:
        case PrometheusQuery(query=query):
            return f"the query `{query}`"
        case JsonValue(place=place, value=value):
            return f"`{value}` of {place}"
        case RunMetric(metric=metric):
            return f"the metric `{metric}`"
