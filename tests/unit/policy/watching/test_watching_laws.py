"""What holds of every history of looks: what may fail, be proposed, be forgotten, in any order."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.declaring.watch import WatchRule
from reconciler.policy.watching.looking import look_at
from reconciler.policy.watching.looks import Look, Measurement, Proposed, RuleVerdict, WatchMemory
from reconciler.policy.watching.merging import merged
from reconciler.policy.watching.proposals import ProposalDecision, ServingFacts, proposal_of
from reconciler.policy.watching.pruning import FORGOTTEN, pruned
from reconciler.policy.watching.remembered import baseline_of, first_seen, never_answered
from reconciler.policy.watching.verdicts import verdict_of
from tests.support.watching.looks import MODEL, NOON, above_baseline, after, look, proposed, rule

# Small, so that short histories reach every limit.
RULE = rule(
    grace=timedelta(minutes=10),
    baseline=timedelta(hours=2),
    max_age=timedelta(minutes=30),
    cooldown=timedelta(hours=1),
    min_samples=10,
)
VALUES = st.sampled_from([0.01, 0.011, 0.02, 0.31, 0.5, None, math.nan, math.inf])


@dataclass(frozen=True)
class Event:
    """A look: how long after the one before, at which version, at what, measured how long ago."""

    minutes: int
    version: int
    value: float | None
    samples: float | None
    age: int | None


EVENTS = st.builds(
    Event,
    minutes=st.sampled_from([0, 1, 5, 5, 5, 15, 40, 130]),
    version=st.sampled_from([1, 1, 2, 2, 3]),
    value=VALUES,
    samples=st.sampled_from([100.0, 100.0, 100.0, 5.0, None, math.nan]),
    age=st.sampled_from([None, 0, 1, 5, 5, 10, 31]),
)
HISTORIES = st.lists(EVENTS, min_size=1, max_size=30)
# Versions that serve for some time: verdicts and baselines come of these.
SPELLS = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.lists(EVENTS, min_size=1, max_size=15),
    ),
    min_size=1,
    max_size=4,
).map(lambda spells: [replace(each, version=version) for version, own in spells for each in own])
RULES = st.sampled_from([(1, 1), (3, 5), (5, 5), (2, 3)]).map(
    lambda counts: replace(RULE, needed=counts[0], window=counts[1])
)


@dataclass(frozen=True)
class Step:
    """A memory after a look, and what the look led to."""

    memory: WatchMemory
    now: datetime
    version: int
    since: datetime
    look: Look
    verdict: RuleVerdict
    decision: ProposalDecision
    unanswered: bool


def step(memory: WatchMemory, event: Event, asked: WatchRule, now: datetime) -> Step:
    """Look once, as a watch does."""
    since = first_seen(memory, MODEL, event.version, now)
    measured = None if event.age is None else now - timedelta(minutes=event.age)
    measurement = Measurement(event.value, event.samples, measured)
    unanswered = never_answered(asked, memory, measurement, model=MODEL) is not None
    look = look_at(
        asked,
        measurement,
        model=MODEL,
        version=event.version,
        now=now,
        since=since,
        baseline=baseline_of(asked, memory, MODEL, event.version, since),
        fails=above_baseline,
    )
    looks = (*memory.looks, look)
    verdict = judged(looks, asked, event.version, since, now)
    facts = ServingFacts(MODEL, event.version)
    decision = proposal_of([verdict], {asked.name: asked}, facts, memory.proposals, now)
    proposals = memory.proposals
    if decision.action == "propose":
        made = Proposed(MODEL, event.version, 0, now, "", len(proposals), "")
        proposals = (*proposals, made)
    after_it = WatchMemory(looks, proposals)
    return Step(after_it, now, event.version, since, look, verdict, decision, unanswered)


def judged(
    looks: Sequence[Look], asked: WatchRule, version: int, since: datetime, now: datetime
) -> RuleVerdict:
    return verdict_of(asked, looks, model=MODEL, version=version, since=since, now=now)


def run(events: Sequence[Event], asked: WatchRule) -> list[Step]:
    """Run a history from its beginning."""
    steps: list[Step] = []
    memory, now = WatchMemory(), NOON
    for event in events:
        now += timedelta(minutes=event.minutes)
        steps.append(step(memory, event, asked, now))
        memory = steps[-1].memory
    return steps


@given(SPELLS, RULES)
def test_a_verdict_follows_the_latest_look_and_the_count(
    events: list[Event], asked: WatchRule
) -> None:
    for each in run(events, asked):
        found = each.verdict
        assert found.failing == sum(look.outcome == "failing" for look in found.looks)
        assert len(found.looks) <= asked.window
        if found.verdict == "failed":
            assert found.look.outcome == "failing"
            assert found.failing >= asked.needed
        if found.verdict == "healthy":
            assert found.look.outcome == "passing"
            assert found.failing < asked.needed


@given(SPELLS, RULES, st.integers(1, 6))
def test_looks_of_which_nothing_is_known_neither_fail_nor_heal(
    events: list[Event], asked: WatchRule, count: int
) -> None:
    last = run(events, asked)[-1]
    silent = [
        replace(last.look, time=last.now + timedelta(minutes=n), outcome="unknown", why="silence")
        for n in range(1, count + 1)
    ]
    now = silent[-1].time
    for looks in ((*last.memory.looks, *silent), silent):
        assert judged(looks, asked, last.version, last.since, now).verdict == "inconclusive"


@given(HISTORIES, RULES, st.randoms())
def test_the_order_of_what_is_remembered_tells_nothing(
    events: list[Event], asked: WatchRule, random: Random
) -> None:
    last = run(events, asked)[-1]
    looks = [*last.memory.looks, *last.memory.looks[-3:]]  # some lines twice
    random.shuffle(looks)
    shuffled = WatchMemory(tuple(looks), last.memory.proposals)
    known = (last.version, last.since)
    assert judged(looks, asked, *known, last.now) == last.verdict
    assert first_seen(shuffled, MODEL, last.version, last.now) == first_seen(
        last.memory, MODEL, last.version, last.now
    )
    assert baseline_of(asked, shuffled, MODEL, *known) == baseline_of(
        asked, last.memory, MODEL, *known
    )
    rules = {MODEL: [asked]}
    assert pruned(shuffled, last.now, rules) == pruned(last.memory, last.now, rules)


@given(SPELLS, RULES, st.integers(1, 8))
def test_one_measurement_that_is_seen_often_is_one_look(
    events: list[Event], asked: WatchRule, count: int
) -> None:
    last = run([*events, replace(events[-1], age=0, minutes=1)], asked)[-1]
    again = [replace(last.look, time=last.now + timedelta(minutes=n)) for n in range(1, count + 1)]
    looks = (*last.memory.looks, *again)
    found = judged(looks, asked, last.version, last.since, again[-1].time)
    assert found.verdict == last.verdict.verdict
    assert found.failing == last.verdict.failing
    assert len(found.looks) == len(last.verdict.looks)


@given(
    SPELLS,
    RULES,
    st.lists(st.integers(-200, 200), max_size=3),
    st.booleans(),
    st.booleans(),
)
def test_nothing_is_proposed_that_may_not_be(
    events: list[Event],
    asked: WatchRule,
    ages: list[int],
    by_rollback: bool,  # noqa: FBT001  hypothesis hands it in
    is_open: bool,  # noqa: FBT001  the same
) -> None:
    last = run(events, asked)[-1]
    remembered = [replace(proposed(0), time=last.now - timedelta(minutes=age)) for age in ages]
    facts = ServingFacts(
        MODEL,
        last.version,
        by_rollback=by_rollback,
        open=proposed(-5) if is_open else None,
    )
    found = proposal_of([last.verdict], {asked.name: asked}, facts, remembered, last.now)
    if found.action in ("propose", "comment"):
        assert last.verdict.verdict == "failed"
        assert not by_rollback
        assert is_open == (found.action == "comment")
    if found.action == "propose":
        assert all(abs(age) >= 60 for age in ages)
    assert found.why


@given(SPELLS, SPELLS, RULES)
def test_what_is_forgotten_changes_no_later_verdict(
    events: list[Event], later: list[Event], asked: WatchRule
) -> None:
    rules = {MODEL: [asked]}
    steps = run([*events, *later], asked)
    memory = pruned(steps[len(events) - 1].memory, steps[len(events) - 1].now, rules)
    for event, full in zip(later, steps[len(events) :], strict=True):
        found = step(memory, event, asked, full.now)
        assert found.look == full.look or _is_nan(full.look)
        assert (found.since, found.unanswered) == (full.since, full.unanswered)
        assert (found.verdict.verdict, found.verdict.why) == (
            full.verdict.verdict,
            full.verdict.why,
        )
        assert found.decision == full.decision
        memory = pruned(found.memory, full.now, rules)
        assert memory == pruned(memory, full.now, rules), "twice is as once"
        assert len(memory.looks) <= 2 + asked.window + 2 + 192
        assert len(memory.proposals) <= 5


def _is_nan(look: Look) -> bool:
    value, samples = look.measurement.value, look.measurement.samples
    return any(number is not None and math.isnan(number) for number in (value, samples))


def test_many_looks_at_many_versions_are_kept_few() -> None:
    looks: list[Look] = []
    for minutes in range(0, 900, 1):
        event = Event(1, 1 + minutes // 200, 0.01, 100.0, 0)
        last = step(WatchMemory(tuple(looks)), event, RULE, after(minutes))
        looks = [*pruned(last.memory, last.now, {MODEL: [RULE]}).looks]
    assert len(looks) <= 97 + RULE.window + 4
    assert {look.version for look in looks} == {4, 5}


def test_a_source_that_answered_once_has_answered() -> None:
    once, silent = Event(5, 1, math.nan, 100.0, None), Event(5, 1, None, None, None)
    last = run([once, *[silent] * 30], RULE)[-1]
    kept = pruned(last.memory, last.now, {MODEL: [RULE]})
    assert len(kept.looks) == 1 + RULE.window
    assert never_answered(RULE, kept, Measurement(), model=MODEL) is None


def test_what_is_of_other_models_stays() -> None:
    other = [replace(proposed(n), model="churn", number=n) for n in range(9)]
    last = run([Event(5, 1, 0.01, 100.0, 0)] * 9, RULE)[-1]
    foreign = [replace(look, model="churn") for look in last.memory.looks]
    memory = WatchMemory((*last.memory.looks, *foreign), tuple(other))
    kept = pruned(memory, after(9_999), {MODEL: [RULE]})
    assert [look for look in kept.looks if look.model == "churn"] == foreign
    assert kept.proposals == tuple(other)
    assert pruned(memory, after(9_999), {"churn": []}).proposals == tuple(other[-5:])


def test_looks_of_a_wrong_clock_are_few() -> None:
    last = run([Event(5, 1, 0.01, 100.0, 0)] * 120, RULE)[-1]
    kept = pruned(last.memory, after(-60), {MODEL: [RULE]})
    assert len(kept.looks) == 50
    assert kept.looks[0] == last.memory.looks[0]


def test_a_model_that_nobody_looked_at_for_long_is_forgotten() -> None:
    gone = look(0, "passing", model="gone")
    kept = WatchMemory((gone,))
    assert pruned(kept, gone.time + FORGOTTEN, {MODEL: [RULE]}) == kept
    assert (
        pruned(kept, gone.time + FORGOTTEN + timedelta(minutes=1), {MODEL: [RULE]}) == WatchMemory()
    )


def test_a_look_from_a_wrong_clock_takes_no_other_model_out_of_the_memory() -> None:
    ahead = look(0, "passing", model="gone")
    ahead = replace(ahead, time=ahead.time + timedelta(days=5_000))
    mine = look(0, "failing")
    both = merged(WatchMemory((mine,)), WatchMemory((ahead,)))
    assert pruned(both, after(1), {MODEL: [RULE]}).looks == (mine,)
    assert pruned(both, after(1), {"gone": [RULE]}).looks == (mine, ahead)
