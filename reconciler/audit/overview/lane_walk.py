"""Follows one name of a model through its merged changes: what went live when, and what did not."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from reconciler.audit.evidence import ApplyState, Entry
from reconciler.audit.merged_changes import Step
from reconciler.audit.overview.lanes import LaneSpan, SpanKind
from reconciler.audit.overview.recorded_applies import ModelApplies, NameApplies
from reconciler.core.state import Field, Fields, Serving

_Versions = frozenset[int]
_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class LaneReading:
    """What the registry held at the moment `now`; `fields` is None where it was not read."""

    now: datetime
    fields: Fields | None

    def versions(self, name: Serving) -> frozenset[int] | None:
        """Return the versions under a name, None where that was not read."""
        return None if self.fields is None else name.versions(self.fields)


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one merged change in one registry.

    `time` is its first apply, else its merge; `later` is the first apply of a later change.
    `is_recorded` is whether the record of that apply is at hand.
    """

    state: ApplyState
    time: datetime
    later: datetime | None = None
    is_recorded: bool = False


def fates(
    history: Sequence[Entry], applies: ModelApplies, ahead: Callable[[Entry], bool | None]
) -> Sequence[Fate]:
    """Return what became of each merged change; other registries do not count.

    `ahead` returns whether a change is later than what the registry says it has, None where the
    registry does not tell.
    """
    times = [applies.time_of(entry) for entry in history]
    known = [time for time in (applies.begin, *times) if time is not None]
    begin = min(known, default=None)
    found: list[Fate] = []
    later: datetime | None = None
    for entry, time in zip(reversed(history), reversed(times), strict=True):
        state = "applied" if time is not None else _state(entry, later, begin)
        if state == "unknown" and ahead(entry) and entry.step.after is not None:
            state = "not yet"  # git releases a model by its merge, everything else is applied
        elif state == "not yet" and ahead(entry) is False:
            state = "unknown"  # an apply without a record
        found.append(Fate(state, time or entry.time, later, applies.has_record_of(entry)))
        later = time or later
    return found[::-1]


def _state(entry: Entry, later: datetime | None, begin: datetime | None) -> ApplyState:
    """Return what became of a change that no record of this registry confirms."""
    if entry.apply_state in ("unknown", "partly"):
        return entry.apply_state
    # What was applied to another registry tells nothing of this one. That it was applied nowhere
    # is by the order of commits: an apply may be later than a merge that came after its commit.
    is_elsewhere = entry.apply_state == "applied"
    if begin is None or (is_elsewhere and entry.time < begin):
        return "unknown"
    return "never" if later is not None else "not yet"


