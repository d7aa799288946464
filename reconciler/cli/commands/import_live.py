"""`reconciler import`: writes the declared state from the live registry; overwrites nothing."""

import click

from reconciler.cli.model_options import declared_models
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.cli.present import present
from reconciler.cli.questions import asking


@click.command("import", short_help="write the files from the live registry")
@click.argument("models", metavar="[MODEL]...", nargs=-1, shell_complete=declared_models)
@click.option(
    "--versions",
    type=click.Choice(["active", "all"]),
    default="active",
    show_default=True,
    help="Versions in an active stage or under an alias, or all.",
)
@click.option("--update", is_flag=True, help="Add to declared files what they lack, in place.")
@click.option(
    "--pins", is_flag=True, help="With --update: pin the live versions of MODEL, no more than that."
)
@click.option(
    "--digests", is_flag=True, help="Read the files of the versions in use, and pin their digests."
)
@click.option(
    "--keep",
    metavar="VERSION",
    type=click.IntRange(1),
    multiple=True,
    help="It stays in a stage that several versions of MODEL are in, or gets what a bridge makes "
    "one; the others go to Archived.",
)
@common()
def command(
    *,
    options: Options,
    models: tuple[str, ...],
    versions: str,
    update: bool,
    pins: bool,
    digests: bool,
    keep: tuple[int, ...],
) -> int:
    """Write YAML from the live registry: for MODEL, or for every model.

    A file is never overwritten: for a declared model the difference is shown, and `--update`
    edits it in place, adding and changing, removing nothing. `--update --pins` replaces `run_id`
    and `source` of declared versions by the live ones, for versions that were registered again:
    it approves another model under their numbers.
    """
    found = opened(options).import_models(
        models or None,
        versions=versions,
        update=update,
        pins=pins,
        digests=digests,
        keep=keep,
        ask=asking(options),
    )
    return present(found.write(), options)
