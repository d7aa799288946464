"""What proves a merged change: who approved it, what was applied when, and what held at a moment.

Where a clone has no apply records nothing is said about applying; where records begin later than
a change, they do not say that it never was.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from reconciler.apply_record import ApplyRecord
from reconciler.rules import Rules
from reconciler.state import aliases
from reconciler.timeline import (
    Approval,
    Step,
    claimed_approvals,
    meaning,
    pull_request,
    serving,
)

Standing: TypeAlias = Literal["applied", "partly", "never", "not yet", "unknown"]


@dataclass(frozen=True, slots=True)
class Applied:
    """When a declaration first was live in a registry, by the record of which commit's apply."""

    time: datetime
    registry: str
    commit: str
    actor: str | None
    run_url: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One merged change of a model, what it meant, and its evidence.

    `applied` has the first apply for every registry. `standing` is `never` where a later merged
    change was applied in its place, and `unknown` where the records cannot tell.
    """

    step: Step
    meaning: tuple[str, ...]
    serving: int | None
    aliases: Mapping[str, int]
    pull_request: int | None
    approvals: tuple[Approval, ...]
    standing: Standing
    applied: tuple[Applied, ...] = ()

    @property
    def time(self) -> datetime:
        """When it was merged."""
        return self.step.commit.time


@dataclass(frozen=True, slots=True)
class Held:
    """What one name stood for at a moment, and which merged change had brought that."""

    name: str
    version: int | None
    since: Entry


@dataclass(frozen=True, slots=True)
class Answer:
    """What was declared for a model at a moment: what served, and where each alias pointed.

    `entry` is the last change before, None where nothing had been declared yet; `first` and
    `later` are the first change of all and the next one after the moment.
    """

    model: str
    moment: datetime
    entry: Entry | None
    held: tuple[Held, ...]
    first: Entry
    later: Entry | None


@dataclass(frozen=True, slots=True)
class Records:
    """The apply records of a clone, and the first-parent line that they are about.

    `states` are the names under which this state folder speaks: records of others do not count.
    """

    by_commit: Mapping[str, Sequence[ApplyRecord]]
    line: Sequence[str]
    states: Collection[str]


def entries(steps: Sequence[Step], rules: Rules, records: Records | None) -> tuple[Entry, ...]:
    """Return one model's history with its evidence, oldest first."""
    applies = _Applies(records) if records is not None else None
    found = []
    for step, later in zip(steps, [*steps[1:], None], strict=True):
        standing, applied = applies.of(step, later) if applies else _UNKNOWN
        verified = applies.verified(step) if applies else ()
        found.append(
            Entry(
                step=step,
                meaning=meaning(step, rules),
                serving=serving(step.after, rules),
                aliases=aliases(step.after.fields) if step.after else {},
                pull_request=pull_request(step.commit),
                approvals=(*verified, *claimed_approvals(step.commit)),
                standing=standing,
                applied=applied,
            )
        )
    return tuple(found)


def answer(history: Sequence[Entry], moment: datetime, rules: Rules) -> Answer:
    """Return what a model's history says about a moment; the history must not be empty."""
    # Merge times never go back along the line, so that its order decides.
    past = [entry for entry in history if entry.time <= moment]
    later = history[len(past)] if len(past) < len(history) else None
    last = past[-1] if past else None
    return Answer(
        model=history[0].step.model,
        moment=moment,
        entry=last,
        held=tuple(_held(past, rules)) if last and last.step.after else (),
        first=history[0],
        later=later,
    )


def _held(past: Sequence[Entry], rules: Rules) -> Iterable[Held]:
    last = past[-1]
    since = _since(past, [entry.serving for entry in past])
    yield Held(f"serving ({rules.serving})", last.serving, since)
    for alias in sorted(last.aliases):
        pointed = [entry.aliases.get(alias) for entry in past]
        yield Held(f"@{alias}", last.aliases[alias], _since(past, pointed))


def _since(past: Sequence[Entry], values: Sequence[int | None]) -> Entry:
    """Return the entry at which the last value began its present run."""
    begin = len(past) - 1
    while begin and values[begin - 1] == values[-1]:
        begin -= 1
    return past[begin]


_UNKNOWN: tuple[Standing, tuple[Applied, ...]] = ("unknown", ())


class _Applies:
    """Finds the applies that made a merged change live: its own commit's, or a later one's."""

    def __init__(self, records: Records) -> None:
        self._place = {commit: number for number, commit in enumerate(records.line)}
        self._made = {
            commit: [record for record in made if record.state in records.states]
            for commit, made in records.by_commit.items()
        }
        self._on_line = [
            (self._place[commit], record)
            for commit, made in self._made.items()
            if commit in self._place
            for record in made
        ]
        self._begin = min((place for place, _ in self._on_line), default=len(records.line))

    def verified(self, step: Step) -> tuple[Approval, ...]:
        """Return whom the forge named, by the records of the commit itself."""
        made = self._made.get(step.commit.id, ())
        names = sorted({name for record in made for name in record.approvals})
        return tuple(Approval(name, "verified") for name in names)

    def of(self, step: Step, later: Step | None) -> tuple[Standing, tuple[Applied, ...]]:
        """Return what became of a step before the next one of its model took over."""
        start = self._place[step.commit.id]
        end = self._place[later.commit.id] if later else len(self._place)
        made = [record for place, record in self._on_line if start <= place < end]
        first: dict[str, Applied] = {}
        for record in sorted(made, key=lambda record: record.time):
            if step.model in record.models:
                first.setdefault(record.registry, _applied(record))
        if first:
            return "applied", tuple(first.values())
        if any(_wrote(record, step.model) for record in made):
            return "partly", ()
        if start < self._begin:
            return _UNKNOWN
        return ("not yet" if later is None else "never"), ()


def _applied(record: ApplyRecord) -> Applied:
    return Applied(record.time, record.registry, record.commit, record.actor, record.run_url)


def _wrote(record: ApplyRecord, model: str) -> bool:
    return any(row.model == model and row.outcome == "applied" for row in record.changes)
