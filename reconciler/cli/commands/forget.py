"""`reconciler forget`: removes our two tags from a model."""

import click

from reconciler.cli.model_options import declared_models
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.cli.present import present


@click.command("forget", short_help="remove our two tags from a model")
@click.argument("model", shell_complete=declared_models)
@common()
def command(*, options: Options, model: str) -> int:
    """Remove the tags reconciler.commit and reconciler.owner from MODEL; nothing else."""
    return present(opened(options).forget(model), options)
