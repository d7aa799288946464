"""`reconciler plan`: what would change; writes nothing but the file it is told to."""

import click

from reconciler.cli import output
from reconciler.cli.model_options import adopt_option, declared_models, model_option
from reconciler.cli.opened import opened
from reconciler.cli.options import FORMATS, Options, common
from reconciler.cli.present import present
from reconciler.errors import UsageError


@click.command("plan", short_help="show what would change")
@click.argument("names", metavar="[GLOB]...", nargs=-1, shell_complete=declared_models)
@click.option("--out", metavar="FILE", help="Save the plan for `apply FILE`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes.")
@model_option("models")
@click.option(
    "--since", metavar="REF", help="Only models declared differently than at the merge base."
)
@click.option(
    "--rules-from", metavar="REF", help="Judge by the settings at REF as well, as they are there."
)
@click.option("--all-policies", is_flag=True, help="Judge what is live already, too.")
@click.option(
    "--check-permissions", is_flag=True, help="Ask the registry whether its user may write this."
)
@adopt_option
@common((*FORMATS, "markdown"))
def command(
    *,
    options: Options,
    names: tuple[str, ...],
    out: str | None,
    detailed_exitcode: bool,
    models: tuple[str, ...],
    since: str | None,
    rules_from: str | None,
    all_policies: bool,
    check_permissions: bool,
    adopt: tuple[str, ...],
) -> int:
    """Show what would change of the models that a GLOB matches, or of all; change nothing."""
    if out == "":
        raise UsageError("--out: the name of the file is empty", hint="is a variable not set?")
    plan = opened(options).plan(
        models=(*names, *models) or None,
        since=since,
        rules_from=rules_from,
        adopt=adopt,
        all_policies=all_policies,
        check_permissions=check_permissions,
    )
    plan = plan.detailed() if detailed_exitcode else plan
    if out:
        plan.save(out)
    present(plan, options)
    if out:
        output.note(f"saved: `reconciler apply {out}` carries out exactly this", options)
    return plan.code
