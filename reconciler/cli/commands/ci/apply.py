"""`reconciler ci apply`: carries out what was merged, as far as its pull requests showed it."""

import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import click

from reconciler.api.apply_records import Recorder, ending
from reconciler.api.merge_approvals import Merges
from reconciler.api.notifications import BehindOf, author_of_commit, notify
from reconciler.api.policy_context import gate, head_commit
from reconciler.api.workspace import Workspace
from reconciler.apply.executor import apply
from reconciler.audit.apply_record import RecordedApproval
from reconciler.audit.notification import Behind
from reconciler.cli import output
from reconciler.cli.commands.apply import signals
from reconciler.cli.commands.ci.as_shown import expected, judged_as_shown
from reconciler.cli.commands.ci.job import Job, annotations_of, marker, require_commit, tried
from reconciler.cli.commands.ci.plan import check_name
from reconciler.cli.dates import now
from reconciler.cli.options import Options, common
from reconciler.core.plan import AdmittedPlan, JudgedPlan
from reconciler.core.report import ApplyReport, Result
from reconciler.core.state import Live
from reconciler.errors import Problem, UsageError
from reconciler.planning.checks import Compared
from reconciler.render import forge_comment, github_workflow, json_documents, phrases, text
from reconciler.render.escape import visible
from reconciler.render.github_workflow import Annotation

_REMOTE = "origin"
_MUCH = 1_000_000  # characters: the summary cuts for itself


