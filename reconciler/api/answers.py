"""What the methods of `Reconciler` return: values that print as the commands print them."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

from reconciler.core.changes import Change
from reconciler.core.plan import DraftPlan, JudgedPlan, only
from reconciler.core.report import ApplyReport, Result
from reconciler.core.state import Field, Value
from reconciler.core.violations import Violation
from reconciler.errors import ExitCode, Problem, Refused, first_code
from reconciler.files.atomic_write import FileToWrite, write_files
from reconciler.planning.artifacts.bytes_drift import BytesDrift, PinnedBytes
from reconciler.planning.permissions import PermissionCheck
from reconciler.planning.status import StatusRow
from reconciler.render import html, json_documents, markdown, phrases, text
from reconciler.render.artifacts import bytes_drift
from reconciler.render.json_documents import Document
from reconciler.render.text import Effort


class Answer(ABC):
    """What every answer has: it prints as the command of its name prints it.

    `code` is what the command exits with, `problems` are the complaints that the command line
    prints to stderr, and `requests` were sent to the registry in `seconds`. Set `columns` to a
    terminal's width, and `to_text` cuts its tables to that; None cuts nothing.
    """

    code: int
    problems: tuple[Problem, ...] = ()
    requests: int = 0
    seconds: float = 0.0
    columns: int | None = None

    @abstractmethod
    def document(self) -> Document:
        """Return the document of the command's `--format json`, its `exit` included."""

    @abstractmethod
    def to_text(self, seconds: float | None = None) -> str:
        """Return what the command prints; `seconds` replaces the time in its last line."""

    def to_dict(self) -> Document:
        """Return the document of the command's `--format json`, without its `exit`."""
        return {key: member for key, member in self.document().items() if key != "exit"}

    @property
    def headline(self) -> str:
        """The answer in a line."""
        return self.to_text().splitlines()[-1]

    def _effort(self, seconds: float | None) -> Effort:
        return Effort(self.requests, self.seconds if seconds is None else seconds)

    def __repr__(self) -> str:
        return f"<reconciler.{type(self).__name__}: {self.headline}>"


_Given = TypeVar("_Given", bound=Answer)


def timed(answer: _Given, started: float) -> _Given:
    """Return an answer with the seconds since `started`, a time of the monotonic clock."""
    answer.seconds = time.monotonic() - started
    return answer


class Plan(Answer):
    """What would change, judged by the guards and policies.

    `permissions` has what the user may do where that was asked, else None; `pace` is the seconds of
    the registry's fastest request, None where it does not matter.

    >>> r.plan()
    <reconciler.Plan: 1 change on 1 of 1 model, records this commit on 1 model>
    """

    def __init__(
        self,
        judged: JudgedPlan,
        requests: int = 0,
        *,
        is_detailed: bool = False,
        permissions: PermissionCheck | None = None,
        pace: float | None = None,
    ) -> None:
        self.judged = judged
        self.requests = requests
        self.permissions = permissions
        self.pace = pace
        self.made = datetime.now(timezone.utc)
        missing = permissions.problems if permissions else ()
        code = judged.exit_code(detailed=is_detailed)
        self.code = int(first_code([code, *(problem.code for problem in missing)]) or code)
        self.problems = (*judged.warnings, *judged.problems, *missing)

    @property
    def headline(self) -> str:
        """The numbers of changes, models, records and violations in a line."""
        return phrases.headline(self.judged)

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes, sorted by model and field."""
        return self.judged.changes

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What guards and policies found, sorted; a plan with one that `denies` is not applied."""
        return self.judged.violations

    @property
    def denied(self) -> bool:
        """Whether a violation forbids applying the plan."""
        return bool(self.judged.denied)

    @property
    def digest(self) -> str:
        """`sha256:…` over the registry, the changes and the identity of every version they name."""
        return self.judged.digest

    @property
    def summary(self) -> dict[str, int]:
        """The numbers of models, changes, drift, unmanaged values, violations and records."""
        return self.judged.summary

    def document(self) -> Document:
        """Return the document of `plan --format json`, its `exit` included."""
        document = json_documents.plan(self.judged, ExitCode(self.code))
        if self.permissions is not None:
            document["permissions"] = json_documents.permissions(self.permissions)
            document["errors"] += map(json_documents.error, self.permissions.problems)
        return document

    def to_text(self, seconds: float | None = None) -> str:
        """Return what `plan` prints; `seconds` replaces the time in its last line."""
        note = self.permissions.note if self.permissions else None
        effort, section = self._effort(seconds), self._digests_section()
        return text.plan(
            self.judged, effort, self.made, self.columns, note, digests_section=section
        )

    def _digests_section(self) -> Sequence[str]:
        return ()

    def to_markdown(self) -> str:
        """Return what `plan --format markdown` prints."""
        return markdown.plan(self.judged, self.made)

    def _repr_html_(self) -> str:
        return html.plan(self.judged)

    def detailed(self) -> Plan:
        """Return the plan with the code of `plan --detailed-exitcode`: 2 where it has changes."""
        plan = Plan(
            self.judged,
            self.requests,
            is_detailed=True,
            permissions=self.permissions,
            pace=self.pace,
        )
        plan.seconds = self.seconds
        return plan

    def save(self, path: str | Path) -> None:
        """Write the plan to a file for `apply`; raises `UsageError` where it cannot be written."""
        from reconciler.files import plan_file  # noqa: PLC0415  few plans are saved

        content = plan_file.dumps(self.judged, ExitCode(self.code)).encode()
        write_files([FileToWrite(Path(path), str(path), content)])


