"""Runs a recorded series through the decisions of a watch, as if each row had been a look."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from reconciler.core.declaring.watch import WatchRule
from reconciler.policy.watching.looking import WatchCondition, look_at
from reconciler.policy.watching.looks import Look, Measurement, Proposed, RuleVerdict, WatchMemory
from reconciler.policy.watching.proposals import ProposalDecision, ServingFacts, proposal_of
from reconciler.policy.watching.pruning import pruned
from reconciler.policy.watching.remembered import baseline_of, first_seen
from reconciler.policy.watching.verdicts import verdict_of

_MOST_LOOKS: Final = 500  # before what no verdict needs is forgotten


@dataclass(frozen=True, slots=True)
class RecordedRow:
    """One row of a recorded series.

    A value of None is a look that found none, a version of None the one of the row before.
    """

    time: datetime
    value: float | None
    samples: float | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class ReplayedLook:
    """What a watch would have said and done at one row."""

    look: Look
    verdict: RuleVerdict
    decision: ProposalDecision


class _Replay:
    """The memory of a watch, from row to row."""

    def __init__(self, rule: WatchRule, model: str, version: int, fails: WatchCondition) -> None:
        self._rule, self._model, self._fails = rule, model, fails
        self._memory = WatchMemory()
        self._version = version
        self._former: set[int] = set()

    def step(self, row: RecordedRow) -> ReplayedLook:
        rule, model, now = self._rule, self._model, row.time
        version = self._version if row.version is None else row.version
        if version != self._version and self._memory.looks:
            self._former.add(self._version)
        self._version = version
        since = first_seen(self._memory, model, version, now)
        look = look_at(
            rule,
            Measurement(row.value, row.samples, now),
            model=model,
            version=version,
            now=now,
            since=since,
            baseline=baseline_of(rule, self._memory, model, version, since),
            fails=self._fails,
        )
        looks = (*self._memory.looks, look)
        verdict = verdict_of(rule, looks, model=model, version=version, since=since, now=now)
        facts = ServingFacts(model, version, by_rollback=version in self._former)
        decision = proposal_of([verdict], {rule.name: rule}, facts, self._memory.proposals, now)
        self._remember(looks, decision, now)
        return ReplayedLook(look, verdict, decision)

    def _remember(self, looks: tuple[Look, ...], decision: ProposalDecision, now: datetime) -> None:
        proposals = self._memory.proposals
        if decision.action == "propose":
            made = Proposed(self._model, self._version, 0, now, branch="", number=0, url="")
            proposals = (*proposals, made)
        self._memory = WatchMemory(looks, proposals)
        if len(looks) > _MOST_LOOKS:
            self._memory = pruned(self._memory, now, {self._model: [self._rule]})


def replay(
    rule: WatchRule,
    series: Iterable[RecordedRow],
    *,
    model: str,
    version: int = 1,
    fails: WatchCondition,
) -> tuple[ReplayedLook, ...]:
    """Return each look of a series in the order of time, as a watch would have made it then.

    A version begins to serve with its first row, and is there by a rollback where it was there
    before. `version` is that of the first rows where these name none. Each proposal counts as
    closed at once, so that `cooldown` alone holds the next back.
    """
    state = _Replay(rule, model, version, fails)
    return tuple(state.step(row) for row in sorted(series, key=lambda row: row.time))
