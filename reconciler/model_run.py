"""One model's way through an apply, and what became of each of its changes so far."""

import threading
from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

from reconciler.changes import Change
from reconciler.diff import same
from reconciler.errors import ExitCode, RegistryError
from reconciler.plan import ModelPlan, Seen
from reconciler.report import ChangeOutcome, ModelReport, Result
from reconciler.state import COMMIT_TAG, OWNER_TAG, Live, occupants
from reconciler.writing import Moved, Stopped, Writer, record_change, value_of

Tell: TypeAlias = Callable[[Result], None]

_UNKNOWN = "interrupted while its answer was outstanding: plan again to see where it is"


class ModelRun:
    """Written by one worker, read at any moment by the thread that reports."""

    def __init__(
        self,
        plan: ModelPlan,
        ordered: Sequence[Change],
        *,
        tell: Tell,
        newer: Callable[[str], bool],
    ) -> None:
        self.plan = plan
        self._ordered = ordered
        self._tell = tell
        self._newer = newer
        self._results: dict[Change, Result] = {}
        self._under_way: Change | None = None
        self._recorded = False
        self._wrote = False
        self._error: tuple[str, ExitCode] | None = None
        self._ended = False
        self._lock = threading.Lock()

    @property
    def versions(self) -> Collection[int]:
        """Every version that the changes name."""
        return frozenset().union(*(change.versions for change in self._ordered))

    @property
    def wants_reading_back(self) -> bool:
        """Say whether writes went out whose values are still to be seen."""
        return not self._ended

    def write(self, live: Live | RegistryError, writer: Writer) -> None:
        """Compare `live` with what the plan saw, then send every change; ends at the first miss."""
        if isinstance(live, RegistryError):
            return self._end("failed", f"nothing was written: {live.message}", live.code)
        moved = self._moved(live)
        if moved is not None:
            return self._end(*moved)
        try:
            self._begin_record(writer)
            for change in self._ordered:
                with self._lock:
                    self._under_way = change
                writer.write(change)
                self._wrote = True
                self._note(change, "applied")
        except Stopped:
            self._end("skipped", "interrupted before it was sent", ExitCode.OUT_OF_STEP)
        except Moved as moved_meanwhile:
            self._miss("stale", str(moved_meanwhile), ExitCode.OUT_OF_STEP)
        except RegistryError as error:
            hint = f" ({error.hint})" if error.hint else ""
            self._miss("failed", error.message + hint, error.code)
        return None

    def finish(self, live: Live | RegistryError, writer: Writer) -> None:
        """Compare the read-back with the plan and leave only this commit in the record."""
        if isinstance(live, RegistryError):
            return self._keep_open(f"could not be read back: {live.message}", live.code)
        if not self._confirmed(live):
            return self._keep_open("not every change is as it was written", ExitCode.REGISTRY)
        if self.plan.record is None:
            self._ended = True
            return None
        try:
            self._end_record(live, writer)
        except Stopped:
            return self._keep_open("interrupted before the record", ExitCode.OUT_OF_STEP)
        except Moved as moved:
            return self._keep_open(str(moved), ExitCode.OUT_OF_STEP)
        except RegistryError as error:
            return self._keep_open(f"the record was not written: {error.message}", error.code)
        return None

    def report(self) -> ModelReport:
        """Return what is known now; what never was tried is skipped."""
        with self._lock:
            results = dict(self._results)
            under_way = self._under_way
        if under_way is not None and under_way not in results:
            results[under_way] = Result(under_way, "failed", _UNKNOWN, ExitCode.REGISTRY)
        for change in self._ordered:
            if change not in results:
                code = ExitCode.OUT_OF_STEP
                results[change] = Result(change, "skipped", "the run ended before it", code)
        error, code = self._error or (None, ExitCode.OK)
        if not self._ended and error is None:
            error, code = "interrupted before it was read back and recorded", ExitCode.OUT_OF_STEP
        return ModelReport(
            self.plan.model,
            tuple(results[change] for change in self.plan.changes),
            self._recorded,
            self._wrote,
            error,
            code,
        )

    def _moved(self, live: Live) -> tuple[ChangeOutcome, str, ExitCode] | None:
        """Say what moved since the plan, None when nothing did."""
        seen = self.plan.seen
        if seen is None:
            raise AssertionError(self.plan)
        if (live.commit, live.owner) != (seen.commit, seen.owner):
            last = live.recorded[-1] if live.recorded else "nothing"
            outcome: ChangeOutcome = "superseded" if self._newer(last) else "stale"
            what = f"another run recorded {last[:12]} meanwhile"
            return outcome, what, ExitCode.OUT_OF_STEP
        what_else = _differences(live, seen, self._ordered)
        if what_else:
            return "stale", f"{'; '.join(what_else)}: plan again", ExitCode.OUT_OF_STEP
        return None

    def _begin_record(self, writer: Writer) -> None:
        record, seen = self.plan.record, self.plan.seen
        if record is None or seen is None:
            return
        if record.start is not None and self._ordered:
            before = seen.commit
            writer.write(record_change(self.plan.model, COMMIT_TAG, before, record.start))
            self._wrote = True
        if record.owner is not None:
            writer.write(record_change(self.plan.model, OWNER_TAG, seen.owner, record.owner))
            self._wrote = True

    def _end_record(self, live: Live, writer: Writer) -> None:
        record, seen = self.plan.record, self.plan.seen
        if record is None or seen is None:
            return
        started = record.start if record.start is not None and self._ordered else seen.commit
        if live.commit != started:
            last = live.recorded[-1][:12] if live.recorded else "nothing"
            raise Moved(f"another run recorded {last} meanwhile: this one leaves the record")
        writer.write(record_change(self.plan.model, COMMIT_TAG, started, record.commit))
        self._recorded = self._wrote = True
        self._ended = True

    def _confirmed(self, live: Live) -> bool:
        """Turn every change that the registry does not have after all into a failed one."""
        right = True
        for change in self._ordered:
            found = value_of(live, change.field)
            if not same(change.field, found, change.after):
                right = False
                shown = "no value" if found is None else f"`{found}`"
                message = f"was written and confirmed, but the registry now has {shown}"
                self._note(change, "failed", message, ExitCode.REGISTRY)
        return right

    def _note(
        self,
        change: Change,
        outcome: ChangeOutcome,
        error: str | None = None,
        code: ExitCode = ExitCode.OK,
    ) -> None:
        result = Result(change, outcome, error, code)
        with self._lock:
            self._results[change] = result
            self._under_way = None
        self._tell(result)

    def _end(self, outcome: ChangeOutcome, error: str, code: ExitCode) -> None:
        """Give every change that has no result yet this one."""
        self._ended = True
        for change in self._ordered:
            if change not in self._results:
                self._note(change, outcome, error, code)
        if not self._ordered:
            self._error = (error, code)

    def _miss(self, outcome: ChangeOutcome, error: str, code: ExitCode) -> None:
        """Say why the change under way was not confirmed, and skip the rest."""
        rest = [change for change in self._ordered if change not in self._results]
        if rest and self._under_way is None:
            error = f"the record was not written: {error}"
        if rest:
            self._note(rest[0], outcome, error, code)
        self._end("skipped", "a change before it was not applied", code)
        if not rest:
            self._error = (f"the record was not written: {error}", code)

    def _keep_open(self, error: str, code: ExitCode) -> None:
        self._ended = True
        self._error = (error, code)


def _differences(live: Live, seen: Seen, changes: Sequence[Change]) -> list[str]:
    found = []
    for change in changes:
        value = value_of(live, change.field)
        if not same(change.field, value, change.before):
            was = "no value" if change.before is None else f"`{change.before}`"
            now = "no value" if value is None else f"`{value}`"
            found.append(f"{change.field} was {was} and is {now}")
    for version, identity in seen.identities.items():
        there = live.versions.get(version)
        if (there.identity if there else None) != identity:
            found.append(f"v{version} is another version than the plan saw")
    crowd = occupants(live.fields, seen.crowd)
    for stage, versions in seen.crowd.items():
        if crowd[stage] != versions:
            who = ", ".join(f"v{version}" for version in crowd[stage]) or "nobody"
            found.append(f"{stage} now holds {who}")
    return found
