"""`ci drift`: one issue while the registry is not as git says, another while files differ."""

from collections.abc import Callable
from datetime import datetime, timezone

from reconciler.api.answers import Drift, timed
from reconciler.api.artifacts.bytes_drift import ReadingDepth, drifted_bytes
from reconciler.api.ci.answers import JobDrift
from reconciler.api.ci.job import NO_LIMIT, Job, tried
from reconciler.api.planning.plan_requests import compared, plan_request
from reconciler.core.plan import DraftPlan
from reconciler.errors import ExitCode
from reconciler.planning.artifacts.bytes_drift import BytesDrift
from reconciler.render import forge_comment, github_workflow, phrases

_AS_GIT_SAYS = "The registry is as git says."
_AS_APPROVED = "All that was compared is as it was approved."


def ci_drift(
    job: Job, depth: ReadingDepth | None, on_drift: Callable[[JobDrift], object]
) -> JobDrift:
    """Compare the registry with git; open, update or close one issue of values, one of bytes."""
    workspace = job.workspace
    with job.telling():
        found = compared(workspace, plan_request(workspace))
        draft, files = found.plan, drifted_bytes(workspace, found, depth, job.fetch_records)
    lost = tried(lambda: _keep_issue(job, Drift(draft)))
    lost += tried(lambda: _keep_bytes_issue(job, draft, files))
    drift = timed(JobDrift(draft, lost, workspace.requests, files), workspace.started)
    on_drift(drift)
    problems = (*draft.problems, *(row.problem for row in files.rows), *lost)
    job.annotate([github_workflow.of_problem(problem) for problem in problems])
    summary = _body(drift, NO_LIMIT, job.more)
    if files.rows:
        summary += forge_comment.changed_bytes(draft, files, room=NO_LIMIT, more=job.more)
    job.finish_plan(_number(drift) + len(files.different), draft.digest, drift.code, summary)
    return drift


def _keep_issue(job: Job, drift: Drift) -> None:
    if job.forge is None:
        return
    marker = job.marker("drift")
    if drift.code == ExitCode.OK:
        _close(job, marker, _AS_GIT_SAYS)
        return
    number = _number(drift)
    if not number:
        return  # what could not be read is told by the job, and did not drift
    values = phrases.count(number, "value")
    title = f"{job.workspace.shown}: {values} in the registry not as git says"
    _put(job, marker, title, lambda room: _body(drift, room, job.more))


def _keep_bytes_issue(job: Job, draft: DraftPlan, files: BytesDrift) -> None:
    """Keep the issue about files, one for each depth: sizes alone cannot take back a reading."""
    if job.forge is None or (files.depth == "sizes" and not files.checks):
        return
    marker = job.marker(f"bytes-{files.depth}")
    if files.different:
        versions = phrases.count(len(files.different), "version")
        title = f"{job.workspace.shown}: the files of {versions} are not as approved"

        def body(room: int) -> str:
            return forge_comment.changed_bytes(draft, files, room=room, more=job.more)

        _put(job, marker, title, body)
    elif files.is_as_approved:
        _close(job, marker, _AS_APPROVED)


def _put(job: Job, marker: str, title: str, body: Callable[[int], str]) -> None:
    if job.forge is None:
        return
    text = body(job.forge.comment_limit - len(marker) - 1)
    if job.dry_run:
        job.workspace.warn(f"would write the issue `{title}`:\n{marker}\n{text}")
    else:
        job.workspace.warn(f"wrote {job.forge.put_issue(marker, title, text)}")


def _close(job: Job, marker: str, why: str) -> None:
    if job.forge is None or job.dry_run:
        return
    if closed := job.forge.close_issue(marker, why):
        job.workspace.warn(f"closed {closed}")


def _number(drift: Drift) -> int:
    return len(drift.changes) + len(drift.pending) + len(drift.deleted)


def _body(drift: Drift, room: int, more: str) -> str:
    now = datetime.now(timezone.utc)
    return forge_comment.drift(drift.drifted, drift.to_come, now, room=room, more=more)
