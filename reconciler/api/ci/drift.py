"""`ci drift`: one issue while the registry is not as git says, another while bytes differ."""

from collections.abc import Callable
from datetime import datetime, timezone

from reconciler.api.answers import Drift, timed
from reconciler.api.artifacts.bytes_drift import ReadingDepth, drifted_bytes
from reconciler.api.ci.answers import JobDrift
from reconciler.api.ci.job import NO_LIMIT, Job, tried
from reconciler.api.plan_requests import compared, plan_request
from reconciler.errors import ExitCode
from reconciler.render import forge_comment, github_workflow, phrases

_AS_GIT_SAYS = "The registry is as git says."
_AS_APPROVED = "All that was read is as it was approved."


def ci_drift(
    job: Job, depth: ReadingDepth | None, on_drift: Callable[[JobDrift], object]
) -> JobDrift:
    """Compare the registry with git; open, update or close one issue of values, one of bytes.

    What a reading found would be closed by the next run that compares sizes alone: it has an issue
    of its own.
    """
    workspace = job.workspace
    with job.telling():
        found = compared(workspace, plan_request(workspace))
        draft, files = found.plan, drifted_bytes(workspace, found, depth, job.fetch_records)
    looked = Drift(draft, compared=files)
    lost = tried(lambda: _keep_issue(job, looked))
    lost += tried(lambda: _keep_bytes_issue(job, looked))
    drift = timed(JobDrift(draft, lost, workspace.requests, files), workspace.started)
    on_drift(drift)
    problems = (*draft.problems, *(row.problem for row in files.rows), *lost)
    job.annotate([github_workflow.of_problem(problem) for problem in problems])
    number = _number(drift) + len(files.different)
    job.finish(number, draft.digest, drift.code, _body(drift, NO_LIMIT, job.more))
    return drift


def _keep_issue(job: Job, drift: Drift) -> None:
    """Keep the issue about values, and about files that were compared by their sizes."""
    if job.forge is None:
        return
    workspace, marker = job.workspace, job.marker("drift")
    if drift.code == ExitCode.OK:
        _close(job, marker, _AS_GIT_SAYS)
        return
    files = drift.compared.different if drift.compared.depth == "sizes" else ()
    number = _number(drift)
    if not (number or files):
        return  # what could not be read is told by the job, and did not drift
    counts = [f"{phrases.count(number, 'value')} in the registry"] if number else []
    counts += [f"the files of {phrases.count(len(files), 'version')}"] if files else []
    title = f"{workspace.shown}: {' and '.join(counts)} not as git says"
    _put(job, marker, title, lambda room: _body(drift, room, job.more))


def _keep_bytes_issue(job: Job, drift: Drift) -> None:
    """Keep the issue about bytes that were read; what was not read says nothing about it."""
    files = drift.compared
    if job.forge is None or files.depth == "sizes":
        return
    marker = job.marker(f"bytes-{files.depth}")
    if files.different:
        versions = phrases.count(len(files.different), "version")
        title = f"{job.workspace.shown}: the bytes of {versions} are not as approved"
        _put(
            job,
            marker,
            title,
            lambda room: forge_comment.changed_bytes(drift.draft, files, room=room, more=job.more),
        )
    elif not files.problems:
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
    return forge_comment.drift(
        drift.drifted, drift.to_come, drift.compared, now, room=room, more=more
    )
