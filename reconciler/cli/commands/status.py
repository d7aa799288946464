"""`reconciler status`: where every version stands."""

import click

from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.cli.present import present


@click.command("status", short_help="show where every version stands")
@click.argument("model", required=False)
@common()
def command(*, options: Options, model: str | None) -> int:
    """Show stage, aliases and sync of every version that somebody may use."""
    return present(opened(options).status(model), options)
