"""Runs a recorded series through the decisions of a watch, as if each row had been a look."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.declaring.watch import WatchRule
from reconciler.policy.watching.looking import WatchConditions, look_at
from reconciler.policy.watching.looks import Look, Measurement, Proposed, RuleVerdict, WatchMemory
from reconciler.policy.watching.proposals import Decision, ServingFacts, proposal_of
from reconciler.policy.watching.remembered import baseline_of, first_seen
from reconciler.policy.watching.verdicts import verdict_of


@dataclass(frozen=True, slots=True)
class RecordedRow:
    """One row of a recorded series; a value of None is a look that got none."""

    time: datetime
    value: float | None
    samples: float | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class ReplayedLook:
    """What a watch would have said and done at one row."""

    look: Look
    verdict: RuleVerdict
    decision: Decision


def replay(
    rule: WatchRule,
    series: Iterable[RecordedRow],
    *,
    model: str,
    conditions: WatchConditions,
) -> tuple[ReplayedLook, ...]:
    """Return each look of a series, as a watch would have made it then.

    A version begins to serve at its first row. A proposal counts as opened and closed at once, so
    that the next one comes after the cooldown.
    """
    memory, found = WatchMemory(), list[ReplayedLook]()
    for row in sorted(series, key=lambda row: row.time):
        now, version = row.time, row.version
        since = first_seen(memory, model, version, now)
        look = look_at(
            rule,
            Measurement(row.value, row.samples, row.time),
            model=model,
            version=version,
            now=now,
            since=since,
            baseline=baseline_of(rule, memory, model, version, since),
            conditions=conditions,
        )
        looks = (*memory.looks, look)
        verdict = verdict_of(rule, looks, model=model, version=version, since=since, now=now)
        facts = ServingFacts(model, version)
        decision = proposal_of([verdict], {rule.name: rule}, facts, memory.proposals, now)
        proposals = memory.proposals
        if decision.action == "propose":
            proposals = (*proposals, Proposed(model, version, 0, now, "", 0, ""))
        memory = WatchMemory(looks, proposals)
        found.append(ReplayedLook(look, verdict, decision))
    return tuple(found)
