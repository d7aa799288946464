"""`reconciler drift`: what moved away from git, and what git declares that is not live."""

import click

from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.cli.present import present


@click.command("drift", short_help="find what was changed by hand")
@click.option("--unmanaged", is_flag=True, help="List what git does not own.")
@click.option("--model", "models", metavar="GLOB", multiple=True, help="Only these models.")
@common()
def command(*, options: Options, unmanaged: bool, models: tuple[str, ...]) -> int:
    """Compare the registry with git; exit 2 when they differ."""
    return present(opened(options).drift(models=models or None, unmanaged=unmanaged), options)
