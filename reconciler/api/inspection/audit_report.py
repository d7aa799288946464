"""Every merged change of what serves with its evidence, and what does not add up."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial

from reconciler.api.answers import Answer
from reconciler.api.artifacts.bytes_drift import ReadingDepth, drifted_bytes
from reconciler.api.inspection.time_limits import time_limits
from reconciler.api.merged.merged_history import MergedHistory, open_merged
from reconciler.api.planning.plan_requests import compared, plan_request
from reconciler.api.workspace import Workspace
from reconciler.audit.bytes_findings import findings_of_bytes, findings_of_files
from reconciler.audit.dates import DateLike
from reconciler.audit.evidence import entries
from reconciler.audit.findings import (
    Audit,
    AuditRow,
    Finding,
    Span,
    Trail,
    findings_of_git,
    findings_of_live,
    rows,
)
from reconciler.audit.overview.shown_versions import without_secrets
from reconciler.audit.review.inventory_table import reviews_due
from reconciler.core.plan import RegistryRef
from reconciler.errors import (
    DeclarationError,
    ExitCode,
    Problem,
    ReconcilerError,
    UsageError,
    first_code,
)
from reconciler.render.inspection import audit as render
from reconciler.render.json_documents import Document

_UNREGISTERED = "no registry is named: git alone is audited; `--registry-uri URI` compares one"
_GONE = "the state folder is not in this checkout any more: no model is declared"
_UNCOMMITTED = "not all of it is committed: the registry is compared with the files as they are"
_PAST = "`--until` is in the past: the registry is not compared, it only knows what is so now"


class AuditReport(Answer):
    """Every merged change of what serves or of aliases, and what does not add up.

    >>> sorted({finding["kind"] for finding in r.audit().to_dict()["findings"]})
    ['pending', 'unapproved']
    """

    def __init__(self, audit: Audit, problems: Sequence[Problem] = (), requests: int = 0) -> None:
        self.audit = audit
        self.problems = (*audit.missing, *problems)
        self.requests = requests
        self.code = int(_code(audit, problems))

    @property
    def rows(self) -> tuple[AuditRow, ...]:
        """The merged changes, oldest first."""
        return self.audit.rows

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What does not add up: git's findings, then those of the registry."""
        return self.audit.findings

    def document(self) -> Document:
        """Return the document of `audit --format json`, its `exit` included."""
        return render.document(self.audit, self.problems, self.code)

    def to_text(self, seconds: float | None = None) -> str:
        """Return what `audit` prints; `seconds` replaces the time in its last line."""
        return render.text(self.audit, self._effort(seconds), self.columns)

    def to_csv(self) -> str:
        """Return what `audit --format csv` prints."""
        return render.as_csv(self.audit)

    def to_markdown(self) -> str:
        """Return what `audit --format markdown` prints."""
        return render.markdown(self.audit)


@dataclass(frozen=True)
class _Comparison:
    """What came of comparing the registry: `missing` says why it could not be done.

    `problems` are about single models, which could not be compared.
    """

    findings: tuple[Finding, ...] = ()
    problems: tuple[Problem, ...] = ()
    missing: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Audited:
    """An audit and what it was made from."""

    audit: Audit
    trail: Trail
    merged: MergedHistory
    problems: tuple[Problem, ...]


def audit_report(
    workspace: Workspace,
    *,
    since: DateLike | None = None,
    until: DateLike | None = None,
    depth: ReadingDepth | None = None,
    fetch_notes: str | None = None,
) -> AuditReport:
    """Return the audit of a state folder; raises `OutOfStep` where there is no history."""
    found = audited(workspace, time_limits(since, until), depth=depth, fetch_notes=fetch_notes)
    return AuditReport(found.audit, found.problems, workspace.requests)


