"""`ci apply`: carries out what was merged, as far as its pull requests showed it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from reconciler.api.answers import Plan, Report, timed
from reconciler.api.applying.apply_records import Recorder
from reconciler.api.applying.apply_run import Callbacks, carried_out, concluded
from reconciler.api.applying.notifications import BehindOf, author_of_commit
from reconciler.api.artifacts.bytes_reading import bytes_reading
from reconciler.api.ci import annotations
from reconciler.api.ci.job import NO_LIMIT, Job, tried
from reconciler.api.ci.merge_approvals import Merges
from reconciler.api.planning.judging import head_commit, judging
from reconciler.api.planning.plan_requests import compared, plan_request, with_checkout_violations
from reconciler.api.workspace import Workspace
from reconciler.audit.notification import Behind
from reconciler.core.changes import Change
from reconciler.core.plan import JudgedPlan
from reconciler.core.report import ApplyReport
from reconciler.core.settings import effective_settings
from reconciler.core.state import Live
from reconciler.errors import Problem
from reconciler.planning.artifacts.approved_bytes import BytesReading
from reconciler.planning.checks import Compared, judge
from reconciler.planning.merge_authorisation import (
    MergeEvidence,
    is_first_apply,
    judged_as_shown,
    with_digest,
)
from reconciler.render import forge_comment, github_workflow, phrases


@dataclass(frozen=True, slots=True)
class ByHand:
    """One model to apply by hand, and the digest of its plan that was looked at."""

    model: str
    digest: str


@dataclass(frozen=True, slots=True)
class _Run:
    """One apply on its way: its plan, and the merges that it is authorised by."""

    job: Job
    merges: Merges
    plan: JudgedPlan
    live: Mapping[str, Live]
    reading: BytesReading


def ci_apply(job: Job, by_hand: ByHand | None, callbacks: Callbacks) -> Report:
    """Write the models whose declaration changed, where a pull request showed what is written."""
    workspace = job.workspace
    with job.telling():
        _ = job.commit
        merges = Merges(workspace, job.forge, job.check_name)
        chosen = (by_hand.model,) if by_hand is not None else None
        found = compared(workspace, plan_request(workspace, models=chosen, planning=False))
        reading = bytes_reading(workspace, job.fetch_records)
        judged = _judged(workspace, merges, found, by_hand, reading)
        plan = with_checkout_violations(workspace, judged, ())
        # Asked before the first write: a forge that is away then cannot cost the record.
        approvals = () if job.dry_run else merges.recorded(plan, found.live)
        recorder = Recorder(
            workspace,
            record=not job.dry_run,
            remote=None if job.dry_run else job.remote,
            approvals=lambda: approvals,
        )
    job.annotate(annotations.of_plan(plan, workspace.desired))
    return _carried_out(_Run(job, merges, plan, found.live, reading), recorder, callbacks)


def _judged(
    workspace: Workspace,
    merges: Merges,
    found: Compared,
    by_hand: ByHand | None,
    reading: BytesReading,
) -> JudgedPlan:
    """Return the plan with those models alone that may be written."""
    here = head_commit(workspace)
    judge_by = judging(
        workspace,
        planning=False,
        commit_of=lambda live: merges.commit_of(live, here),
        reading=reading,
    )
    judged = partial(judge, registry=workspace.registry, judging=judge_by)
    if by_hand is not None:
        return judged(found.narrowed([with_digest(found.plan, by_hand.model, by_hand.digest)]))
    own, before = workspace.desired.settings, workspace.settings_one_commit_ago
    evidence = MergeEvidence(
        settings=effective_settings(own, before).settings,
        is_first_apply=is_first_apply(found, workspace.checkout),
        shown=merges.approved,
        described=_described,
    )
    plan = judged_as_shown(found, evidence, judged)
    if evidence.is_first_apply:
        merges.begin()
    return plan


def _described(change: Change) -> str:
    return f"{phrases.subject(change.field)}, {phrases.move(change)}"


def _carried_out(run: _Run, recorder: Recorder, callbacks: Callbacks) -> Report:
    workspace, plan = run.job.workspace, run.plan

    def on_report(report: Report) -> None:
        callbacks.on_report(timed(report, workspace.started))
        _tell(run, report)

    told, behind = replace(callbacks, on_report=on_report), _behind(run)
    if plan.denied or run.job.dry_run:
        report = ApplyReport(plan, ())
        return concluded(workspace, report, None, told, is_carried_out=False, behind=behind)
    callbacks.before_writing(Plan(plan, workspace.requests))
    report = carried_out(workspace, plan, callbacks, reading=run.reading)
    return concluded(workspace, report, recorder, told, is_carried_out=True, behind=behind)


def _tell(run: _Run, report: Report) -> None:
    """Tell the job's next steps what became of the plan, and then the pull requests."""
    job, applied = run.job, report.applied
    job.annotate([*map(github_workflow.of_problem, report.lost), *annotations.of_failures(applied)])
    summary = forge_comment.outcome(applied, room=NO_LIMIT, more=job.more)
    job.finish_plan(report.summary["applied"], report.plan.digest, report.code, summary)
    if report.signal is None:  # a job that is being cancelled has a few seconds left
        job.workspace.warn_of(_tell_pull_requests(run, applied))


def _tell_pull_requests(run: _Run, report: ApplyReport) -> tuple[Problem, ...]:
    """Comment the outcome; a forge that does not answer does not undo what was written."""
    job = run.job
    if job.forge is None:
        return ()

    def body(room: int) -> str:
        return forge_comment.outcome(report, room=room, more=job.more)

    numbers: list[int] = []
    lost = tried(lambda: numbers.extend(run.merges.behind(run.plan, run.live)))
    for number in numbers:
        lost += tried(partial(job.comment, "apply", number, body))
    return lost


def _behind(run: _Run) -> BehindOf:
    """Return who is behind a model's changes; the forge is asked nothing that it did not say."""
    changed = {model.model for model in run.plan.models if model.record is not None}
    author = author_of_commit(run.job.workspace, run.plan)

    def behind(model: str) -> Behind:
        merges = run.merges.of(run.live[model]) if model in changed & run.live.keys() else ()
        if not merges:
            return author(model)
        return Behind(
            authors=tuple(dict.fromkeys(merge.pull.author for merge in merges)),
            pull_requests=tuple(merge.pull.number for merge in merges),
            approvals=tuple(approval for merge in merges for approval in merge.recorded),
        )

    return behind