@click.command("apply", short_help="apply what was merged")
@click.option("--model", metavar="NAME", help="One model, by hand; with --digest.")
@click.option("--digest", help="The digest of that model's plan that was looked at.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@common()
def command(*, options: Options, model: str | None, digest: str | None, dry_run: bool) -> int:
    """Write the models whose declaration changed, where a pull request showed what is written."""
    model, digest = model or None, digest or None
    if (model is None) != (digest is None):
        raise UsageError("--model and --digest go together", hint="say both, or neither")
    workspace, job = Workspace(options), Job(dry_run)
    with job.telling():
        require_commit(workspace)
        merges = Merges(workspace, job.forge, lambda number: check_name(workspace, number))
        chosen = (model,) if model is not None else ()
        compared = workspace.compare(workspace.question(models=chosen, planning=False))
        plan = _judged(workspace, merges, compared, model, digest)
        # Asked before the first write: a forge that is away then cannot cost the record.
        approvals = () if dry_run else merges.recorded(plan, compared.live)
        recorder = Recorder(
            workspace,
            record=not dry_run,
            remote=_remote(workspace) if not dry_run else None,
            approvals=lambda: approvals,
        )
    return _carry_out(_Run(workspace, job, merges, compared.live), plan, recorder)


def _judged(
    workspace: Workspace, merges: Merges, compared: Compared, model: str | None, digest: str | None
) -> JudgedPlan:
    """Return the plan with those models alone that may be written."""
    here = head_commit(workspace)
    judging = gate(workspace, planning=False, commit_of=lambda live: merges.commit_of(live, here))
    if model is not None:
        chosen = compared.narrowed([expected(compared.plan, model, digest)])
        return workspace.gate(workspace.judge(chosen, judging), ())
    return workspace.gate(judged_as_shown(compared, workspace, merges, judging), ())


def _remote(workspace: Workspace) -> str | None:
    """Return where the record is pushed: the remote that a CI job's clone has."""
    if workspace.repo is None:
        return None
    status, _, _ = workspace.repo.run("remote", "get-url", _REMOTE)
    return _REMOTE if status == 0 else None


@dataclass(frozen=True, slots=True)
class _Run:
    """One apply on its way: what it works with, and what it read."""

    workspace: Workspace
    job: Job
    merges: Merges
    live: Mapping[str, Live]


def _carry_out(run: _Run, plan: JudgedPlan, recorder: Recorder) -> int:
    run.job.annotate(annotations_of(plan, run.workspace.desired))
    if plan.denied or run.job.dry_run:
        return _conclude(run, ApplyReport(plan, ()), int(plan.exit_code()), ())
    workspace = run.workspace
    with signals(workspace.stop):
        report = apply(
            AdmittedPlan(plan),
            workspace.registry,
            timeout=workspace.timeout,
            stop=workspace.stop,
            is_superseded_by=lambda commit: workspace.is_newer(commit, plan.state.commit),
            allow_superseded=workspace.allow_superseded,
        )
        lost = recorder.keep(report)
        return _conclude(run, report, ending(int(report.exit_code()), lost, report), lost)


def _conclude(run: _Run, report: ApplyReport, code: int, lost: Sequence[Problem]) -> int:
    plan, job = report.plan, run.job
    try:
        _print(run, report, code, lost)
    except OSError as error:  # a full disk: what was applied stays applied
        with suppress(OSError):
            output.say(f"the report could not be printed: {error.strerror}")
    failed = [failure for failure in report.results if failure.error is not None]
    job.annotate(
        [*map(github_workflow.of_problem, lost), *(_annotation(one, plan) for one in failed)]
    )
    job.finish(
        {"changes": report.summary["applied"], "digest": plan.digest, "exitcode": code},
        forge_comment.outcome(report, room=_MUCH, more=job.more),
    )
    if report.signal is None:  # a job that is being cancelled has a few seconds left
        output.complain(_tell_pull_requests(run, report))
    notify(run.workspace, report, _behind(run, plan))
    return code


def _print(run: _Run, report: ApplyReport, code: int, lost: Sequence[Problem]) -> None:
    options, plan = run.workspace.options, report.plan
    effort = options.effort(run.workspace.registry.requests)
    planned = plan.denied or run.job.dry_run
    if options.json:
        document = json_documents.report(report, code)
        document["errors"] += [json_documents.error(problem) for problem in lost]
        output.document(document)
    elif planned:
        output.product(text.plan(plan, effort, now()), options)
    else:
        output.product(text.report(report, effort), options)
        for one in plan.models:
            if not one.writes:
                for message in one.messages:
                    output.say(f"{visible(one.model)}: {visible(message)}")
    output.complain((*plan.warnings, *plan.problems, *lost))
    if report.bug is not None:
        traceback.print_exception(report.bug)
        output.say("this is a bug: please report it with the traceback")


def _annotation(failed: Result, plan: JudgedPlan) -> Annotation:
    files = {model.model: model.file for model in plan.models}
    change = failed.change
    title = f"{change.model} {failed.outcome}"
    message = f"{phrases.subject(change.field)}: {failed.error}"
    return Annotation("error", message, title, files.get(change.model))


def _tell_pull_requests(run: _Run, report: ApplyReport) -> tuple[Problem, ...]:
    """Comment the outcome; a forge that does not answer does not undo what was written."""
    job, forge = run.job, run.job.forge
    if forge is None:
        return ()
    said = marker("apply", run.workspace)
    body = forge_comment.outcome(report, room=forge.comment_limit - len(said) - 1, more=job.more)
    numbers: list[int] = []
    lost = tried(lambda: numbers.extend(run.merges.behind(report.plan, run.live)))
    for number in numbers:
        lost += tried(partial(job.say_on, number, said, body))
    return lost


def _behind(run: _Run, plan: JudgedPlan) -> BehindOf:
    """Return who is behind a model's changes; the forge is asked nothing that it did not say."""
    changed = {one.model for one in plan.models if one.record is not None}
    author = author_of_commit(run.workspace, plan)

    def behind(model: str) -> Behind:
        merges = run.merges.of(run.live[model]) if model in changed & run.live.keys() else ()
        if not merges:
            return author(model)
        return Behind(
            authors=tuple(dict.fromkeys(merge.pull.author for merge in merges)),
            pull_requests=tuple(merge.pull.number for merge in merges),
            approvals=tuple(
                RecordedApproval(review.login, review.commit, review.time, merge.merged)
                for merge in merges
                for review in merge.reviews
            ),
        )

    return behind
