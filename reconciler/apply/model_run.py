"""One model's way through an apply, and what became of each of its changes so far."""

import threading
from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

from reconciler.apply.staleness import (
    differences,
    occupants_after,
    shared_stages,
    unconfirmed,
    unexpected_occupants,
)
from reconciler.apply.writer import Moved, Stopped, Writer, record_change
from reconciler.core.changes import Change, first_to_leave
from reconciler.core.plan import ModelPlan
from reconciler.core.report import ChangeOutcome, ModelReport, Result
from reconciler.core.state import COMMIT_TAG, OWNER_TAG, Live
from reconciler.errors import AnswerLost, ExitCode, RegistryError
from reconciler.planning.live_state import read_model

OnResult: TypeAlias = Callable[[Result], None]

_UNKNOWN = "interrupted while its answer was outstanding: plan again to see where it is"


class ModelRun:
    """Written by one worker, read at any moment by the thread that reports."""

    def __init__(
        self,
        plan: ModelPlan,
        ordered: Sequence[Change],
        *,
        on_result: OnResult,
        is_superseded_by: Callable[[str], bool],
        allow_superseded: bool,
    ) -> None:
        self.plan = plan
        self._ordered = ordered
        self._on_result = on_result
        self._is_superseded_by = is_superseded_by
        self._allow_superseded = allow_superseded
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
        """Return whether writes went out whose values are still to be seen."""
        return not self._ended

    def write(self, live: Live | RegistryError | None, writer: Writer) -> None:
        """Compare `live` with what the plan saw, then send every change; ends at the first miss."""
        if isinstance(live, RegistryError):
            return self._end("failed", f"nothing was written: {live.message}", live.code)
        moved = self._staleness(live)
        if moved is not None:
            return self._end(*moved)
        first_leaving = first_to_leave(
            self._ordered, self.plan.seen.stage_occupants if self.plan.seen else ()
        )
        try:
            self._begin_record(writer)
            for change in self._ordered:
                with self._lock:
                    self._under_way = change
                if change is first_leaving:
                    self._check_no_other_run(writer)
                writer.write(change)
                self._wrote = True
                self._note(change, "applied")
        except Stopped:
            self._end("skipped", "interrupted before it was sent", ExitCode.OUT_OF_STEP)
        except Moved as meanwhile:
            self._end_at_failure("stale", str(meanwhile), ExitCode.OUT_OF_STEP)
        except RegistryError as error:
            hint = f" ({error.hint})" if error.hint else ""
            unclear = isinstance(error, AnswerLost)
            self._end_at_failure("failed", error.message + hint, error.code, unclear=unclear)
        return None

    def finish(self, live: Live | RegistryError | None, writer: Writer) -> None:
        """Compare the read-back with the plan and leave only this commit in the record."""
        self._ended = True
        if live is None or isinstance(live, RegistryError):
            why = live.message if live else "the model is not in the registry any more"
            self._error = (f"could not be read back: {why}", ExitCode.REGISTRY)
            return
        wrong = self._unconfirmed(live)
        if wrong:
            self._error = (wrong, ExitCode.REGISTRY)
            return
        try:
            self._end_record(live, writer)
        except Stopped:
            self._error = ("interrupted before the record", ExitCode.OUT_OF_STEP)
        except Moved as moved:
            self._error = (str(moved), ExitCode.OUT_OF_STEP)
        except RegistryError as error:
            unclear = isinstance(error, AnswerLost)
            self._error = (_unrecorded(error.message, unclear=unclear), error.code)

    def break_off(self, bug: Exception) -> None:
        """End the run because of a bug: what it was doing failed, the rest is skipped."""
        self._end_at_failure("failed", f"a bug: {type(bug).__name__}: {bug}", ExitCode.USAGE)

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
        applied = [change for change in self._ordered if results[change].outcome == "applied"]
        stage_occupants = (
            occupants_after(self.plan.seen.stage_occupants, applied)
            if self.plan.seen and applied
            else {}
        )
        return ModelReport(
            self.plan.model,
            tuple(results[change] for change in self.plan.changes),
            self._recorded,
            self._wrote,
            error,
            code,
            messages=tuple(shared_stages(stage_occupants)),
        )

    def _staleness(self, live: Live | None) -> tuple[ChangeOutcome, str, ExitCode] | None:
        """Say what moved since the plan, None when nothing did."""
        seen = self.plan.seen
        if live is None or seen is None:
            return "stale", "the model is not in the registry any more", ExitCode.OUT_OF_STEP
        if (live.commit, live.owner) != (seen.commit, seen.owner):
            if not live.recorded or not self._is_superseded_by(live.recorded[-1]):
                return "stale", _recorded_by_another(live), ExitCode.OUT_OF_STEP
            code = ExitCode.OK if self._allow_superseded else ExitCode.OUT_OF_STEP
            return "superseded", _recorded_by_another(live), code
        found = differences(live, seen, self._ordered)
        if found:
            return "stale", f"{'; '.join(found)}: plan again", ExitCode.OUT_OF_STEP
        return None

    @property
    def _start(self) -> str | None:
        """What the record is while the changes are written, None when it stays as it was seen.

        A takeover starts one even without a change: its two tags must not part company.
        """
        record, seen = self.plan.record, self.plan.seen
        if record is None or seen is None:
            return None
        takes_over = record.owner is not None and seen.owner is not None
        return record.start if self._ordered or takes_over else None

    def _begin_record(self, writer: Writer) -> None:
        record, seen, start = self.plan.record, self.plan.seen, self._start
        if record is None or seen is None:
            return
        if start is not None:
            writer.write(record_change(self.plan.model, COMMIT_TAG, seen.commit, start))
            self._wrote = True
        if record.owner is not None:
            writer.write(record_change(self.plan.model, OWNER_TAG, seen.owner, record.owner))
            self._wrote = True

    def _check_no_other_run(self, writer: Writer) -> None:
        """Make sure that nobody else came before a version leaves an exclusive stage.

        Of two runs that each enter, then look, then leave, at least one sees the other: without
        the look each could archive the version that the other one promoted.
        """
        seen = self.plan.seen
        live = read_model(writer.registry, self.plan.model, self.versions)
        if live is None or seen is None:
            raise Moved("the model is not in the registry any more")
        if live.commit != (self._start or seen.commit):
            raise Moved(_recorded_by_another(live))
        applied = [change for change in self._ordered if change in self._results]
        found = unexpected_occupants(live, seen, applied)
        if found:
            raise Moved("; ".join(found))

    def _end_record(self, live: Live, writer: Writer) -> None:
        record, seen = self.plan.record, self.plan.seen
        if record is None or seen is None:
            return
        started = self._start or seen.commit
        if live.commit != started:
            raise Moved(f"{_recorded_by_another(live)}: this one leaves the record")
        writer.write(record_change(self.plan.model, COMMIT_TAG, started, record.commit))
        self._recorded = self._wrote = True

    def _unconfirmed(self, live: Live) -> str | None:
        """Turn what did not stay into failures, and say what is not as planned; None: all is."""
        lost = unconfirmed(live, self._ordered)
        for change, message in lost.items():
            self._note(change, "failed", message, ExitCode.REGISTRY)
        if lost:
            return "not every change is as it was written"
        if self.plan.seen is None:
            return None
        return "; ".join(unexpected_occupants(live, self.plan.seen, self._ordered)) or None

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
        self._on_result(result)

    def _end(self, outcome: ChangeOutcome, error: str, code: ExitCode) -> None:
        """Give every change that has no result yet this one."""
        self._ended = True
        for change in self._ordered:
            if change not in self._results:
                self._note(change, outcome, error, code)
        if not self._ordered and self._error is None:
            self._error = (error, code)

    def _end_at_failure(
        self, outcome: ChangeOutcome, error: str, code: ExitCode, *, unclear: bool = False
    ) -> None:
        """Say why what was under way was not confirmed, and skip the rest."""
        under_way = self._under_way
        if under_way is not None:
            self._note(under_way, outcome, error, code)
        else:
            error = _unrecorded(error, unclear=unclear)
            rest = [change for change in self._ordered if change not in self._results]
            if rest:
                self._note(rest[0], outcome, error, code)
            else:
                self._error = (error, code)
        self._end("skipped", "a change before it was not applied", code)


def _recorded_by_another(live: Live) -> str:
    last = live.recorded[-1][:12] if live.recorded else "nothing"
    return f"another run recorded {last} meanwhile"


def _unrecorded(why: str, *, unclear: bool) -> str:
    """Say what is known of a record that was not confirmed."""
    return f"the record {'may not have been' if unclear else 'was not'} written: {why}"
