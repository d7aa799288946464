"""`reconciler show`: everything that is known of a version, and who put it where it is."""

import click

from reconciler.cli.model_options import declared_models
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.cli.present import present


@click.command("show", short_help="show everything known of a version")
@click.argument("name", metavar="MODEL[/VERSION|/STAGE|@ALIAS]", shell_complete=declared_models)
@common()
def command(*, options: Options, name: str) -> int:
    """Show a version of MODEL: its values, run, metrics, signature, and which commit put it there.

    With MODEL alone it is the version that serves, and the others follow with a line each.
    """
    return present(opened(options).show(name), options)
