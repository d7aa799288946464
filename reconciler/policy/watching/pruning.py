"""Keeps of a memory what later verdicts may need, so that it stays small."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

from reconciler.core.declaring.watch import WatchRule
from reconciler.policy.watching.looks import Look, Proposed, WatchMemory
from reconciler.policy.watching.remembered import (
    SLOTS,
    latest_spell,
    moment,
    of_rule,
    oldest_first,
    one_each_slot,
    slot,
)
from reconciler.policy.watching.verdicts import last_measurements

MOST_PROPOSALS: Final = 5  # of a model
FORGOTTEN: Final = timedelta(days=180)  # of a model that nobody looked at meanwhile
_MOST_VALUES: Final = 2 * SLOTS  # for baselines, of a rule
_MOST_AHEAD: Final = 50  # later than now, of a model: a clock was wrong


def pruned(
    memory: WatchMemory, now: datetime, rules: Mapping[str, Sequence[WatchRule]]
) -> WatchMemory:
    """Return a memory without what changes no verdict from now on.

    `rules` are those of each model that was watched; what is of other models stays, unless nobody
    looked at them for long. Of a model stay at most 52 looks and 5 proposals, and of each of its
    rules at most 194 looks and its window.
    """
    last = {look.model: look.time for look in oldest_first(memory.looks)}
    known = {model for model, time in last.items() if abs(now - time) <= FORGOTTEN} - {*rules}
    kept = [look for look in memory.looks if look.model in known]
    for model, own in rules.items():
        of_model = oldest_first({look for look in memory.looks if look.model == model})
        needed = set(_needed(of_model, now, own))
        kept += [look for look in of_model if look in needed]
    return replace(
        memory, looks=tuple(oldest_first(kept)), proposals=_latest(memory.proposals, rules)
    )


def _needed(looks: Sequence[Look], now: datetime, rules: Iterable[WatchRule]) -> Iterator[Look]:
    past = [look for look in looks if look.time <= now]
    yield from looks[len(past) : len(past) + _MOST_AHEAD]
    if not past:
        return
    spell = latest_spell(past)
    version = spell[0].version
    yield spell[0]
    yield from [look for look in past if look.version != version][-1:]
    for rule in rules:
        own = of_rule(rule, past, past[0].model)
        seen = [look for look in own if look.version == version]
        yield from last_measurements(rule, seen)
        yield from [look for look in seen if look.is_usable][-1:]
        yield from [look for look in own if look.measurement.value is not None][-1:]
        oldest = slot(rule, now - rule.baseline)
        values = [v for v in one_each_slot(rule, own) if slot(rule, moment(v)) >= oldest]
        yield from values[-_MOST_VALUES:]


def _latest(
    proposals: Iterable[Proposed], rules: Mapping[str, Sequence[WatchRule]]
) -> tuple[Proposed, ...]:
    in_time = sorted(set(proposals), key=attrgetter("place"))
    by_model: dict[str, list[Proposed]] = {}
    for each in in_time:
        by_model.setdefault(each.model, []).append(each)
    kept = {
        each
        for model, own in by_model.items()
        for each in (own[-MOST_PROPOSALS:] if model in rules else own)
    }
    return tuple(each for each in in_time if each in kept)
