"""What earlier looks tell: since when a version is seen, its baseline, a source without answers."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta, timezone
from operator import attrgetter
from statistics import median
from typing import Final

from typing_extensions import assert_never

from reconciler.core.declaring.watch import JsonValue, PrometheusQuery, RunMetric, WatchRule
from reconciler.policy.watching.looking import source_key
from reconciler.policy.watching.looks import Look, Measurement, WatchMemory

SLOTS: Final = 96  # the quarters of an hour of a day
_LEAST_VALUES: Final = 3
_RANK: Final = {"failing": 0, "passing": 1, "unknown": 2}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def first_seen(memory: WatchMemory, model: str, version: int, now: datetime) -> datetime:
    """Return since when a version is seen without another one in between; now, if it is not."""
    looks = [look for look in memory.looks if look.model == model and look.time <= now]
    return min((look.time for look in latest_spell(looks) if look.version == version), default=now)


def latest_spell(looks: Sequence[Look]) -> list[Look]:
    """Return the looks at a model since another version than now was last seen."""
    if not looks:
        return []
    serving = max(looks, key=_at).version
    last_other = max((_at(look) for look in looks if look.version != serving), default=None)
    return [look for look in looks if last_other is None or _at(look) > last_other]


def baseline_of(
    rule: WatchRule, memory: WatchMemory, model: str, version: int, since: datetime
) -> float | None:
    """Return the median of what other versions had in the time `baseline` before `since`.

    What looks at this version were compared with stays its baseline. Of the values in the same 96th
    of that time one counts, and of fewer than three such there is no baseline.
    """
    own = of_rule(rule, memory.looks, model)
    compared = latest_compared(look for look in own if look.version == version)
    if compared is not None and compared.time >= since:
        return compared.baseline
    others = (look for look in own if look.version != version)
    values = [
        look.measurement.value
        for look in one_each_slot(rule, others)
        if since - rule.baseline <= moment(look) < since and look.measurement.value is not None
    ]
    return typical(values)


def typical(values: Sequence[float]) -> float | None:
    """Return the median of an incumbent's values, None where they are too few for a baseline."""
    return median(values) if len(values) >= _LEAST_VALUES else None


def never_answered(
    rule: WatchRule, memory: WatchMemory, measurement: Measurement, *, model: str
) -> str | None:
    """Return a sentence where a rule's source never gave a value for a model, None where it did.

    NaN is a value here: what was asked for exists.
    """
    measurements = [look.measurement for look in of_rule(rule, memory.looks, model)]
    measurements.append(measurement)
    if any(each.value is not None for each in measurements):
        return None
    looks = "1 look" if len(measurements) == 1 else f"{len(measurements)} looks"
    return f"{_asked(rule)} has returned no value in {looks}: {measurement.why or 'no value'}"


def of_rule(rule: WatchRule, looks: Iterable[Look], model: str) -> list[Look]:
    """Return the looks at a model by a rule as it is now."""
    key = source_key(rule)
    return [look for look in looks if look.source == key and look.model == model]


def oldest_first(looks: Collection[Look]) -> list[Look]:
    """Return looks in the order of their time, the same whatever their order was.

    Of two by one rule at one time that which says less is the later.
    """
    for key in (attrgetter("time"), attrgetter("place")):  # `repr` takes long
        if len(set(map(key, looks))) == len(looks):
            return sorted(looks, key=key)
    return sorted(looks, key=lambda look: (*look.place, _RANK[look.outcome], repr(look)))


def moment(look: Look) -> datetime:
    """Return when the value of a look was measured, as far as that is known."""
    measured = look.measurement.time
    return look.time if measured is None else min(measured, look.time)


def latest_compared(looks: Iterable[Look]) -> Look | None:
    """Return the latest look with a baseline."""
    compared = (look for look in looks if look.baseline is not None)
    return max(compared, key=lambda look: (look.time, look.baseline), default=None)


def slot(rule: WatchRule, time: datetime) -> int:
    """Return in which 96th of the time `baseline` a time is, counted from 1970."""
    return (time - _EPOCH) // max(rule.baseline / SLOTS, timedelta(seconds=1))


def one_each_slot(rule: WatchRule, looks: Iterable[Look]) -> list[Look]:
    """Return the first usable value of each version in each slot."""
    first: dict[tuple[int, int], Look] = {}
    for look in sorted((look for look in looks if look.is_usable), key=_measured_first):
        first.setdefault((look.version, slot(rule, moment(look))), look)
    return list(first.values())


def _at(look: Look) -> tuple[datetime, int]:
    return look.time, look.version


def _measured_first(look: Look) -> tuple[datetime, datetime, float]:
    return moment(look), look.time, look.measurement.value or 0.0


def _asked(rule: WatchRule) -> str:
    match rule.source:
        case PrometheusQuery(query=query):
            return f"the query `{query}`"
        case JsonValue(place=place, value=value):
            return f"`{value}` of {place}"
        case RunMetric(metric=metric):
            return f"the metric `{metric}`"
        case _:
            assert_never(rule.source)
