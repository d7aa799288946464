"""`reconciler ci plan`: what merging a pull request would change, shown and kept on the forge."""

import click

from reconciler import kept_plan
from reconciler.approved import shown_plan
from reconciler.cli import output
from reconciler.cli.ci.approvals import commit_of_pull
from reconciler.cli.ci.job import (
    Job,
    annotations_of,
    annotations_of_error,
    marker,
    place,
    require_commit,
)
from reconciler.cli.court import gate
from reconciler.cli.moments import now
from reconciler.cli.options import Options, common
from reconciler.cli.session import Session
from reconciler.errors import OutOfStep, ReconcilerError
from reconciler.forge import CHECK_LIMIT, Conclusion, Forge, PullRequest
from reconciler.plan import Plan
from reconciler.reconcile import Reading
from reconciler.render import comment, documents, markdown, text
from reconciler.repository.git_repo import GitRepo


@click.command("plan", short_help="plan a pull request")
@click.option("--pr", metavar="N", type=click.IntRange(1), help="The pull request, by hand.")
@click.option("--dry-run", is_flag=True, help="Print the comment, and write nothing anywhere.")
@common()
def command(*, options: Options, pr: int | None, dry_run: bool) -> int:
    """Plan what is checked out against its base; comment, and keep the plan in a check."""
    session, job = Session(options), Job(dry_run)
    pull = job.pull_request(pr)
    try:
        session.rules_from = _base(session, job, pull)
        reading = _read(session, job, pull)
    except ReconcilerError as error:
        job.annotate(annotations_of_error(error))
        _say_failure(session, job, pull, error)
        raise
    return _publish(session, job, pull, reading)


def _base(session: Session, job: Job, pull: PullRequest | None) -> str | None:
    """Return what this will be merged into, None where it is not known."""
    if session.repo is None:
        return None
    known = job.pipeline.base_commit if pull is None else None
    branch = pull.base if pull is not None else job.pipeline.base
    names = [known, f"origin/{branch}" if branch else None, branch]
    if job.pipeline.event == "push":
        names = [job.pipeline.base_commit]
    return next((name for name in names if name and _is_commit(session.repo, name)), None)


def _is_commit(repo: GitRepo, name: str) -> bool:
    status, _, _ = repo.run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return status == 0


def _read(session: Session, job: Job, pull: PullRequest | None) -> Reading:
    head = require_commit(session)
    if pull is not None and pull.head != head:
        raise OutOfStep(
            f"#{pull.number} has commit {pull.head[:12]} by now, and {head[:12]} is checked out",
            hint="nothing to mend: the job for the newer commit plans it",
        )
    approving = None if pull is None or job.forge is None else commit_of_pull(job.forge, pull)
    judging = gate(
        session,
        planning=True,
        show_evidence=True,
        commit_of=None if approving is None else lambda _: approving,
    )
    return session.read(session.question(since=session.rules_from, gate=judging))


def _publish(session: Session, job: Job, pull: PullRequest | None, reading: Reading) -> int:
    plan, moment = reading.plan, now()
    code = int(plan.exit_code())
    options = session.options
    document = documents.plan(plan, plan.exit_code())
    printed = text.plan(plan, options.effort(session.registry.requests), moment)
    if options.json:
        output.document(document)
    else:
        output.product(printed, options)
    whole = markdown.plan(plan, moment)
    job.keep({"plan.md": whole, "plan.txt": printed, "plan.json": documents.dumps(document)})
    job.annotate(annotations_of(plan))
    results: dict[str, str | int] = {
        "changes": len(plan.changes),
        "digest": plan.digest,
        "exitcode": code,
    }
    job.finish(results, whole)
    if job.forge is not None:
        if job.pipeline.commit is not None or pull is not None:
            _keep(session, job, job.forge, plan)
        if pull is not None:
            limit = job.forge.comment_limit
            said = marker("plan", session)
            room = limit - len(said) - 1
            job.say_on(pull.number, said, comment.plan(plan, moment, room=room, more=job.more))
    output.complain((*plan.warnings, *plan.problems))
    return code


def _keep(session: Session, job: Job, forge: Forge, plan: Plan) -> None:
    """Keep what was shown beside the commit: the apply compares with it."""
    commit = require_commit(session)
    texts = kept_plan.dumps(shown_plan(plan, session.owner, commit), longest=CHECK_LIMIT)
    if job.dry_run:
        return
    title = f"{len(plan.changes)} changes on {sum(bool(m.changes) for m in plan.models)} models"
    summary = comment.plan(plan, now(), room=CHECK_LIMIT, more=job.more)
    for number, kept in enumerate(texts, start=1):
        forge.put_check(
            commit,
            check_name(session, number),
            conclusion=_conclusion(plan),
            title=title,
            summary=summary,
            text=kept,
        )


def check_name(session: Session, number: int) -> str:
    """Return the name of the check that keeps a plan, or a part of it when there are several."""
    name = f"reconciler plan ({place(session)})"
    return name if number == 1 else f"{name} part {number}"


def _conclusion(plan: Plan) -> Conclusion:
    if plan.exit_code():
        return "failure"
    return "action_required" if plan.pending else "success"


def _say_failure(
    session: Session, job: Job, pull: PullRequest | None, error: ReconcilerError
) -> None:
    """Say on the pull request that there is no plan, so that none of before is taken for it."""
    job.finish({"changes": 0, "digest": "", "exitcode": int(error.code)}, "")
    if pull is None or job.forge is None or isinstance(error, OutOfStep):
        return
    said = marker("plan", session)
    room = job.forge.comment_limit - len(said) - 1
    job.say_on(pull.number, said, comment.failure(error.problems, room=room, more=job.more))
