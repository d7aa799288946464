"""`reconciler drift`: what moved away from git, and what git declares that is not live."""

import click

from reconciler.api.workspace import Workspace
from reconciler.cli import output
from reconciler.cli.options import Options, common
from reconciler.core.plan import only
from reconciler.planning.status import unmanaged_values
from reconciler.render import json_documents, text


@click.command("drift", short_help="find what was changed by hand")
@click.option("--unmanaged", "list_unmanaged", is_flag=True, help="List what git does not own.")
@click.option("--model", "models", metavar="GLOB", multiple=True, help="Only these models.")
@common()
def command(*, options: Options, list_unmanaged: bool, models: tuple[str, ...]) -> int:
    """Compare the registry with git; exit 2 when they differ."""
    workspace = Workspace(options)
    compared = workspace.compare(workspace.question(models=models))
    drifted = only(compared.plan, lambda change: change.cause == "drift")
    pending = only(compared.plan, lambda change: change.cause != "drift")
    code = compared.plan.exit_code(detailed=True)
    foreign = (
        unmanaged_values(compared.plan, compared.live, workspace.desired)
        if list_unmanaged
        else None
    )
    if options.json:
        document = json_documents.drift(drifted, pending, code)
        if foreign is not None:
            document["unmanaged"] = [json_documents.held(*value) for value in foreign]
        output.document(document)
    else:
        shown = text.drift(drifted, pending, options.effort(workspace.registry.requests), foreign)
        output.product(shown, options)
    output.complain((*compared.plan.warnings, *compared.plan.problems))
    return int(code)
