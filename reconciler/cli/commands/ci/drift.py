"""`reconciler ci drift`: one issue while the registry is not as git says."""

import click

from reconciler.api.workspace import Workspace
from reconciler.cli import output
from reconciler.cli.commands.ci.job import Job, marker, tried
from reconciler.cli.dates import now
from reconciler.cli.options import Options, common
from reconciler.core.plan import DraftPlan, only
from reconciler.errors import ExitCode, first_code
from reconciler.render import forge_comment, github_workflow, json_documents, phrases, text

_MUCH = 1_000_000  # characters: the summary cuts for itself


@click.command("drift", short_help="keep one issue while something drifted")
@click.option("--dry-run", is_flag=True, help="Print the issue, and write nothing anywhere.")
@common()
def command(*, options: Options, dry_run: bool) -> int:
    """Compare the registry with git; open, update or close one issue; exit 2 when they differ."""
    workspace, job = Workspace(options), Job(dry_run)
    with job.telling():
        plan = workspace.compare(workspace.question()).plan
    drifted = only(plan, lambda change: change.cause == "drift")
    pending = only(plan, lambda change: change.cause != "drift")
    differs = plan.exit_code(detailed=True)
    lost = tried(lambda: _keep_issue(workspace, job, drifted, pending, differs))
    code = first_code([problem.code for problem in lost]) or differs
    effort = options.effort(workspace.registry.requests)
    if options.json:
        document = json_documents.drift(drifted, pending, code)
        document["errors"] += [json_documents.error(problem) for problem in lost]
        output.document(document)
    else:
        output.product(text.drift(drifted, pending, effort), options)
    output.complain((*plan.warnings, *plan.problems, *lost))
    job.annotate([github_workflow.of_problem(problem) for problem in (*plan.problems, *lost)])
    whole = forge_comment.drift(drifted, pending, now(), room=_MUCH, more=job.more)
    changes = len(drifted.changes) + len(pending.changes)
    job.finish({"changes": changes, "digest": plan.digest, "exitcode": int(code)}, whole)
    return int(code)


def _keep_issue(
    workspace: Workspace, job: Job, drifted: DraftPlan, pending: DraftPlan, code: ExitCode
) -> None:
    if job.forge is None:
        return
    said = marker("drift", workspace)
    if code is ExitCode.OK:
        closed = (
            None if job.dry_run else job.forge.close_issue(said, "The registry is as git says.")
        )
        if closed:
            output.say(f"closed {closed}")
        return
    if not (drifted.changes or pending.changes):
        return  # what could not be read is told by the job, and is no drift
    values = phrases.count(len(drifted.changes) + len(pending.changes), "value")
    title = f"{workspace.shown}: {values} in the registry not as git says"
    room = job.forge.comment_limit - len(said) - 1
    body = forge_comment.drift(drifted, pending, now(), room=room, more=job.more)
    if job.dry_run:
        output.say(f"would write the issue `{title}`:\n{said}\n{body}")
    else:
        output.say(f"wrote {job.forge.put_issue(said, title, body)}")
