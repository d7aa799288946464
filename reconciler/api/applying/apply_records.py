"""Apply records: written after an apply, fetched before a question about the past."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timezone
from itertools import chain

from reconciler.api.workspace import Workspace
from reconciler.audit.apply_record import (
    ApplyRecord,
    Circumstances,
    RecordedApproval,
    apply_record,
    approved_files,
    news,
)
from reconciler.core.artifacts.bytes_check import ApprovedFiles
from reconciler.core.report import ApplyReport
from reconciler.core.uris import safe_uri
from reconciler.errors import ExitCode, OutOfStep, Problem, ReconcilerError, RegistryError
from reconciler.forges.ci_run import run_of
from reconciler.repository.notes.apply_records import (
    check_notes,
    fetch_notes,
    holds_notes,
    push_notes,
    records_of,
    write_record,
)
from reconciler.repository.notes.notes_ref import check_remote
from reconciler.repository.push_check import check_push
from reconciler.repository.repository import GitRepo


def fetch(repo: GitRepo, remote: str | None) -> None:
    """Merge a remote's apply records into the clone's; raises where it cannot be reached."""
    if remote is not None:
        check_remote(repo, remote)
        fetch_notes(repo, remote)


def every_record(repo: GitRepo | None) -> Iterable[ApplyRecord]:
    """Return the records of a clone, none without any; raises `OutOfStep` for broken ones."""
    records = records_of(repo) if repo is not None else None
    return chain.from_iterable((records or {}).values())


def approved_in(repo: GitRepo | None) -> ApprovedFiles:
    """Return the files that the apply records of a clone tell as approved, none without records.

    Reads every record: it is for a run that has a digest to check. Records of other state folders
    count as well, because a digest stands for the same files wherever it was approved.

    Raises `OutOfStep` for a clone whose records are broken.
    """
    return approved_files(every_record(repo))


class Recorder:
    """Keeps a record of one apply, and pushes it where it is told to; made before any write.

    A clone that has records gets one of every apply: what is missing among them would count as
    never applied.

    Raises `UsageError` for a remote that does not exist, `OutOfStep` for one that cannot be
    reached or does not let us push, and for a clone whose records are broken.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        record: bool,
        remote: str | None,
        approvals: Callable[[], tuple[RecordedApproval, ...]] = tuple,
    ) -> None:
        self._workspace = workspace
        self._approvals = approvals
        self._remote = remote
        self._repo = workspace.repo
        if self._repo is not None and (record or remote is not None):
            check_notes(self._repo)
        elif self._repo is not None and not holds_notes(self._repo):
            self._repo = None
        if self._repo is not None and remote is not None:
            check_remote(self._repo, remote)
            check_push(self._repo, remote, workspace.environ)

    def keep(self, report: ApplyReport) -> tuple[Problem, ...]:
        """Write the record, and return what kept it from being written or pushed."""
        repo = self._repo
        if repo is None or report.plan.denied:
            return ()
        try:
            record = self._record(report, repo)
            if record is not None:
                write_record(repo, record)
            if self._remote is not None and report.signal is None:
                push_notes(repo, self._remote)
        except ReconcilerError as error:
            message = f"the registry was written, but its record was not kept: {error.message}"
            if not any(model.wrote for model in report.models):
                message = f"the apply record was not kept: {error.message}"
            return (Problem(message, OutOfStep.code, hint=error.hint),)
        if self._remote is not None and report.signal is not None:
            self._workspace.warn_after_writing(
                "interrupted: the record is in this clone, and was not pushed"
            )
        return ()

    def _record(self, report: ApplyReport, repo: GitRepo) -> ApplyRecord | None:
        actor, run_url = run_of(self._workspace.environ)
        status, name, _ = repo.run("config", "--get", "user.name")
        around = Circumstances(
            time=datetime.now(timezone.utc),
            state=self._workspace.checkout.owner,
            actor=actor or (name.strip() if status == 0 else None) or None,
            run_url=run_url,
            approvals=self._approvals(),
        )
        record = apply_record(report, around)
        if record is None or not news(record, (records_of(repo) or {}).get(record.commit, ())):
            return None
        return replace(without_secrets(record), registry_user=self._registry_user(report))

    def _registry_user(self, report: ApplyReport) -> str | None:
        """Return who the registry says wrote, None where it does not tell or nobody waits."""
        if report.signal is not None:
            return None
        try:
            return self._workspace.registry.known_user()
        except RegistryError:
            return None  # all is written, and the record is to be kept


def without_secrets(record: ApplyRecord) -> ApplyRecord:
    """Return the record with no credentials in the sources of the versions."""
    versions = tuple(
        replace(version, source=safe_uri(version.source) if version.source else version.source)
        for version in record.versions
    )
    return replace(record, versions=versions)


def ending(code: int, problems: tuple[Problem, ...], report: ApplyReport) -> int:
    """Return the exit code of an apply whose record may have failed: 7 when it wrote, else 5."""
    if not problems or code != ExitCode.OK:
        return code
    wrote = any(model.wrote for model in report.models)
    return int(ExitCode.PARTIAL if wrote else ExitCode.OUT_OF_STEP)
