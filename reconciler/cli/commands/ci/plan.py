"""`reconciler ci plan`: what merging a pull request would change, shown and kept on the forge."""

import click

from reconciler.api.merge_approvals import commit_of_pull
from reconciler.api.policy_context import gate
from reconciler.api.workspace import Workspace
from reconciler.audit.approved_plan import shown_plan
from reconciler.cli import output
from reconciler.cli.commands.ci.job import (
    Job,
    annotations_of,
    marker,
    place,
    require_commit,
    tried,
)
from reconciler.cli.dates import now
from reconciler.cli.options import Options, common
from reconciler.core.plan import JudgedPlan
from reconciler.errors import OutOfStep, Problem, ReconcilerError, Refused, first_code
from reconciler.forges import plan_in_check
from reconciler.planning.planner import Reading
from reconciler.ports.forge import CHECK_LIMIT, Conclusion, Forge, PullRequest
from reconciler.render import (
    forge_comment,
    github_workflow,
    json_documents,
    markdown,
    phrases,
    text,
)
from reconciler.repository.repository import GitRepo

_QUEUE = "merge_group"


@click.command("plan", short_help="plan a pull request")
@click.option("--pr", metavar="N", type=click.IntRange(1), help="The pull request, by hand.")
@click.option("--dry-run", is_flag=True, help="Print the comment, and write nothing anywhere.")
@common()
def command(*, options: Options, pr: int | None, dry_run: bool) -> int:
    """Plan what is checked out against its base; comment, and keep the plan in a check."""
    workspace, job = Workspace(options), Job(dry_run)
    with job.telling():
        pull = job.pull_request(pr)
        _refuse_another_head(workspace, job, pull)
        try:
            workspace.rules_from = _base(workspace, job, pull)
            reading = _read(workspace, job, pull)
        except ReconcilerError as error:
            _say_failure(workspace, job, pull, error)
            raise
    return _publish(workspace, job, pull, reading)


def _refuse_another_head(workspace: Workspace, job: Job, pull: PullRequest | None) -> None:
    # A merge group has commits of its own.
    if pull is None or job.pipeline.event == _QUEUE or workspace.repo is None:
        return
    head = workspace.repo.head or "none"
    if pull.head != head:
        _, parents, _ = workspace.repo.run("rev-parse", "--verify", "--quiet", "HEAD^2")
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


def _base(workspace: Workspace, job: Job, pull: PullRequest | None) -> str | None:
    """Return what this will be merged into, None where it is not known."""
    if workspace.repo is None:
        return None
    branch = pull.base if pull is not None else job.pipeline.base
    names = [f"origin/{branch}", branch] if branch else []
    if job.pipeline.event == "push":
        names = []
    if pull is None or job.pipeline.event in (_QUEUE, "push"):
        # In a queue what was queued before is there, too.
        names = [job.pipeline.base_commit or "", *names]
    return next((name for name in names if name and _is_commit(workspace.repo, name)), None)


def _is_commit(repo: GitRepo, name: str) -> bool:
    status, _, _ = repo.run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return status == 0


def _read(workspace: Workspace, job: Job, pull: PullRequest | None) -> Reading:
    require_commit(workspace)
    approving = None if pull is None or job.forge is None else commit_of_pull(job.forge, pull)
    judging = gate(
        workspace,
        planning=True,
        show_evidence=True,
        commit_of=None if approving is None else lambda _: approving,
    )
    ask = workspace.question(since=workspace.rules_from)
    if ask.models is not None and not ask.models:  # nothing is declared otherwise: done at once
        state, warnings = workspace.checkout.state, workspace.desired.warnings
        return Reading(JudgedPlan(workspace.ref, state, (), warnings=warnings, violations=()), {})
    return workspace.read(ask, judging)


