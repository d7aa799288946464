"""`reconciler compare`: what differs from one version of a model to another."""

import click

from reconciler.cli.model_options import declared_models
from reconciler.cli.opened import opened
from reconciler.cli.options import FORMATS, Options, common
from reconciler.cli.present import present


@click.command("compare", short_help="show what differs between two versions")
@click.argument("model", shell_complete=declared_models)
@click.argument("incumbent", metavar="A")
@click.argument("candidate", metavar="B")
@common((*FORMATS, "markdown"))
def command(*, options: Options, model: str, incumbent: str, candidate: str) -> int:
    """Show what differs from version A of MODEL to B: metrics, params, signature, tags, run.

    A metric's difference is B − A, as in a plan. A and B are each a version, a stage or an alias:
    `4`, `Production`, `@champion`.
    """
    return present(opened(options).compare(model, incumbent, candidate), options)
