"""The evidence for a merged change: approvals, applies, and what was declared at a moment.

A clone without apply records says nothing about applying. Records that begin later than a change do
not prove that it was never applied.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal, TypeAlias

from reconciler.audit.apply_record import ApplyRecord
from reconciler.audit.entered_bytes import EnteredBytes, entered_bytes
from reconciler.audit.merged_changes import (
    MergeApproval,
    Step,
    claimed_approvals,
    pull_request,
    serving,
)
from reconciler.audit.recorded_bytes import RecordedBytes
from reconciler.audit.step_words import meaning
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, aliases

ApplyState: TypeAlias = Literal["applied", "partly", "never", "not yet", "unknown"]


@dataclass(frozen=True, slots=True)
class Applied:
    """The first time that a declaration was live in a registry, and the commit that was applied.

    `off_main` means that a merge brought the commit: it is not on the first-parent line itself.
    `bytes` are those that were read until then, for what the declaration put into use. `accepted`
    are the consents that the apply used.
    """

    time: datetime
    registry: str
    commit: str
    actor: str | None
    run_url: str | None
    off_main: bool = False
    registry_user: str | None = None
    bytes: tuple[RecordedBytes, ...] = ()
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One merged change of a model, what it meant, and its evidence.

    `applied` has the first apply for every registry. `apply_state` is `never` where a later merged
    change was applied in its place, and `unknown` where the records cannot tell.
    """

    step: Step
    meaning: tuple[str, ...]
    serving: int | None
    aliases: Mapping[str, int]
    pull_request: int | None
    approvals: tuple[MergeApproval, ...]
    apply_state: ApplyState
    applied: tuple[Applied, ...] = ()

    @property
    def time(self) -> datetime:
        """The time of the merge."""
        return self.step.commit.time

    @property
    def bytes(self) -> tuple[EnteredBytes, ...]:
        """The digests of the versions that it put into use, with what the applies read."""
        read = (row for applied in self.applied for row in applied.bytes)
        return entered_bytes(self.step, read)


@dataclass(frozen=True, slots=True)
class Held:
    """The value of one name at a moment, and the merged change that set it.

    `digest` is the one that was declared for the version at that moment.
    """

    name: str
    version: int | None
    since: Entry
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class DeclaredAt:
    """What was declared for a model at a moment: the serving version and the aliases.

    `entry` is the last change before the moment, None where nothing had been declared yet; `first`
    is the first change of all, `later` the next one after the moment.
    """

    model: str
    moment: datetime
    entry: Entry | None
    held: tuple[Held, ...]
    first: Entry
    later: Entry | None


def _nothing(commit: str, model: str) -> Declaration | None:  # noqa: ARG001  a callback
    return None


@dataclass(frozen=True)
class Records:
    """The apply records of a clone, and its first-parent line.

    `states` are the names of this state folder; records of other states do not count. `landed` maps
    a commit of a branch to the merge on the line that brought it, and `declared` returns what such
    a commit declares for a model.
    """

    by_commit: Mapping[str, Sequence[ApplyRecord]]
    line: Sequence[str]
    states: Collection[str]
    landed: Mapping[str, str] = field(default_factory=dict)
    declared: Callable[[str, str], Declaration | None] = _nothing

    @cached_property
    def applies(self) -> "_Applies":
        """The applies by model; read from the records once for all models."""
        return _Applies(self)


def entries(
    steps: Sequence[Step], settings: Settings, records: Records | None
) -> tuple[Entry, ...]:
    """Return one model's history with its evidence, oldest first."""
    applies = records.applies if records is not None else None
    entries: list[Entry] = []
    for step, later in zip(steps, _later(steps), strict=True):
        apply_state, applied = applies.of(step, later) if applies else _UNKNOWN
        same = _already(entries, step, apply_state)
        if same is not None:
            apply_state, applied = same.apply_state, same.applied
        verified = applies.verified(step) if applies else ()
        entries.append(
            Entry(
                step=step,
                meaning=meaning(step, settings),
                serving=serving(step.after, step.by(settings)),
                aliases=aliases(step.after.fields) if step.after else {},
                pull_request=pull_request(step.commit),
                approvals=(*verified, *claimed_approvals(step.commit)),
                apply_state=apply_state,
                applied=applied,
            )
        )
    return tuple(entries)


def _already(past: Sequence[Entry], step: Step, apply_state: ApplyState) -> Entry | None:
    """Return the entry that already made live what a step declares, None where none did.

    For a step that changed only settings it is the entry before. For a step that restores what is
    live, after changes that were never applied, it is the entry that was applied.
    """
    if past and step.before == step.after:
        return past[-1]
    if apply_state not in ("never", "not yet"):
        return None
    last = next((entry for entry in reversed(past) if entry.apply_state != "never"), None)
    was_live = last is not None and last.apply_state == "applied"
    return last if last and was_live and last.step.after == step.after else None


def _later(steps: Sequence[Step]) -> Iterable[Step | None]:
    """Return for every step the next one that changed the declaration, None for the last."""
    later_steps: list[Step | None] = []
    later: Step | None = None
    for step in reversed(steps):
        later_steps.append(later)
        later = later if step.before == step.after else step
    return reversed(later_steps)