class Report(Answer):
    """What became of a plan; `is_carried_out` is false where nothing was to be written.

    `signal` is the number of the signal that ended the apply early, None when none did; `bug` is
    what broke a model's run unexpectedly.

    >>> r.apply()
    <reconciler.Report: 1 of 1 change applied, commit recorded on 1 model>
    """

    def __init__(
        self,
        applied: ApplyReport,
        code: int,
        lost: Sequence[Problem] = (),
        *,
        is_carried_out: bool,
        requests: int = 0,
    ) -> None:
        self.applied = applied
        self.plan = Plan(applied.plan)
        self.is_carried_out = is_carried_out
        self.code = code
        self.requests = requests
        self.lost = tuple(lost)
        self.problems = (*self.plan.problems, *lost)
        self.signal = applied.signal
        self.bug = applied.bug

    @property
    def headline(self) -> str:
        """What became of the changes in a line."""
        return phrases.outcome(self.applied) if self.is_carried_out else self.plan.headline

    @property
    def results(self) -> tuple[Result, ...]:
        """Each change that was to be written, with its outcome and error."""
        return self.applied.results

    @property
    def summary(self) -> dict[str, int]:
        """The plan's numbers, and those of changes applied, failed, skipped, stale, superseded."""
        return self.applied.summary

    def document(self) -> Document:
        """Return the document of `apply --format json`, its `exit` included."""
        document = json_documents.report(self.applied, self.code)
        document["errors"] += [json_documents.error(problem) for problem in self.lost]
        return document

    def to_text(self, seconds: float | None = None) -> str:
        """Return what `apply` prints; `seconds` replaces the time in its last line."""
        effort = self._effort(seconds)
        if self.is_carried_out:
            return text.report(self.applied, effort, self.columns)
        return text.plan(self.applied.plan, effort, self.plan.made, self.columns)

    def _repr_html_(self) -> str:
        return html.report(self.applied) if self.is_carried_out else html.plan(self.applied.plan)


class PlanRefused(Refused):
    """`apply` does not carry out a plan that a violation denies; `report` shows the plan.

    `exit_code` is that of the command: 3 or 6 where a model is also wrong or cannot be read.

    >>> issubclass(reconciler.PlanRefused, reconciler.Refused)
    True
    """

    def __init__(self, report: Report) -> None:
        plan = report.applied.plan
        names = ", ".join(dict.fromkeys(violation.name for violation in plan.denied))
        problems = [*plan.problems, *(violation.problem for violation in plan.denied)]
        hint = phrases.apart(plan)
        super().__init__(f"the plan is refused by {names}", hint=hint, problems=problems)
        self.exit_code = report.code
        self.report = report