def audited(
    workspace: Workspace,
    limits: Span,
    *,
    depth: ReadingDepth | None = None,
    fetch_notes: str | None = None,
    now: datetime | None = None,
) -> Audited:
    """Return the audit of a period; raises `OutOfStep` where there is no history.

    `now` is the moment at which reviews are due; the default is the clock.
    """
    merged = open_merged(workspace, fetch_notes)
    now = now or datetime.now(timezone.utc)
    ref, missing = _registry_to_compare(workspace, limits.until, now)
    workspace.warn_of(merged.log.problems)
    trail = _trail(merged, limits, ref)
    changes = rows(trail, merged.settings)
    live = _compared(workspace, trail, depth) if ref is not None else _Comparison(missing=missing)
    audit = Audit(
        changes,
        (
            *findings_of_git(trail, changes),
            *findings_of_bytes(trail, merged.settings),
            *_reviews_due(workspace, limits.until, now),
            *live.findings,
        ),
        merged.line if merged.is_main else "HEAD (no main line is known)",
        records=trail.records is not None,
        compared=None if ref is None or live.missing else ref.key,
        missing=live.missing,
    )
    return Audited(audit, trail, merged, live.problems)


def _reviews_due(workspace: Workspace, until: datetime | None, now: datetime) -> Iterator[Finding]:
    """Yield what is due by the files as they are: nothing for a period in the past."""
    with suppress(ReconcilerError):  # wrong files are told where the registry is compared
        if until is None or until >= now:
            yield from reviews_due(workspace.desired.declarations, now)


def _registry_to_compare(
    workspace: Workspace, until: datetime | None, now: datetime
) -> tuple[RegistryRef | None, tuple[Problem, ...]]:
    """Return the registry to compare with, None when none is named or asked about.

    Where the checkout declares nothing that could be compared, return why.
    """
    if until is not None and until < now:
        workspace.warn(_PAST)
        return None, ()
    try:
        return _registry(workspace), ()
    except UsageError:
        workspace.warn(_UNREGISTERED)
        return None, ()
    except ReconcilerError as error:
        return None, error.problems


def _registry(workspace: Workspace) -> RegistryRef:
    workspace.warn_of(workspace.desired.warnings)
    if not workspace.desired.declarations:
        raise DeclarationError([Problem(_GONE, ExitCode.DECLARATION, workspace.shown)])
    return workspace.ref


def _trail(merged: MergedHistory, span: Span, ref: RegistryRef | None) -> Trail:
    records = merged.records(ref.key if ref else None)
    return Trail(
        histories={
            model: entries(steps, merged.settings, records) for model, steps in merged.steps.items()
        },
        records=records,
        unreadable=merged.notes.unreadable if merged.notes else (),
        on_main=partial(_contains, merged) if merged.is_main else None,
        span=span,
        new_names=merged.new_names,
    )


def _contains(merged: MergedHistory, commit: str) -> bool:
    return merged.repo.is_ancestor(commit, merged.tip)


def _compared(workspace: Workspace, trail: Trail, depth: ReadingDepth | None) -> _Comparison:
    try:
        workspace.registry  # noqa: B018  connects, or fails before anything is said of comparing
        comparison = compared(workspace, plan_request(workspace))
        files = drifted_bytes(workspace, comparison, depth)
    except ReconcilerError as error:
        return _Comparison(missing=error.problems)
    if comparison.plan.state.dirty:
        workspace.warn(_UNCOMMITTED)
    desired = workspace.desired
    live = {name: without_secrets(model) for name, model in comparison.live.items()}
    findings = findings_of_live(
        comparison.plan, live, desired.declarations, desired.settings, trail
    )
    findings = (*findings, *findings_of_files(files))
    return _Comparison(findings, (*comparison.plan.problems, *files.problems))


def _code(audit: Audit, problems: Sequence[Problem]) -> ExitCode:
    """Return the code of what the audit lacks; findings do not hide that."""
    lacks = [problem.code for problem in audit.missing]
    lacks += [problem.code for problem in problems if problem.code is ExitCode.REGISTRY]
    if lacks:
        return first_code(lacks) or lacks[0]
    return ExitCode.CHANGES if audit.findings else ExitCode.OK
