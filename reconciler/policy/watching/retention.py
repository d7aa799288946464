"""What of earlier looks is kept, and how what two jobs remember becomes one memory.

What is kept depends on the looks alone, not on the time of the day: whoever merges two memories
keeps the same, and what was left out once does not come back.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import chain
from typing import Final, TypeAlias

from reconciler.policy.watching.looks import Look, Proposed, WatchMemory

NEWEST: Final = 60  # looks at the version that serves; more than the largest window of a rule
VERSIONS: Final = 3  # of a model, as one source saw them
# How far apart older looks are kept, and up to which age: for a baseline, which is a median.
_STEPS: Final = (
    (timedelta(days=2), timedelta(minutes=30)),
    (timedelta(days=14), timedelta(hours=4)),
)
_FORGOTTEN: Final = timedelta(days=180)  # a model that nobody looked at meanwhile
_PROPOSALS: Final = 10  # of a model
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)

# A model, a rule and its source.
_Series: TypeAlias = tuple[str, str, str]


def merged(one: WatchMemory, other: WatchMemory) -> WatchMemory:
    """Return what two memories have together, as far as it is kept."""
    looks = {_key(look): look for look in (*other.looks, *one.looks)}
    proposals = {(each.model, each.url): each for each in (*other.proposals, *one.proposals)}
    unreadable = max(one.unreadable, other.unreadable)
    return kept(WatchMemory(tuple(looks.values()), tuple(proposals.values()), unreadable))


def kept(memory: WatchMemory) -> WatchMemory:
    """Return the part of a memory that is kept; all of it, where it was kept before."""
    newest = max((look.time for look in memory.looks), default=_EPOCH)
    series: dict[_Series, list[Look]] = defaultdict(list)
    for look in memory.looks:
        series[look.model, look.rule, look.source].append(look)
    looks = chain.from_iterable(
        _kept_series(found)
        for found in series.values()
        if newest - max(look.time for look in found) <= _FORGOTTEN
    )
    proposals: dict[str, list[Proposed]] = defaultdict(list)
    for proposed in memory.proposals:
        proposals[proposed.model].append(proposed)
    last = chain.from_iterable(
        sorted(found, key=lambda one: (one.time, one.number))[-_PROPOSALS:]
        for found in proposals.values()
    )
    return replace(
        memory,
        looks=tuple(sorted(looks, key=_order)),
        proposals=tuple(sorted(last, key=lambda one: (one.time, one.model, one.number))),
    )


def _kept_series(looks: Iterable[Look]) -> Iterator[Look]:
    by_version: dict[int, list[Look]] = defaultdict(list)
    for look in sorted(looks, key=_order):
        by_version[look.version].append(look)
    recent = sorted(by_version.values(), key=lambda found: found[-1].time, reverse=True)
    for place, found in enumerate(recent[:VERSIONS]):
        measured = _of_new_measurements(found)
        whole = len(measured) - NEWEST if place == 0 else len(measured) - 1
        yield from _thinned(measured, max(whole, 0))


def _of_new_measurements(looks: Iterable[Look]) -> list[Look]:
    """Return the looks without those that saw the same measurement, to the same end, again."""
    kept_looks: list[Look] = []
    seen: set[tuple[datetime, str]] = set()
    for look in looks:
        about = (look.measurement.time or look.time, look.outcome)
        if about not in seen:
            kept_looks.append(look)
        seen.add(about)
    return kept_looks


def _thinned(looks: list[Look], whole: int) -> Iterator[Look]:
    """Yield the looks from the place `whole` on, and those before it in steps; the first always."""
    last = looks[-1].time
    steps: set[tuple[timedelta, int]] = set()
    for place, look in enumerate(looks):
        step = next((step for age, step in _STEPS if last - look.time <= age), None)
        at = None if step is None else (step, (look.time - _EPOCH) // step)
        if place == 0 or place >= whole or (at is not None and at not in steps):
            yield look
        if at is not None:
            steps.add(at)


def _key(look: Look) -> tuple[str, str, str, int, datetime]:
    return (look.model, look.rule, look.source, look.version, look.time)


def _order(look: Look) -> tuple[datetime, str, str, str, int]:
    return (look.time, look.model, look.rule, look.source, look.version)
