"""Applies the plan of one model, and keeps the outcome of each change."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from reconciler.apply.model_reader import ModelReader
from reconciler.apply.staleness import (
    differences,
    moved_stages,
    occupants_after,
    shared_stages,
    unconfirmed,
    unexpected_occupants,
)
from reconciler.apply.writer import Moved, Stopped, Writer, record_change, value_of
from reconciler.core.artifacts.bytes_check import BytesCheck, refusal
from reconciler.core.changes import Change, first_to_leave
from reconciler.core.plan import ModelPlan
from reconciler.core.report import ChangeOutcome, ModelReport, Result
from reconciler.core.state import COMMIT_TAG, OWNER_TAG, Live
from reconciler.errors import AnswerLost, ExitCode, Forbidden, RegistryError, Rejected, first_code
from reconciler.planning.live_state import read_one

OnResult: TypeAlias = Callable[[Result], None]

_INTERRUPTED = "interrupted before it was sent"
_UNKNOWN = "interrupted before the registry answered: plan again to see its state"


class ModelRun:
    """The apply of one model: one worker writes, the reporting thread may read at any time."""

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
        self._running: Change | None = None
        self._begun: list[Change] = []
        self._recorded = False
        self._wrote = False
        self._lacks: str | None = None
        self._untried = False
        self._forbidden = False
        self._error: tuple[str, ExitCode] | None = None
        self._ended = False
        self._checks: tuple[BytesCheck, ...] = ()
        self._lock = threading.Lock()

    @property
    def wants_reading_back(self) -> bool:
        """Return whether all writes succeeded, so that the model must be read back."""
        return not self._ended

    def write(self, reader: ModelReader, writer: Writer, checks: tuple[BytesCheck, ...]) -> None:
        """Compare the model with the plan's snapshot, then send the changes up to a failure.

        `checks` are those of the bytes that enter, just read. That takes time, so the model is
        looked at after it: one that moved meanwhile is stale, whatever its bytes.
        """
        self._checks = checks
        try:
            live = reader.before_writing()
        except RegistryError as error:
            unread = f"model `{self.plan.model}` cannot be read: {error.message}"
            why = unread if isinstance(error, Rejected) else error.message
            self._lack(error, "READ")
            return self._end("failed", f"nothing was written: {why}", error.code)
        stale = self._staleness(live)
        if stale is not None:
            return self._end(*stale)
        refusals = [refusal(self.plan.model, check) for check in checks]
        if any(refusals):
            message = f"nothing was written: {'; '.join(filter(None, refusals))}"
            return self._end("failed", message, first_code([check.code for check in checks]))
        first_leaving = first_to_leave(
            self._ordered, self.plan.seen.stage_occupants if self.plan.seen else ()
        )
        try:
            self._begin_record(reader, writer)
            for change in self._ordered:
                with self._lock:
                    self._running = change
                if change is first_leaving:
                    self._check_no_other_run(reader)
                self._write(change, reader, writer)
                self._note(change, "applied")
        except Stopped:
            self.interrupt()
        except Moved as moved:
            self._end_at_failure("stale", str(moved), ExitCode.OUT_OF_STEP)
            self._take_back_record(writer)
        except RegistryError as error:
            hint = f" ({error.hint})" if error.hint else ""
            unclear = isinstance(error, AnswerLost)
            self._lack(error, self._running.permission if self._running else "EDIT")
            self._end_at_failure("failed", error.message + hint, error.code, unclear=unclear)
            self._take_back_record(writer)
        return None

    def finish(self, reader: ModelReader, writer: Writer) -> None:
        """Read the model back and compare it with the plan, then complete the record."""
        self._ended = True
        try:
            live, why = reader.at_the_end(), "the model is no longer in the registry"
        except RegistryError as error:
            live, why = None, error.message
        if live is None:
            self._error = (f"could not be read back: {why}", ExitCode.REGISTRY)
            return
        wrong = self._unconfirmed(live)
        if wrong:
            self._error = (wrong, ExitCode.REGISTRY)
            return
        try:
            self._end_record(live, reader, writer)
        except Stopped:
            self._error = ("interrupted before the record was completed", ExitCode.OUT_OF_STEP)
        except Moved as moved:
            self._error = (str(moved), ExitCode.OUT_OF_STEP)
        except RegistryError as error:
            unclear = isinstance(error, AnswerLost)
            self._error = (_unrecorded(error.message, unclear=unclear), error.code)

    @property
    def wrote(self) -> bool:
        """Return whether the registry confirmed a write."""
        return self._wrote

    @property
    def is_forbidden(self) -> bool:
        """Return whether the credentials were refused."""
        return self._forbidden

    def leave_out(self, why: str) -> None:
        """End the run before its first request."""
        self._untried = True
        self._end("skipped", why, ExitCode.REGISTRY)

    def interrupt(self) -> None:
        """End the run before its first write."""
        self._end("skipped", _INTERRUPTED, ExitCode.OUT_OF_STEP)

    def _lack(self, error: RegistryError, permission: str) -> None:
        if isinstance(error, Forbidden):
            self._forbidden = True
            self._lacks = permission if error.is_known else None

    def break_off(self, bug: Exception) -> None:
        """End the run because of a bug: the running change failed, the rest is skipped."""
        self._end_at_failure("failed", f"a bug: {type(bug).__name__}: {bug}", ExitCode.USAGE)

    def report(self) -> ModelReport:
        """Return the outcome so far; changes that were not tried are skipped."""
        with self._lock:
            results = dict(self._results)
            running = self._running
        if running is not None and running not in results:
            results[running] = Result(running, "failed", _UNKNOWN, ExitCode.REGISTRY)
        for change in self._ordered:
            if change not in results:
                code = ExitCode.OUT_OF_STEP
                results[change] = Result(
                    change, "skipped", "the run ended before this change", code
                )
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
            lacks=self._lacks,
            untried=self._untried,
            bytes=self._checks,
        )

    def _staleness(self, live: Live | None) -> tuple[ChangeOutcome, str, ExitCode] | None:
        """Return outcome, message and code when the model changed since the plan, else None."""
        snapshot = self.plan.seen
        if live is None or snapshot is None:
            return "stale", "the model is no longer in the registry", ExitCode.OUT_OF_STEP
        if (live.commit, live.owner) != (snapshot.commit, snapshot.owner):
            if not live.recorded or not self._is_superseded_by(live.recorded[-1]):
                return "stale", _recorded_by_another(live), ExitCode.OUT_OF_STEP
            code = ExitCode.OK if self._allow_superseded else ExitCode.OUT_OF_STEP
            return "superseded", _recorded_by_another(live), code
        changed = differences(live, snapshot, self._ordered)
        if changed:
            return "stale", f"{'; '.join(changed)}: plan again", ExitCode.OUT_OF_STEP
        return None

    @property
    def _start(self) -> str | None:
        """The commit tag while the changes are written; None when it stays as it was planned.

        A takeover sets it even without a change, so that its two tags stay consistent.
        """
        record, snapshot = self.plan.record, self.plan.seen
        if record is None or snapshot is None:
            return None
        takes_over = record.owner is not None and snapshot.owner is not None
        return record.start if self._ordered or takes_over else None

    def _write(self, change: Change, reader: ModelReader, writer: Writer) -> None:
        updated = writer.write(change)
        self._wrote = True
        reader.wrote(change, updated)

    def _begin_record(self, reader: ModelReader, writer: Writer) -> None:
        record, snapshot, start = self.plan.record, self.plan.seen, self._start
        if record is None or snapshot is None:
            return
        if start is not None:
            change = record_change(self.plan.model, COMMIT_TAG, snapshot.commit, start)
            self._begin(change, reader, writer)
        if record.owner is not None:
            owner = record_change(self.plan.model, OWNER_TAG, snapshot.owner, record.owner)
            self._begin(owner, reader, writer)

    def _begin(self, tag: Change, reader: ModelReader, writer: Writer) -> None:
        self._write(tag, reader, writer)
        self._begun.append(tag)

    def _take_back_record(self, writer: Writer) -> None:
        """Leave the record as it was before this run, when certainly none of its changes landed.

        A commit that the record names counts as applied, at least in part: nobody could write the
        model from another commit. Another run's record is not replaced. A request without an answer
        may still arrive, even where it was sent again and refused.
        """
        applied = any(result.outcome == "applied" for result in self._results.values())
        if applied or writer.lost or not self._begun:
            return
        try:
            live = read_one(writer.registry, self.plan.model, ())
            if all(value_of(live, tag.field) == tag.after for tag in self._begun):
                for tag in reversed(self._begun):
                    writer.write(replace(tag, before=tag.after, after=tag.before))
        except (Stopped, Moved, RegistryError) as error:
            message = f"nothing was written, but the record names this commit: {error}"
            self._error = (message, ExitCode.REGISTRY)

    def _check_no_other_run(self, reader: ModelReader) -> None:
        """Check that no other run wrote, before a version leaves an exclusive stage.

        Of two runs that each promote, check and then archive, at least one sees the other. Without
        the check each could archive the version that the other one promoted.
        """
        snapshot = self.plan.seen
        live = reader.before_leaving()
        if live is None or snapshot is None:
            raise Moved("the model is no longer in the registry")
        if live.commit != (self._start or snapshot.commit):
            raise Moved(_recorded_by_another(live))
        applied = [change for change in self._ordered if change in self._results]
        unexpected = unexpected_occupants(live, snapshot, applied)
        left = [change for change in self._ordered if change not in self._results]
        unexpected += moved_stages(live, left)
        if unexpected:
            raise Moved("; ".join(unexpected))

    def _end_record(self, live: Live, reader: ModelReader, writer: Writer) -> None:
        record, snapshot = self.plan.record, self.plan.seen
        if record is None or snapshot is None:
            return
        started = self._start or snapshot.commit
        if live.commit != started:
            raise Moved(f"{_recorded_by_another(live)}: this run does not complete the record")
        change = record_change(self.plan.model, COMMIT_TAG, started, record.commit)
        self._write(change, reader, writer)
        self._recorded = True

    def _unconfirmed(self, live: Live) -> str | None:
        """Turn lost changes into failures; return what differs from the plan, None if nothing."""
        lost = unconfirmed(live, self._ordered)
        for change, message in lost.items():
            self._note(change, "failed", message, ExitCode.REGISTRY)
        if lost:
            return "not every change kept its written value"
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
            self._running = None
        self._on_result(result)

    def _end(self, outcome: ChangeOutcome, error: str, code: ExitCode) -> None:
        """Give this outcome to every change without a result."""
        self._ended = True
        for change in self._ordered:
            if change not in self._results:
                self._note(change, outcome, error, code)
        if not self._ordered and self._error is None:
            self._error = (error, code)

    def _end_at_failure(
        self, outcome: ChangeOutcome, error: str, code: ExitCode, *, unclear: bool = False
    ) -> None:
        """End the run with the failure of the running change, and skip the rest."""
        running = self._running
        if running is not None:
            self._note(running, outcome, error, code)
        else:
            error = _unrecorded(error, unclear=unclear)
            rest = [change for change in self._ordered if change not in self._results]
            if rest:
                self._note(rest[0], outcome, error, code)
            else:
                self._error = (error, code)
        self._end("skipped", "an earlier change was not applied", code)


def _recorded_by_another(live: Live) -> str:
    last = live.recorded[-1][:12] if live.recorded else "no commit"
    return f"another run recorded {last} since the plan"


def _unrecorded(why: str, *, unclear: bool) -> str:
    """Return the message for a record that was not confirmed."""
    return f"the record {'may not have been' if unclear else 'was not'} written: {why}"