def _publish(workspace: Workspace, job: Job, pull: PullRequest | None, reading: Reading) -> int:
    plan, moment, options = reading.plan, now(), workspace.options
    lost = _tell_forge(workspace, job, pull, plan)
    code = first_code([plan.exit_code(), *(problem.code for problem in lost)])
    document = json_documents.plan(plan, code)
    document["errors"] += [json_documents.error(problem) for problem in lost]
    printed = text.plan(plan, options.effort(workspace.registry.requests), moment)
    if options.json:
        output.document(document)
    else:
        output.product(printed, options)
    output.complain((*plan.warnings, *plan.problems, *lost))
    whole = markdown.plan(plan, moment)
    job.annotate([*annotations_of(plan, workspace.desired), *map(github_workflow.of_problem, lost)])
    results: dict[str, str | int] = {
        "changes": len(plan.changes),
        "digest": plan.digest,
        "exitcode": int(code),
    }
    job.finish(results, whole)
    job.keep({"plan.md": whole, "plan.txt": printed, "plan.json": json_documents.dumps(document)})
    return int(code)


def _tell_forge(
    workspace: Workspace, job: Job, pull: PullRequest | None, plan: JudgedPlan
) -> tuple[Problem, ...]:
    """Comment and keep the plan; return what of it could not be done."""
    forge = job.forge
    if forge is None:
        return ()
    lost: tuple[Problem, ...] = ()
    if job.pipeline.commit is not None or pull is not None:
        lost += tried(lambda: _keep(workspace, job, forge, plan))
    if pull is not None and job.pipeline.event != _QUEUE:
        said = marker("plan", workspace)
        room = forge.comment_limit - len(said) - 1
        body = forge_comment.plan(plan, now(), room=room, more=job.more)
        lost += tried(lambda: job.say_on(pull.number, said, body))
    return lost


def _keep(workspace: Workspace, job: Job, forge: Forge, plan: JudgedPlan) -> None:
    """Keep what was shown beside the commit: the apply compares with it."""
    commit = require_commit(workspace)
    try:
        texts = plan_in_check.dumps(shown_plan(plan, workspace.owner, commit), longest=CHECK_LIMIT)
    except Refused as error:
        if not job.dry_run:
            _keep_failure(workspace, job, forge, error)
        raise
    if job.dry_run:
        return
    changes = phrases.count(len(plan.changes), "change")
    title = f"{changes} on {phrases.models(sum(bool(model.changes) for model in plan.models))}"
    summary = forge_comment.plan(plan, now(), room=CHECK_LIMIT, more=job.more)
    for number, kept in enumerate(texts, start=1):
        forge.put_check(
            commit,
            check_name(workspace, number),
            conclusion=_conclusion(plan),
            title=title,
            summary=summary,
            text=kept,
        )


def check_name(workspace: Workspace, number: int) -> str:
    """Return the name of the check that keeps a plan, or a part of it when there are several."""
    name = f"reconciler plan ({place(workspace)})"
    return name if number == 1 else f"{name} part {number}"


def _conclusion(plan: JudgedPlan) -> Conclusion:
    if plan.exit_code():
        return "failure"
    return "action_required" if plan.pending else "success"


def _say_failure(
    workspace: Workspace, job: Job, pull: PullRequest | None, error: ReconcilerError
) -> None:
    """Say on the forge that there is no plan, so that none of before is taken for it."""
    forge = job.forge
    if pull is None or forge is None:
        return
    if not job.dry_run:
        output.complain(tried(lambda: _keep_failure(workspace, job, forge, error)))
    if job.pipeline.event != _QUEUE:
        said = marker("plan", workspace)
        room = forge.comment_limit - len(said) - 1
        body = forge_comment.failure(error.problems, room=room, more=job.more)
        output.complain(tried(lambda: job.say_on(pull.number, said, body)))


def _keep_failure(workspace: Workspace, job: Job, forge: Forge, error: ReconcilerError) -> None:
    forge.put_check(
        require_commit(workspace),
        check_name(workspace, 1),
        conclusion="failure",
        title="No plan",
        summary=forge_comment.failure(error.problems, room=CHECK_LIMIT, more=job.more),
        text="",
    )