class LaneWalk:
    """The versions that one name has on the way from the first merged change to the last.

    `_live` has the span of each version that is live as far as is known, `_waiting` the merged
    change that first declared each version that is not; the version None waits to be taken away.
    A name has its versions one after another: `_clock` is the last moment at which they changed.
    """

    def __init__(self, name: Serving, applies: NameApplies) -> None:
        """Begin before the first merged change."""
        self._name = name
        self._applies = applies
        self._live: dict[int, LaneSpan] = {}
        self._waiting: dict[int | None, Entry] = {}
        self._spans: list[LaneSpan] = []
        self._clock: datetime | None = None

    def step(self, entry: Entry, fate: Fate, *, exclusive: Collection[str]) -> None:
        """Go past one merged change."""
        after = entry.step.after
        declared = self._name.versions(after.fields) if after is not None else frozenset()
        leaving = self._leaving(entry.step, declared, exclusive)
        self._wait(entry, declared, leaving)
        if fate.state == "applied":
            self._take(entry, declared, leaving, fate)
        elif fate.state == "unknown":
            self._take(entry, declared, leaving, replace(fate, time=entry.time))
        elif fate.state == "partly":
            self._take_part(declared, leaving, fate)

    def finish(self, reading: LaneReading) -> Sequence[LaneSpan]:
        """Return all spans; those that last until now have no end."""
        held = reading.versions(self._name)
        if held is not None:
            self._take_unrecorded(held)
        for version, span in self._live.items():
            is_gone = held is not None and version not in held
            self._spans.append(replace(span, end=reading.now) if is_gone else span)
        for waiting, entry in self._waiting.items():
            self._spans.append(LaneSpan(waiting, entry.time, None, "pending", entry))
        return self._spans

    def _leaving(
        self, step: Step, declared: _Versions, exclusive: Collection[str]
    ) -> frozenset[int]:
        """Return the live versions that an apply of a step takes away; others stay undeclared."""
        gone = self._live.keys() - declared
        is_taken = bool(declared) and (
            self._name.alias is not None or self._name.stage in exclusive
        )
        return frozenset(v for v in gone if is_taken or not _stays(self._name, v, step))

    def _wait(self, entry: Entry, declared: _Versions, leaving: Collection[int]) -> None:
        """Note what a change newly declares, and what it replaces before it was applied."""
        for version, first in [*self._waiting.items()]:
            if version not in declared and (version is not None or declared or not leaving):
                del self._waiting[version]
                self._spans.append(
                    LaneSpan(version, first.time, entry.time, "never applied", first)
                )
        for version in sorted(declared):
            span = self._live.get(version)
            if span is None or span.kind == "undeclared":
                self._waiting.setdefault(version, entry)
        if leaving and not declared:
            self._waiting.setdefault(None, entry)

    def _take(
        self, entry: Entry, declared: _Versions, leaving: Collection[int], fate: Fate
    ) -> None:
        """Let a change take effect at a moment, or earlier where an apply wrote it earlier."""
        since, time = self._clock, self._not_before_clock(fate.time)
        kind: SpanKind = "applied" if fate.state == "applied" else "merged"
        began = time
        for version in sorted(declared.intersection(self._waiting)):
            written = self._applies.first("enters", version, (since, time))
            was_there = written is None and fate.is_recorded and version not in self._live
            self._enter(version, written or time, kind, was_there=was_there)
            began = min(began, written or time)
        self._waiting.clear()
        for version in [v for v in self._live if v not in declared]:
            if version in leaving:
                left = self._applies.first("leaves", version, (since, time))
                is_replaced = declared and self._name.alias is not None
                self._close(version, began if is_replaced else left or began)
            elif self._live[version].kind != "undeclared":
                self._close(version, time)
                self._live[version] = LaneSpan(version, time, None, "undeclared", entry)
        self._clock = time

    def _take_part(self, declared: _Versions, leaving: Iterable[int], fate: Fate) -> None:
        """Take what an apply wrote of a change that was never applied whole."""
        # What the apply of a later change wrote is not part of this one.
        until = fate.later - _INSTANT if fate.later is not None else None
        between, times = (self._clock, until), []
        for version in sorted(declared.intersection(self._waiting)):
            if time := self._applies.first("enters", version, between, heals=False):
                self._enter(version, time, "applied")
                times.append(time)
        for version in leaving:
            if time := self._applies.first("leaves", version, between):
                self._close(version, time)
                self._waiting.pop(None, None)
                times.append(time)
        self._clock = max(times, default=self._clock)

    def _take_unrecorded(self, held: _Versions) -> None:
        """Take what waits and is live: it was applied, and no record tells when."""
        arrived = [v for v in self._waiting if v is not None and v in held]
        is_emptied = None in self._waiting and not held
        waited = [self._waiting[v].time for v in ([None] if is_emptied else arrived)]
        if not waited:
            return
        began = self._not_before_clock(min(waited))
        for version in arrived:
            self._enter(version, began, "merged")
        if is_emptied:
            del self._waiting[None]
        for version in [v for v in self._live if v not in held]:
            self._close(version, began)

    def _enter(
        self, version: int, time: datetime, kind: SpanKind, *, was_there: bool = False
    ) -> None:
        entry = self._waiting.pop(version)
        if version in self._live:
            self._close(version, time)
        consents = self._applies.consents.get(time, ()) if kind == "applied" else ()
        self._live[version] = LaneSpan(
            version, time, None, kind, entry, was_there=was_there, consents=consents
        )

    def _close(self, version: int, time: datetime) -> None:
        span = self._live.pop(version)
        self._spans.append(replace(span, end=max(time, span.start or time)))

    def _not_before_clock(self, time: datetime) -> datetime:
        return time if self._clock is None else max(time, self._clock)


def _stays(name: Serving, version: int, step: Step) -> bool:
    """Return whether a version keeps a stage or an alias that a step does not declare any more.

    An alias goes with its declaration, a stage stays. What a bridge implied goes and stays with the
    word that the file has.
    """
    before, after = step.before, step.after
    if after is None:
        return True
    stage = Field("stage", version)
    if name.alias is not None:
        is_implied = before is not None and Field("alias", None, name.alias) in before.implied
        return is_implied and stage not in after.fields
    is_implied = before is not None and stage in before.implied
    is_bridged = any(bridged == name.stage for bridged, _ in after.bridged)
    return stage not in after.fields and not (is_implied and is_bridged)
