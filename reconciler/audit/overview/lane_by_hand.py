"""Finds what somebody put under a name by hand: what applies found there, and what is live now."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from reconciler.audit.overview.lane_walk import LaneReading
from reconciler.audit.overview.lanes import LaneSpan
from reconciler.audit.overview.recorded_applies import ModelApply, NameApplies, NameChange
from reconciler.core.state import Serving

_OFF_MAIN: Final = "off-main"  # the consent that its record keeps
_CONFIRMED: Final = ("applied", "merged")
_LIVE: Final = (*_CONFIRMED, "undeclared")


class HandWatch:
    """Watches one name for values that git did not declare, one apply after another.

    `declared` are the spans of what git declared. `is_single` is whether the name has one version
    at a time: only then a confirmed version proves that no other one was there.
    """

    def __init__(
        self,
        name: Serving,
        applies: NameApplies,
        declared: Sequence[LaneSpan],
        *,
        is_single: bool,
    ) -> None:
        """Begin before the first apply."""
        self._name = name
        self._applies = applies
        self._declared = declared
        self._by_version: dict[int | None, list[LaneSpan]] = {}
        for span in declared:
            self._by_version.setdefault(span.version, []).append(span)
        confirmed = [span for span in declared if span.kind in _CONFIRMED]
        starts = [(span.start, number) for number, span in enumerate(confirmed) if span.start]
        self._content = [confirmed[number] for _, number in sorted(starts)]
        self._starts = [start for start, _ in sorted(starts)]
        self._is_single = is_single
        self._confirmed: datetime | None = None  # the last apply that confirmed anything
        self._known: datetime | None = None  # the last one after which no other version was there
        self._open: dict[int | None, LaneSpan] = {}
        self._off_main: dict[int | None, ModelApply] = {}  # who brought what is there now

    def spans(self, reading: LaneReading) -> Iterator[LaneSpan]:
        """Yield what applies found, then what is live now."""
        for apply, changes in self._applies.all:
            yield from self._look(apply, changes)
        now = self._found_now(reading)
        for version in now:
            span = self._open.pop(version, None)
            start = span.start if span else self._known
            is_brought = version in self._off_main
            yield (
                self._brought(version) if is_brought else LaneSpan(version, start, None, "by hand")
            )
        yield from self._open.values()

    def _look(self, apply: ModelApply, changes: Sequence[NameChange]) -> Iterator[LaneSpan]:
        found = dict(self._found(apply.time, changes))
        for version, start in found.items():
            before = self._open.get(version)
            begin = before.start if before else start
            if version in self._off_main:
                self._open[version] = replace(self._brought(version), end=apply.time)
                continue
            self._open[version] = LaneSpan(
                version, begin, apply.time, "by hand", found=apply.record
            )
        is_written = bool(changes) and all(change.is_written for change in changes)
        if is_written or apply.made_live:
            yield from self._open.values()
            self._open.clear()
            self._off_main = {c.version: apply for c in changes if c.way == "enters"}
            if _OFF_MAIN not in apply.consents:
                self._off_main.clear()
            self._confirmed = apply.time
            if self._is_single and (is_written or self._has_content(apply.time)):
                self._known = apply.time

    def _brought(self, version: int | None) -> LaneSpan:
        """Return the span of what an apply of a commit brought that main does not have."""
        by = self._off_main[version]
        return LaneSpan(version, by.time, None, "applied", found=by.record, consents=by.consents)

    def _found(
        self, time: datetime, changes: Sequence[NameChange]
    ) -> Iterator[tuple[int | None, datetime | None]]:
        """Yield each version that an apply found there by hand, with the moment it came after."""
        left = [change for change in changes if change.way == "leaves"]
        for change in left:
            if self._is_by_hand(change, time):
                yield change.version, self._confirmed if change.is_drift else self._known
        if not left and any(change.way == "enters" and change.is_drift for change in changes):
            yield None, self._confirmed

    def _is_by_hand(self, change: NameChange, time: datetime) -> bool:
        """Return whether git did not bring there what an apply found under the name.

        What is no drift may have been brought by an apply without a record, if it was declared
        since the last apply that tells.
        """
        spans = [
            span
            for span in self._by_version.get(change.version, ())
            if span.start is None or span.start < time
        ]
        if change.is_drift:
            return not any(
                span.kind in _LIVE and (span.end is None or span.end >= time) for span in spans
            )
        since = self._confirmed
        return not any(span.end is None or since is None or span.end > since for span in spans)

    def _has_content(self, time: datetime) -> bool:
        """Return whether a confirmed version was there at a moment.

        The name has one version at a time, except while one enters and another leaves.
        """
        place = bisect_right(self._starts, time)
        begun = self._content[max(0, place - 2) : place]
        return any(span.end is None or span.end > time for span in begun)

    def _found_now(self, reading: LaneReading) -> Sequence[int | None]:
        held = reading.versions(self._name)
        if held is None:
            return ()
        here = {span.version for span in self._declared if span.end is None and span.kind in _LIVE}
        others = sorted(held.difference(v for v in here if v is not None))
        is_missing = any(
            span.end == reading.now and span.kind in _CONFIRMED for span in self._declared
        )
        return others or ((None,) if is_missing else ())
