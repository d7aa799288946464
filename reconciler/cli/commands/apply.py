"""`reconciler apply`: carries out a saved plan, or plans, shows, asks and carries out."""

import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from reconciler.api.apply_records import Recorder, ending, record_options
from reconciler.api.notifications import notify
from reconciler.api.policy_context import gate
from reconciler.api.workspace import Workspace
from reconciler.apply.executor import Stop, apply
from reconciler.cli import output
from reconciler.cli.dates import now
from reconciler.cli.options import Options, common
from reconciler.cli.progress import progress
from reconciler.core.plan import AdmittedPlan, JudgedPlan, accepting
from reconciler.core.report import ApplyReport
from reconciler.errors import OutOfStep, Problem, UsageError
from reconciler.files import plan_file
from reconciler.planning.checks import Judging, closed_by_now, consents_of_files
from reconciler.ports.registry import Registry
from reconciler.render import json_documents, phrases, text

# A lost connection hangs up; Windows knows no such signal.
_HANG_UP = getattr(signal, "SIGHUP", signal.SIGTERM)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, _HANG_UP)


@click.command("apply", short_help="carry out a plan")
@click.argument("saved", metavar="[PLAN]", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--model", "models", metavar="GLOB", multiple=True, help="Only these models.")
@click.option("--expect", metavar="DIGEST", help="Refuse unless this is the plan's digest.")
@click.option(
    "--accept", metavar="RULE[=MODEL]", multiple=True, help="Consent to one rule's violation."
)
@click.option("--adopt", metavar="MODEL", multiple=True, help="Take a model over.")
@click.option("--all-or-nothing", is_flag=True, help="Write nothing when a model is excluded.")
@click.option(
    "--parallelism",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Models at once.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1.0),
    default=60.0,
    show_default=True,
    help="Seconds for one model.",
)
@record_options
@common()
def command(
    *,
    options: Options,
    saved: str | None,
    yes: bool,
    models: tuple[str, ...],
    expect: str | None,
    accept: tuple[str, ...],
    adopt: tuple[str, ...],
    all_or_nothing: bool,
    parallelism: int,
    timeout: float,
    record: bool,
    record_push: str | None,
) -> int:
    """Carry out PLAN, a file of `plan --out`; without it plan, show, ask, and carry out."""
    if saved == "":
        raise UsageError("the name of the plan file is empty", hint="is a variable not set?")
    if saved and (models or adopt):
        raise UsageError("a saved plan is applied as it is", hint="leave out --model and --adopt")
    asks = output.is_terminal(sys.stdin) and not options.json
    if not (yes or saved or asks):
        raise UsageError("nobody is here to ask", hint="say `--yes` to apply without asking")
    workspace = Workspace(options, timeout=timeout)
    recorder = Recorder(workspace, record=record, remote=record_push)
    judging = gate(workspace, accept, planning=False, show_evidence=asks and not yes)
    if saved:
        plan = _saved_plan(saved, workspace, judging)
    else:
        ask = workspace.question(models=models, adopt=adopt, planning=False)
        plan = workspace.gate(workspace.read(ask, judging).plan, judging.accept)
    registry = workspace.registry
    _expect(expect, plan)
    if _nothing_to_write(plan, all_or_nothing=all_or_nothing):
        code = int(plan.exit_code())
        return _conclude(ApplyReport(plan, ()), code, workspace, recorder, planned=False)
    if not saved:
        _show(plan, workspace)
        if not yes:
            _ask(plan)
    with signals(workspace.stop):
        report = _carry_out(plan, workspace, registry, parallelism, timeout)
        return _conclude(report, report.exit_code(), workspace, recorder, planned=True)


def _saved_plan(name: str, workspace: Workspace, judging: Judging) -> JudgedPlan:
    """Return a saved plan with the freezes that began since, and the consents of now."""
    plan = _load(name)
    workspace.take_up(plan)
    desired, context = workspace.desired, judging.context
    consents = judging.accept | consents_of_files(desired.declarations.values(), context.now)
    plan = closed_by_now(plan, desired.settings.policies, context)
    return workspace.gate(accepting(plan, consents), judging.accept)


def _load(name: str) -> JudgedPlan:
    try:
        return plan_file.loads(Path(name).read_text(encoding="utf-8"), name)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UsageError(
            f"plan file {name}: {reason}", hint="`plan --out FILE` writes one"
        ) from error


def _expect(expect: str | None, plan: JudgedPlan) -> None:
    if expect is not None and expect != plan.digest:
        raise OutOfStep(
            f"this plan is {plan.digest}, not {expect}",
            hint="the registry or the declaration moved since it was approved: look at "
            "`reconciler plan`, and approve again",
        )


def _nothing_to_write(plan: JudgedPlan, *, all_or_nothing: bool) -> bool:
    refused = bool(plan.denied) or (all_or_nothing and bool(plan.problems))
    return refused or not any(model.writes for model in plan.models)


def _show(plan: JudgedPlan, workspace: Workspace) -> None:
    if not workspace.options.json:
        effort = workspace.options.effort(workspace.registry.requests)
        output.product(text.plan(plan, effort, now()) + "\n", workspace.options)


def _ask(plan: JudgedPlan) -> None:
    counts = plan.summary
    changes = f"Write {phrases.count(counts['changes'], 'change')} to"
    record = f"Record this commit on {phrases.models(counts['records'])} in"
    question = f"{changes if counts['changes'] else record} {plan.registry.uri}?"
    click.confirm(question, abort=True, err=True)


def _carry_out(
    plan: JudgedPlan, workspace: Workspace, registry: Registry, parallelism: int, timeout: float
) -> ApplyReport:
    with progress(len(plan.changes)) as on_result:
        return apply(
            AdmittedPlan(plan),
            registry,
            parallelism=parallelism,
            timeout=timeout,
            stop=workspace.stop,
            on_result=on_result,
            is_superseded_by=lambda commit: workspace.is_newer(commit, plan.state.commit),
            allow_superseded=workspace.allow_superseded,
        )


@contextmanager
def signals(stop: Stop) -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP end the apply between two requests instead of in one."""
    handle: Callable[[int, object], None] = lambda number, _: stop(number)  # noqa: E731
    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _conclude(
    report: ApplyReport, code: int, workspace: Workspace, recorder: Recorder, *, planned: bool
) -> int:
    lost = recorder.keep(report)
    code = ending(code, lost, report)
    try:
        _tell(report, code, lost, workspace, planned=planned)
    except OSError as error:  # the reader went away, a full disk: what was applied stays applied
        with suppress(OSError):
            output.say(f"the report could not be printed: {error.strerror}")
    notify(workspace, report)
    return code


def _tell(
    report: ApplyReport, code: int, lost: Sequence[Problem], workspace: Workspace, *, planned: bool
) -> None:
    effort = workspace.options.effort(workspace.registry.requests)
    if workspace.options.json:
        document = json_documents.report(report, code)
        document["errors"] += [json_documents.error(problem) for problem in lost]
        output.document(document)
    elif planned:
        output.product(text.report(report, effort), workspace.options)
    else:
        output.product(text.plan(report.plan, effort, now()), workspace.options)
    output.complain((*report.plan.warnings, *report.plan.problems, *lost))
    if report.bug is not None:
        traceback.print_exception(report.bug)
        output.say("this is a bug: please report it with the traceback")
    if not workspace.options.json and report.summary["stale"]:
        output.say("plan again: `reconciler plan`")
    if not planned and code:
        output.say("nothing was written")
