"""`ci drift`: one issue while the registry is not as git says."""

from collections.abc import Callable
from datetime import datetime, timezone

from reconciler.api.answers import Drift, timed
from reconciler.api.ci.answers import JobDrift
from reconciler.api.ci.job import NO_LIMIT, Job, tried
from reconciler.api.plan_requests import compared, plan_request
from reconciler.errors import ExitCode
from reconciler.render import forge_comment, github_workflow, phrases


def ci_drift(job: Job, on_drift: Callable[[JobDrift], object]) -> JobDrift:
    """Compare the registry with git; open, update or close one issue."""
    workspace = job.workspace
    with job.telling():
        draft = compared(workspace, plan_request(workspace)).plan
    lost = tried(lambda: _keep_issue(job, Drift(draft)))
    drift = timed(JobDrift(draft, lost, workspace.requests), workspace.started)
    on_drift(drift)
    job.annotate([github_workflow.of_problem(problem) for problem in (*draft.problems, *lost)])
    job.finish(_number(drift), draft.digest, drift.code, _body(drift, NO_LIMIT, job.more))
    return drift


def _keep_issue(job: Job, drift: Drift) -> None:
    if job.forge is None:
        return
    workspace, marker = job.workspace, job.marker("drift")
    if drift.code == ExitCode.OK:
        closed = (
            None if job.dry_run else job.forge.close_issue(marker, "The registry is as git says.")
        )
        if closed:
            workspace.warn(f"closed {closed}")
        return
    number = _number(drift)
    if not number:
        return  # what could not be read is told by the job, and did not drift
    values = phrases.count(number, "value")
    title = f"{workspace.shown}: {values} in the registry not as git says"
    body = _body(drift, job.forge.comment_limit - len(marker) - 1, job.more)
    if job.dry_run:
        workspace.warn(f"would write the issue `{title}`:\n{marker}\n{body}")
    else:
        workspace.warn(f"wrote {job.forge.put_issue(marker, title, body)}")


def _number(drift: Drift) -> int:
    return len(drift.changes) + len(drift.pending) + len(drift.deleted)


def _body(drift: Drift, room: int, more: str) -> str:
    now = datetime.now(timezone.utc)
    return forge_comment.drift(drift.drifted, drift.to_come, now, room=room, more=more)
