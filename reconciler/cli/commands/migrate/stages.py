"""`reconciler migrate stages`: says what depends on stages, and takes the steps to aliases."""

import re

import click

from reconciler.cli.commands.migrate import bridge_option
from reconciler.cli.delivery_options import Delivery, deliver, delivery_options
from reconciler.cli.model_options import declared_models
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.cli.present import present
from reconciler.errors import UsageError

_STEPS = ("bridge", "serve-by-alias", "drop-stages")
_CHOICE = "choose one: --report, --check, --step, --clear"


@click.command("stages", short_help="what depends on stages, and the steps to aliases")
@click.argument("models", metavar="[GLOB]...", nargs=-1, shell_complete=declared_models)
@click.option("--report", "reports", is_flag=True, help="What is where, and what to do for each.")
@click.option("--check", "checks", is_flag=True, help="Exit 2 while anything depends on a stage.")
@click.option("--step", type=click.Choice(_STEPS), help="Edit the files for one step.")
@click.option("--clear", "clears", is_flag=True, help="Edit the files so that no stage is live.")
@click.option(
    "--keep", metavar="MODEL=VERSION", multiple=True, help="Which version stays, of several."
)
@bridge_option
@click.option(
    "--scan",
    metavar="PATH",
    multiple=True,
    type=click.Path(),
    help="Source code that may load models.",
)
@delivery_options
@common(("text", "json", "markdown"))
def command(
    *,
    options: Options,
    models: tuple[str, ...],
    reports: bool,
    checks: bool,
    step: str | None,
    clears: bool,
    keep: tuple[str, ...],
    bridge: dict[str, str],
    scan: tuple[str, ...],
    delivery: Delivery,
    reason: str | None,
) -> int:
    """Say what depends on stages, of the models of GLOB or of all, or take one step to aliases.

    `--report` reads the registry, `--check` the files alone. A step changes only the files: the
    registry follows when that is merged and applied, and a revert undoes it.
    """
    edits = step is not None or clears
    if sum((reports, checks, edits)) != 1:
        raise UsageError("`migrate stages` does one thing at a time", hint=_CHOICE)
    _require_none(models and edits, "GLOB", "a step is for all models")
    _require_none(keep and step != "bridge", "--keep", "it belongs to --step bridge")
    _require_none(
        (delivery.commits or reason is not None) and not edits,
        "--commit, --branch, --push, --pr or --reason",
        "--report and --check change nothing",
    )
    _require_none(
        edits and options.format == "markdown", "--format markdown", "a step prints text or json"
    )
    r = opened(options)
    if not edits:
        answer = r.migration_report(models or None, scan=scan, bridge=bridge or None, check=checks)
        return present(answer, options)
    edit = r.migrate(
        step, keep=_versions(keep), clear=clears, bridge=bridge or None, scan=scan, reason=reason
    )
    return deliver(edit, delivery, options)


def _require_none(is_given: object, what: str, why: str) -> None:
    if is_given:
        raise UsageError(f"{what} means nothing here: {why}", hint="see `migrate stages --help`")


def _versions(keep: tuple[str, ...]) -> dict[str, list[int]]:
    """Return `--keep MODEL=VERSION` as a mapping; raises `UsageError` for what is none."""
    found: dict[str, list[int]] = {}
    for text in keep:
        model, _, version = text.rpartition("=")
        if not model or not re.fullmatch("[1-9][0-9]{0,9}", version):
            raise UsageError(f"`--keep {text}` names no version", hint="`--keep MODEL=VERSION`")
        found.setdefault(model, []).append(int(version))
    return found
