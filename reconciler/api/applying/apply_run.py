"""Applies a plan with every check of the command line: judged, checked, written, recorded, told."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from reconciler.api.answers import ApplyInterrupted, Plan, Report
from reconciler.api.applying.apply_records import Recorder, ending
from reconciler.api.applying.notifications import BehindOf, notify
from reconciler.api.artifacts.bytes_reading import bytes_reading
from reconciler.api.planning.judging import judging
from reconciler.api.planning.plan_requests import (
    judged,
    plan_request,
    require_same_registry,
    with_checkout_violations,
)
from reconciler.api.workspace import Workspace
from reconciler.apply.executor import apply
from reconciler.apply.model_run import OnResult
from reconciler.core.plan import AdmittedPlan, JudgedPlan, accepting
from reconciler.core.report import ApplyReport
from reconciler.errors import ExitCode, OutOfStep, Problem, UsageError
from reconciler.planning.artifacts.approved_bytes import BytesReading, checked_otherwise
from reconciler.planning.checks import Judging, closed_by_now, consents_of_files
from reconciler.planning.planner import not_read_again

MOST_AT_ONCE: Final = 64  # models; each has a connection of its own


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """How a plan is made and applied; the fields are those of `Reconciler.apply`."""

    models: Collection[str] | None = None
    adopt: Collection[str] = ()
    accept: Collection[str] = ()
    expect: str | None = None
    all_or_nothing: bool = False
    evidence: bool = False
    parallelism: int = 8
    record: bool = False
    record_push: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What the caller is told: before the first write, of each result and model, and the report.

    What `before_writing` raises ends the run; nothing is written then. `after_writing` comes
    before the record is kept, `on_report` before the webhooks are told.
    """

    before_writing: Callable[[Plan], None] = lambda _: None
    on_result: OnResult = lambda _: None
    on_model: Callable[[str], None] = lambda _: None
    after_writing: Callable[[], None] = lambda: None
    on_report: Callable[[Report], None] = lambda _: None


def apply_plan(
    workspace: Workspace, plan: Plan | None, request: ApplyRequest, callbacks: Callbacks
) -> Report:
    """Carry out a plan, or make one and carry it out; a denied one is returned and not written."""
    _check(request, plan)
    recorder = Recorder(workspace, record=request.record, remote=request.record_push)
    checked = checked_plan(workspace, plan, request)
    if request.expect is not None and request.expect != checked.digest:
        raise _unexpected(checked, request.expect)
    if request.dry_run or _has_nothing_to_write(checked, all_or_nothing=request.all_or_nothing):
        report, kept = ApplyReport(checked, ()), None if request.dry_run else recorder
        return concluded(workspace, report, kept, callbacks, is_carried_out=False)
    callbacks.before_writing(Plan(checked, workspace.requests, pace=workspace.registry.pace))
    report = carried_out(workspace, checked, callbacks, request.parallelism)
    callbacks.after_writing()
    return concluded(workspace, report, recorder, callbacks, is_carried_out=True)


def _unexpected(plan: JudgedPlan, digest: str) -> OutOfStep:
    """Return the refusal of a plan that is not the expected one; what excludes models tells why."""
    message = f"this plan is {plan.digest}, not {digest}"
    hint = (
        "the registry or the declaration moved since it was approved: look at `reconciler plan`, "
        "and approve again"
    )
    problem = Problem(message, ExitCode.OUT_OF_STEP, hint=hint)
    return OutOfStep(message, hint=hint, problems=(*plan.problems, problem))


def _check(request: ApplyRequest, plan: Plan | None) -> None:
    """Raise `UsageError` for a request that cannot be meant."""
    if plan is not None and not isinstance(plan, Plan):
        raise UsageError(f"`{plan}` is not a plan", hint="`load_plan` reads a plan's file")
    if plan is not None and (request.models is not None or request.adopt):
        hint = "leave out --model and --adopt"
        raise UsageError("a saved plan is applied as it is", hint=hint)
    if not 1 <= request.parallelism <= MOST_AT_ONCE:
        raise UsageError(f"parallelism is from 1 to {MOST_AT_ONCE}, not {request.parallelism}")


def checked_plan(workspace: Workspace, plan: Plan | None, request: ApplyRequest) -> JudgedPlan:
    """Return the plan with all that forbids applying it here and now; made where there is none."""
    judge_by = judging(
        workspace, request.accept, planning=False, show_evidence=plan is None and request.evidence
    )
    if plan is None:
        asked = plan_request(workspace, models=request.models, adopt=request.adopt, planning=False)
        made = judged(workspace, asked, judge_by).plan
        return with_checkout_violations(workspace, made, judge_by.accept)
    return _taken_up(workspace, plan.judged, judge_by)


def _taken_up(workspace: Workspace, plan: JudgedPlan, judge_by: Judging) -> JudgedPlan:
    """Return an earlier plan with the freezes that began since, and the consents of now."""
    require_same_registry(workspace, plan)
    unchecked = checked_otherwise(plan, workspace.desired.declarations)
    if unchecked:
        raise OutOfStep(unchecked[0].message, problems=unchecked)
    desired, context = workspace.desired, judge_by.context
    consents = judge_by.accept | consents_of_files(desired.declarations.values(), context.now)
    plan = closed_by_now(plan, desired, context)
    return with_checkout_violations(workspace, accepting(plan, consents), judge_by.accept)


def _has_nothing_to_write(plan: JudgedPlan, *, all_or_nothing: bool) -> bool:
    refused = bool(plan.denied) or (all_or_nothing and bool(plan.problems))
    return refused or not any(model.writes for model in plan.models)


def carried_out(
    workspace: Workspace,
    plan: JudgedPlan,
    callbacks: Callbacks,
    parallelism: int = 8,
    reading: BytesReading | None = None,
) -> ApplyReport:
    """Write a plan that nothing forbids, and return what became of every change.

    `reading` is how bytes are read; None compares them with the records that the clone has.
    """
    return apply(
        AdmittedPlan(plan),
        workspace.registry,
        parallelism=parallelism,
        timeout=workspace.timeout,
        stop=workspace.stop,
        on_result=callbacks.on_result,
        on_model=callbacks.on_model,
        is_superseded_by=lambda commit: workspace.is_superseded_by(commit, plan.state.commit),
        allow_superseded=workspace.allow_superseded,
        reading=reading or bytes_reading(workspace),
        unread=not_read_again(plan, workspace.checkout),
    )


def concluded(
    workspace: Workspace,
    applied: ApplyReport,
    recorder: Recorder | None,
    callbacks: Callbacks,
    *,
    is_carried_out: bool,
    behind: BehindOf | None = None,
) -> Report:
    """Record what became of a plan, tell the caller and then the webhooks, and return it.

    Without a `recorder` nothing is recorded. `behind` says who is behind a model's changes.
    """
    lost = recorder.keep(applied) if recorder is not None else ()
    code = int(applied.exit_code() if is_carried_out else applied.plan.exit_code())
    report = Report(
        applied,
        ending(code, lost, applied),
        lost,
        is_carried_out=is_carried_out,
        requests=workspace.requests,
    )
    callbacks.on_report(report)
    try:
        notify(workspace, applied, behind)
    except KeyboardInterrupt as stop:  # all is written: only webhooks were still to be told
        raise ApplyInterrupted(report) from stop
    return report
