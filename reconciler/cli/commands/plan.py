"""`reconciler plan`: what would change; writes nothing but the file it is told to."""

from pathlib import Path

import click

from reconciler.api.policy_context import gate
from reconciler.api.workspace import Workspace
from reconciler.cli import output
from reconciler.cli.dates import now
from reconciler.cli.options import FORMATS, Options, common
from reconciler.errors import UsageError
from reconciler.files import plan_file
from reconciler.files.atomic_write import FileToWrite, write_files
from reconciler.render import json_documents, markdown, text


@click.command("plan", short_help="show what would change")
@click.option("--out", metavar="FILE", help="Save the plan for `apply FILE`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes.")
@click.option("--model", "models", metavar="GLOB", multiple=True, help="Only these models.")
@click.option(
    "--since", metavar="REF", help="Only models declared differently than at the merge base."
)
@click.option(
    "--rules-from", metavar="REF", help="Judge by the settings at REF as well, as they are there."
)
@click.option("--all-policies", is_flag=True, help="Judge what is live already, too.")
@click.option("--adopt", metavar="MODEL", multiple=True, help="Take a model over.")
@common((*FORMATS, "markdown"))
def command(
    *,
    options: Options,
    out: str | None,
    detailed_exitcode: bool,
    models: tuple[str, ...],
    since: str | None,
    rules_from: str | None,
    all_policies: bool,
    adopt: tuple[str, ...],
) -> int:
    """Show what would change, and change nothing."""
    if out == "":
        raise UsageError("--out: the name of the file is empty", hint="is a variable not set?")
    workspace = Workspace(options)
    workspace.rules_from = rules_from
    judging = gate(workspace, planning=True, show_evidence=True, everything=all_policies)
    ask = workspace.question(models=models, since=since, adopt=adopt)
    reading = workspace.read(ask, judging)
    code = reading.plan.exit_code(detailed=detailed_exitcode)
    if out:
        content = plan_file.dumps(reading.plan, code).encode()
        write_files([FileToWrite(Path(out), f"--out {out}", content)])
    effort = options.effort(workspace.registry.requests)
    if options.json:
        output.document(json_documents.plan(reading.plan, code))
    elif options.format == "markdown":
        output.product(markdown.plan(reading.plan, now()), options)
    else:
        output.product(text.plan(reading.plan, effort, now()), options)
    output.complain((*reading.plan.warnings, *reading.plan.problems))
    if out:
        output.say(f"saved: `reconciler apply {out}` carries out exactly this")
    return int(code)
