"""`reconciler consumers`: who loads which model, by the files, source code and access logs."""

import sys

import click

from reconciler.cli.model_options import declared_models
from reconciler.cli.opened import opened
from reconciler.cli.options import FORMATS, Options, common
from reconciler.cli.present import present
from reconciler.errors import UsageError


@click.command("consumers", short_help="who loads which model, and by what")
@click.argument("models", metavar="[MODEL]...", nargs=-1, shell_complete=declared_models)
@click.option(
    "--scan",
    metavar="PATH",
    multiple=True,
    type=click.Path(),
    help="Search source code for loads, too.",
)
@click.option(
    "--access-log",
    metavar="FILE",
    multiple=True,
    type=click.Path(),
    help="Read a server's or proxy's access log, too; - reads stdin.",
)
@click.option("--write", is_flag=True, help="Add to the files what was found or seen.")
@common((*FORMATS, "markdown"))
def command(
    *,
    options: Options,
    models: tuple[str, ...],
    scan: tuple[str, ...],
    access_log: tuple[str, ...],
    write: bool,
) -> int:
    """List the declared consumers of MODEL, or of every model, and the version that each loads.

    MODEL is a name or a glob. The list is made of the files alone: no registry is asked.
    """
    if write and not (scan or access_log):
        raise UsageError("--write adds what --scan or --access-log find", hint="name a path")
    stdin = sys.stdin.buffer if "-" in access_log else None
    found = opened(options).consumers(models or None, scan=scan, access_log=access_log, stdin=stdin)
    if write and found.edit is not None:
        found.edit.write()
    return present(found, options)
