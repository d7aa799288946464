"""`ci plan`: what merging a pull request would change, shown and kept on the forge."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial

from reconciler.api.answers import timed
from reconciler.api.artifacts.bytes_reading import bytes_reading
from reconciler.api.ci import annotations
from reconciler.api.ci.answers import JobPlan
from reconciler.api.ci.job import Job, tried
from reconciler.api.ci.merge_approvals import commit_of_pull
from reconciler.api.ci.missing_digests import missing_digests
from reconciler.api.planning.judging import judging
from reconciler.api.planning.plan_requests import judged, plan_request
from reconciler.core.artifacts.missing_digest import MissingDigest
from reconciler.core.plan import JudgedPlan
from reconciler.errors import OutOfStep, Problem, ReconcilerError, Refused
from reconciler.forges import plan_in_check
from reconciler.planning.approved_plan import shown_plan
from reconciler.ports.forge import CHECK_LIMIT, Conclusion, Forge, PullRequest
from reconciler.render import forge_comment, github_workflow, json_documents, phrases
from reconciler.repository.repository import GitRepo

_QUEUE = "merge_group"


def ci_plan(
    job: Job, number: int | None, on_plan: Callable[[JobPlan], object], *, digests: bool = False
) -> JobPlan:
    """Plan what is checked out against its base; comment, and keep the plan in a check.

    With `digests` the versions that enter without one are read.
    """
    with job.telling():
        pull = job.pull_request(number)
        _refuse_another_head(job, pull)
        try:
            job = replace(job, workspace=job.workspace.judged_from(_base(job, pull)))
            made = _judged(job, pull)
        except ReconcilerError as error:
            _tell_failure(job, pull, error)
            raise
    workspace = job.workspace
    missing = missing_digests(workspace, made) if digests else ()
    lost = _tell_forge(job, pull, made, missing)
    plan = timed(JobPlan(made, lost, workspace.requests, missing), workspace.started)
    on_plan(plan)
    job.annotate(
        [*annotations.of_plan(made, workspace.desired), *map(github_workflow.of_problem, lost)]
    )
    whole = plan.to_markdown()
    job.finish_plan(len(plan.changes), plan.digest, plan.code, whole)
    document = json_documents.dumps(plan.document())
    job.keep({"plan.md": whole, "plan.txt": plan.to_text(), "plan.json": document})
    return plan


def _refuse_another_head(job: Job, pull: PullRequest | None) -> None:
    repo = job.workspace.repo
    # A merge group has commits of its own.
    if pull is None or job.pipeline.event == _QUEUE or repo is None:
        return
    head = repo.head or "none"
    if pull.head == head:
        return
    _, parents, _ = repo.run("rev-parse", "--verify", "--quiet", "HEAD^2")
    if parents.strip() == pull.head:
        raise OutOfStep(
            f"a trial merge of #{pull.number} is checked out, and its head is planned",
            hint="check out the head: for actions/checkout that is "
            "`ref: ${{ github.event.pull_request.head.sha }}`, on GitLab "
            "$CI_MERGE_REQUEST_SOURCE_BRANCH_SHA",
        )
    raise OutOfStep(
        f"#{pull.number} has commit {pull.head[:12]} by now, and {head[:12]} is checked out",
        hint="nothing to mend: the job for the newer commit plans it",
    )


def _base(job: Job, pull: PullRequest | None) -> str | None:
    """Return what this will be merged into, None where it is not known."""
    repo = job.workspace.repo
    if repo is None:
        return None
    branch = pull.base if pull is not None else job.pipeline.base
    names = [f"origin/{branch}", branch] if branch else []
    if job.pipeline.event == "push":
        names = []
    if pull is None or job.pipeline.event in (_QUEUE, "push"):
        # In a queue what was queued before is there, too.
        names = [job.pipeline.base_commit or "", *names]
    return next((name for name in names if name and _is_commit(repo, name)), None)


def _is_commit(repo: GitRepo, name: str) -> bool:
    status, _, _ = repo.run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return status == 0


def _judged(job: Job, pull: PullRequest | None) -> JudgedPlan:
    workspace, _ = job.workspace, job.commit
    approving = None if pull is None or job.forge is None else commit_of_pull(job.forge, pull)
    judge_by = judging(
        workspace,
        planning=True,
        show_evidence=True,
        commit_of=None if approving is None else lambda _: approving,
        reading=bytes_reading(workspace, job.fetch_records),
    )
    request = plan_request(workspace, since=workspace.base_ref)
    if request.models is not None and not request.models:  # nothing changed: no registry is read
        state, warnings = workspace.checkout.state, workspace.desired.warnings
        return JudgedPlan(workspace.ref, state, (), warnings=warnings, violations=())
    return judged(workspace, request, judge_by).plan


def _tell_forge(
    job: Job, pull: PullRequest | None, plan: JudgedPlan, missing: Sequence[MissingDigest]
) -> tuple[Problem, ...]:
    """Comment and keep the plan; return what of it could not be done."""
    forge = job.forge
    if forge is None:
        return ()
    body = partial(_body, job, plan, missing)
    lost: tuple[Problem, ...] = ()
    if job.pipeline.commit is not None or pull is not None:
        lost += tried(lambda: _keep(job, forge, plan, body))
    if pull is not None and job.pipeline.event != _QUEUE:
        lost += tried(lambda: job.comment("plan", pull.number, body))
    return lost


def _body(job: Job, plan: JudgedPlan, missing: Sequence[MissingDigest], room: int) -> str:
    return forge_comment.plan(plan, datetime.now(timezone.utc), missing, room=room, more=job.more)


def _keep(job: Job, forge: Forge, plan: JudgedPlan, body: Callable[[int], str]) -> None:
    """Keep what was shown beside the commit: the apply compares with it."""
    commit, owner = job.commit, job.workspace.owner
    try:
        texts = plan_in_check.dumps(shown_plan(plan, owner, commit), longest=CHECK_LIMIT)
    except Refused as error:
        if not job.dry_run:
            _keep_failure(job, forge, error)
        raise
    if job.dry_run:
        return
    changes = phrases.count(len(plan.changes), "change")
    title = f"{changes} on {phrases.models(sum(bool(model.changes) for model in plan.models))}"
    summary = body(CHECK_LIMIT)
    for number, text in enumerate(texts, start=1):
        forge.put_check(
            commit,
            job.check_name(number),
            conclusion=_conclusion(plan),
            title=title,
            summary=summary,
            text=text,
        )


def _conclusion(plan: JudgedPlan) -> Conclusion:
    if plan.exit_code():
        return "failure"
    return "action_required" if plan.pending else "success"


def _tell_failure(job: Job, pull: PullRequest | None, error: ReconcilerError) -> None:
    """Tell the forge that there is no plan, so that an earlier one is not taken for it."""
    forge = job.forge
    if pull is None or forge is None:
        return
    if not job.dry_run:
        job.workspace.warn_of(tried(lambda: _keep_failure(job, forge, error)))
    if job.pipeline.event != _QUEUE:
        comment = lambda room: _failure(job, error, room)  # noqa: E731  the body, for some room
        job.workspace.warn_of(tried(lambda: job.comment("plan", pull.number, comment)))


def _keep_failure(job: Job, forge: Forge, error: ReconcilerError) -> None:
    forge.put_check(
        job.commit,
        job.check_name(1),
        conclusion="failure",
        title="No plan",
        summary=_failure(job, error, CHECK_LIMIT),
        text="",
    )


def _failure(job: Job, error: ReconcilerError, room: int) -> str:
    return forge_comment.failure(error.problems, room=room, more=job.more)
