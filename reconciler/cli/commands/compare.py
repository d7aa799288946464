"""`reconciler compare`: two versions of a model beside each other."""

import click

from reconciler.cli.opened import opened
from reconciler.cli.options import FORMATS, Options, common
from reconciler.cli.present import present


@click.command("compare", short_help="show two versions beside each other")
@click.argument("model")
@click.argument("candidate", metavar="A")
@click.argument("incumbent", metavar="B")
@common((*FORMATS, "markdown"))
def command(*, options: Options, model: str, candidate: str, incumbent: str) -> int:
    """Show version A of MODEL beside version B: metrics, params, signature, tags, run.

    A and B are each a version, a stage or an alias: `4`, `Production`, `@champion`.
    """
    return present(opened(options).compare(model, candidate, incumbent), options)
