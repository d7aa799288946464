"""`reconciler status`: where every version stands."""

from dataclasses import replace

import click

from reconciler.api.workspace import Workspace
from reconciler.cli import output
from reconciler.cli.options import Options, common
from reconciler.core.matching import nearest
from reconciler.errors import UsageError
from reconciler.planning.status import rows
from reconciler.render import json_documents, text


@click.command("status", short_help="show where every version stands")
@click.argument("model", required=False)
@common()
def command(*, options: Options, model: str | None) -> int:
    """Show stage, aliases and sync of every version that somebody may use."""
    workspace = Workspace(options)
    ask = workspace.question()
    compared = workspace.compare(replace(ask, models=frozenset({model})) if model else ask)
    plan = compared.plan
    found = rows(plan, compared.live, workspace.desired)
    if model and not found:
        raise UsageError(
            f"model `{model}` is neither declared nor in the registry",
            hint=nearest(model, workspace.desired.declarations),
        )
    code = plan.exit_code()
    if options.json:
        output.document(json_documents.status(found, plan, code))
    else:
        effort = options.effort(workspace.registry.requests)
        output.product(text.status(found, plan, effort), options)
    output.complain((*plan.warnings, *plan.problems))
    return int(code)
