"""The files that a review of models asks for: what an audit finds, as tables with their sums."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from reconciler.api.answers import Answer
from reconciler.api.artifacts.bytes_drift import ReadingDepth
from reconciler.api.inspection.audit_report import Audited, AuditReport, audited
from reconciler.api.inspection.time_limits import time_limits
from reconciler.api.publishing.review_folder import check_folder, write_review
from reconciler.api.workspace import Workspace
from reconciler.audit.dates import DateLike, as_moment
from reconciler.audit.review.change_tables import changes, segregation
from reconciler.audit.review.exception_tables import drift, exceptions
from reconciler.audit.review.inventory_table import inventory
from reconciler.audit.review.review_evidence import ReviewSources, ReviewTable
from reconciler.core.state import Declaration
from reconciler.render import phrases
from reconciler.render.escape import visible
from reconciler.render.json_documents import Document
from reconciler.render.review import review_files as render
from reconciler.render.review.review_files import ReviewHead
from reconciler.render.review.review_page import review_page


class ReviewFiles(Answer):
    """What was written for a review: tables of an audit's period, a page, and their SHA-256.

    `files` are the contents by name, `tables` the rows as text.

    >>> r.review("report").tables[0].name
    'inventory'
    """

    def __init__(
        self,
        report: AuditReport,
        head: ReviewHead,
        tables: Sequence[ReviewTable],
        files: Mapping[str, bytes],
        out: str,
    ) -> None:
        self.report = report
        self.head = head
        self.tables = tuple(tables)
        self.files = files
        self.out = out
        self.problems = report.problems
        self.requests = report.requests
        self.code = report.code

    def document(self) -> Document:
        """Return the document of `audit --report --format json`, its `exit` included."""
        report = render.document(self.head, self.tables, self.files)
        return {**self.report.document(), "report": {"out": self.out, **report}}

    def to_text(self, seconds: float | None = None) -> str:
        """Return what `audit --report` prints; `seconds` replaces the time in its last line."""
        width = max(len(table.name) for table in self.tables) + len(".csv")
        rows = (
            f"  {table.name + '.csv':<{width}}  {phrases.count(len(table.rows), 'row')}"
            for table in self.tables
        )
        findings = phrases.count(len(self.report.findings), "finding")
        files, out = phrases.count(len(self.files), "file"), visible(self.out)
        lines = [
            f"wrote {files} to {out}: open {out}/{render.INDEX}",
            *rows,
            "",
            f"audit: {findings}{', incomplete' if self.report.audit.missing else ''}",
            f"{phrases.count(self.requests, 'request')}, {self._effort(seconds).seconds:.2f} s",
        ]
        return "\n".join(lines) + "\n"


def review(
    workspace: Workspace,
    out: str | Path,
    *,
    since: DateLike | None = None,
    until: DateLike | None = None,
    depth: ReadingDepth | None = None,
    fetch_notes: str | None = None,
    now: DateLike | None = None,
) -> ReviewFiles:
    """Write the files of a review to a folder, and return them.

    `now` is the moment of the reading; the default is the clock. Raises `OutOfStep` where there is
    no history, `Refused` for a folder that holds something else.
    """
    clock = datetime.now(timezone.utc)
    moment = as_moment(now, is_end=True, now=clock) or clock
    shown = str(Path(out))
    states = {workspace.shown: workspace.folder}
    folder = check_folder(workspace.caller.root / out, shown, states)
    found = audited(
        workspace,
        time_limits(since, until),
        depth=depth,
        fetch_notes=fetch_notes,
        now=moment,
    )
    sources = _sources(workspace, found, moment)
    tables = (
        *(inventory(sources), changes(sources), exceptions(sources)),
        *(segregation(sources), drift(sources)),
    )
    head = _head(workspace, found, sources, moment)
    files = {**render.table_files(tables), render.INDEX: review_page(head, tables)}
    files = render.with_sums(files)
    write_review(folder, shown, files)
    report = AuditReport(found.audit, found.problems, workspace.requests)
    return ReviewFiles(report, head, tables, files, shown)


def _sources(workspace: Workspace, found: Audited, now: datetime) -> ReviewSources:
    until = found.trail.span.until
    as_of = min(until, now) if until is not None else now
    commit = _last_merge(found, as_of)
    return ReviewSources(
        trail=found.trail,
        settings=found.merged.settings,
        declared=_declared(workspace, commit),
        commit=commit,
        as_of=as_of,
        findings=found.audit.findings,
        registry=found.audit.compared,
        missing=(*found.audit.missing, *found.problems),
        unreadable=found.merged.log.problems,
        not_compared=_why_not(found, now),
    )


def _last_merge(found: Audited, as_of: datetime) -> str | None:
    """Return the last merge until a moment that touched the state folder, None before the first."""
    merged = (change.commit for change in found.merged.log.merged if change.commit.time <= as_of)
    return next(reversed([commit.id for commit in merged]), None)


def _declared(workspace: Workspace, commit: str | None) -> Mapping[str, Declaration]:
    history = workspace.history
    if history is None or commit is None:
        return {}
    return history.declarations(commit, workspace.owner)


def _why_not(found: Audited, now: datetime) -> str | None:
    if found.audit.compared is not None:
        return None
    if found.audit.missing:
        return found.audit.missing[0].message
    until = found.trail.span.until
    if until is not None and until < now:
        return "the period ended in the past, and a registry only knows what is so now"
    return "no registry is named"


def _head(
    workspace: Workspace, found: Audited, sources: ReviewSources, now: datetime
) -> ReviewHead:
    return ReviewHead(
        state=workspace.shown,
        line=found.audit.line,
        commit=sources.commit,
        since=found.trail.span.since,
        until=found.trail.span.until,
        registry=found.audit.compared,
        read=now if found.audit.compared is not None else None,
        generator=f"mlflow-reconciler {version('mlflow-reconciler')}",
    )