class ApplyInterrupted(KeyboardInterrupt):
    """Ctrl-C ended an apply between two requests; `report` says what was written.

    >>> issubclass(reconciler.ApplyInterrupted, KeyboardInterrupt)
    True
    """

    def __init__(self, report: Report) -> None:
        super().__init__(f"interrupted: {report!r}")
        self.report = report


class Drift(Answer):
    """What moved away from git, and what git declares that is not live.

    `unmanaged` lists the values that git does not own, as (model, field, value); None where they
    were not asked for. `compared` has what became of every version whose files were compared.

    >>> r.drift().changes
    ()
    """

    def __init__(
        self,
        draft: DraftPlan,
        unmanaged: Sequence[tuple[str, Field, Value]] | None = None,
        requests: int = 0,
        compared: BytesDrift | None = None,
    ) -> None:
        self.draft = draft
        self.compared = compared or BytesDrift()
        self.drifted = only(draft, lambda change: change.cause == "drift")
        self.to_come = only(draft, lambda change: change.cause != "drift")
        self.unmanaged = unmanaged
        self.requests = requests
        unread = self.compared.problems
        code = draft.exit_code(detailed=True)
        self.code = int(first_code([code, *(problem.code for problem in unread)]) or code)
        if self.code == ExitCode.OK and (draft.deleted or self.compared.different):
            self.code = int(ExitCode.CHANGES)
        self.problems = (*draft.warnings, *draft.problems, *unread)

    @property
    def bytes(self) -> tuple[PinnedBytes, ...]:
        """Each version whose files differ from the approved ones, or were to be read and were not.

        With `r.drift()` alone names and sizes are compared, of what serves.
        """
        return self.compared.rows

    @property
    def deleted(self) -> tuple[tuple[str, int], ...]:
        """Each declared version that somebody deleted in the registry, as (model, version)."""
        return self.draft.deleted

    @property
    def changes(self) -> tuple[Change, ...]:
        """What puts back each value that was changed by hand."""
        return self.drifted.changes

    @property
    def pending(self) -> tuple[Change, ...]:
        """What is declared and not live yet."""
        return self.to_come.changes

    def document(self) -> Document:
        """Return the document of `drift --format json`, its `exit` included."""
        document = json_documents.drift(
            self.drifted, self.to_come, bytes_drift.documents(self.compared), ExitCode(self.code)
        )
        document["errors"] += map(json_documents.error, self.compared.problems)
        if self.unmanaged is not None:
            document["unmanaged"] = [json_documents.held(*value) for value in self.unmanaged]
        return document

    def to_text(self, seconds: float | None = None) -> str:
        """Return what `drift` prints; `seconds` replaces the time in its last line."""
        return text.drift(
            self.drifted,
            self.to_come,
            self._effort(seconds),
            self.unmanaged,
            self.columns,
            bytes_section=bytes_drift.text_lines(self.compared),
        )


class Status(Answer):
    """Where every version stands: `rows` has one for each version that somebody may use.

    >>> r.status("fraud").rows[1].aliases
    ('champion',)
    """

    def __init__(self, rows: Sequence[StatusRow], draft: DraftPlan, requests: int = 0) -> None:
        self.rows = tuple(rows)
        self.draft = draft
        self.requests = requests
        self.code = int(draft.exit_code())
        self.problems = (*draft.warnings, *draft.problems)

    def document(self) -> Document:
        """Return the document of `status --format json`, its `exit` included."""
        return json_documents.status(self.rows, self.draft, ExitCode(self.code))

    def to_text(self, seconds: float | None = None) -> str:
        """Return what `status` prints; `seconds` replaces the time in its last line."""
        return text.status(self.rows, self.draft, self._effort(seconds), self.columns)
