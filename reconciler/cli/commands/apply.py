"""`reconciler apply`: carries out a saved plan, or plans, shows, asks and carries out."""

import sys
from contextlib import suppress

import click

from reconciler.api.answers import PlanRefused
from reconciler.cli import output
from reconciler.cli.apply_dialog import ApplyDialog
from reconciler.cli.model_options import adopt_option, model_option
from reconciler.cli.note_options import record_options
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.errors import UsageError


@click.command("apply", short_help="carry out a plan")
@click.argument("saved", metavar="[PLAN]", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@model_option("models")
@click.option("--expect", metavar="DIGEST", help="Refuse unless this is the plan's digest.")
@click.option(
    "--accept", metavar="RULE[=MODEL]", multiple=True, help="Consent to one rule's violation."
)
@adopt_option
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
    dry_run: bool,
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
    asks = output.is_terminal(sys.stdin) and not options.json
    if not (yes or saved or asks or dry_run):
        raise UsageError(
            "cannot ask for confirmation: stdin is not a terminal",
            hint="say `--yes` to apply without asking",
        )
    r = opened(options)
    with ApplyDialog(options, shows=not saved, asks=not (saved or yes)) as dialog:
        with suppress(PlanRefused):  # its report was shown, and has the exit code
            r.apply(
                r.load_plan(saved) if saved else None,
                models=models or None,
                adopt=adopt,
                accept=accept,
                expect=expect,
                all_or_nothing=all_or_nothing,
                evidence=dry_run or (asks and not yes),
                parallelism=parallelism,
                timeout=timeout,
                record=record,
                record_push=record_push,
                dry_run=dry_run,
                before_writing=dialog.begin,
                on_result=dialog.advance,
                on_model=dialog.advance_model,
                after_writing=dialog.written,
                on_report=dialog.end,
                stop=dialog.stop,
            )
        return dialog.code
