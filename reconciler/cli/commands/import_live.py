"""`reconciler import`: writes the declared state from the live registry; overwrites nothing."""

import click

from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.cli.present import present


@click.command("import", short_help="write the files from the live registry")
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option(
    "--versions",
    type=click.Choice(["active", "all"]),
    default="active",
    show_default=True,
    help="Versions in an active stage or under an alias, or all.",
)
@click.option("--update", is_flag=True, help="Add to declared files what they lack, in place.")
@common()
def command(*, options: Options, models: tuple[str, ...], versions: str, update: bool) -> int:
    """Write YAML from the live registry: for MODEL, or for every model.

    A file is never overwritten: for a declared model the difference is shown, and `--update`
    edits it in place, adding and changing, removing nothing.
    """
    found = opened(options).import_models(models or None, versions=versions, update=update)
    return present(found.write(), options)