def answer(history: Sequence[Entry], moment: datetime, settings: Settings) -> DeclaredAt:
    """Return what was declared at a moment; the history must not be empty."""
    # Merge times never decrease along the line, so its order decides.
    past = [entry for entry in history if entry.time <= moment]
    later = history[len(past)] if len(past) < len(history) else None
    last = past[-1] if past else None
    return DeclaredAt(
        model=history[0].step.model,
        moment=moment,
        entry=last,
        held=tuple(_held(past, settings)) if last and last.step.after else (),
        first=history[0],
        later=later,
    )


def _held(past: Sequence[Entry], settings: Settings) -> Iterable[Held]:
    last = past[-1]
    since = _since(past, [entry.serving for entry in past])
    rules = last.step.by(settings).serving.of(last.step.model, last.step.after)
    digests = last.step.after.digests if last.step.after else {}
    digest = None if last.serving is None else digests.get(last.serving)
    yield Held(f"serving ({rules})", last.serving, since, digest)
    for alias, version in sorted(last.aliases.items()):
        pointed = [entry.aliases.get(alias) for entry in past]
        yield Held(f"@{alias}", version, _since(past, pointed), digests.get(version))


def _since(past: Sequence[Entry], values: Sequence[int | None]) -> Entry:
    """Return the entry since which the last value has held without interruption."""
    begin = len(past) - 1
    while begin and values[begin - 1] == values[-1]:
        begin -= 1
    return past[begin]


_UNKNOWN: tuple[ApplyState, tuple[Applied, ...]] = ("unknown", ())


class _Applies:
    """Finds the applies that made a merged change live: of its own commit, or of a later one."""

    def __init__(self, records: Records) -> None:
        self._place = {commit: number for number, commit in enumerate(records.line)}
        landed = {
            commit: self._place[merge]
            for commit, merge in records.landed.items()
            if merge in self._place
        }
        self._declared = records.declared
        self._made = {
            commit: [record for record in made if record.state in records.states]
            for commit, made in records.by_commit.items()
        }
        self._approved: dict[str, dict[str, bool | None]] = {}
        for made in self._made.values():
            for approval in (approval for record in made for approval in record.approvals):
                logins = self._approved.setdefault(approval.merged, {})
                # A later record may tell what an older one does not.
                known = logins.get(approval.login)
                logins[approval.login] = approval.is_author if known is None else known
        places = landed | self._place
        placed = [
            (places[commit], record)
            for commit, made in self._made.items()
            if commit in places
            for record in made
        ]
        on_line = (place for place, record in placed if record.commit in self._place)
        self._begin = min(on_line, default=len(records.line))
        # By model, in the order of the line: a step asks for the records of its own model.
        self._placed: dict[str, list[tuple[int, ApplyRecord]]] = {}
        for place, record in sorted(placed, key=_place_of):
            for model in record.named:
                self._placed.setdefault(model, []).append((place, record))

    def verified(self, step: Step) -> tuple[MergeApproval, ...]:
        """Return the approvals that the forge confirmed, from all apply records of that merge."""
        logins = self._approved.get(step.commit.id, {})
        return tuple(MergeApproval(name, "verified", logins[name]) for name in sorted(logins))

    def of(self, step: Step, later: Step | None) -> tuple[ApplyState, tuple[Applied, ...]]:
        """Return how a step was applied before the next step of its model replaced it."""
        start = self._place[step.commit.id]
        end = self._place[later.commit.id] if later else len(self._place)
        placed = self._placed.get(step.model, [])
        between = slice(*(bisect_left(placed, place, key=_place_of) for place in (start, end)))
        made = [record for _, record in placed[between] if self._is_about(record, step)]
        first: dict[str, Applied] = {}
        read: dict[str, dict[int, RecordedBytes]] = {}
        for record in sorted(made, key=lambda record: record.time):
            for row in record.bytes:
                if row.model == step.model:
                    read.setdefault(record.registry, {})[row.version] = row
            if record.registry not in first and record.made_live(step.model):
                rows = read.get(record.registry, {})
                first[record.registry] = self._applied(record, rows.values())
        if first:
            return "applied", tuple(first.values())
        # A release writes no more than its record, and for a model that is gone not even that.
        if start < self._begin or step.after is None:
            return _UNKNOWN
        if any(record.wrote_part_of(step.model) for record in made):
            return "partly", ()
        return ("not yet" if later is None else "never"), ()

    def _is_about(self, record: ApplyRecord, step: Step) -> bool:
        """Return whether a commit declares what the step does; a commit of a branch may not."""
        if record.commit in self._place:
            return True
        is_named = record.made_live(step.model) or record.wrote_part_of(step.model)
        return is_named and self._declared(record.commit, step.model) == step.after

    def _applied(self, record: ApplyRecord, read: Iterable[RecordedBytes]) -> Applied:
        return Applied(
            record.time,
            record.registry,
            record.commit,
            record.actor,
            record.run_url,
            off_main=record.commit not in self._place,
            registry_user=record.registry_user,
            bytes=tuple(read),
            accepted=record.accepted,
        )


def _place_of(placed: tuple[int, ApplyRecord]) -> int:
    return placed[0]
