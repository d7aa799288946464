"""`reconciler digest`: what the files of versions hash to, as they are now."""

import click

from reconciler.cli.model_options import declared_models
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.cli.present import present


@click.command("digest", short_help="print the digest of a version's files")
@click.argument(
    "names",
    metavar="MODEL[/VERSION|/STAGE|@ALIAS]...",
    nargs=-1,
    required=True,
    shell_complete=declared_models,
)
@click.option("--files", is_flag=True, help="List every file with its size and SHA-256, too.")
@common()
def command(*, options: Options, names: tuple[str, ...], files: bool) -> int:
    """Read every file of a version and print their digest, which `digest:` in a model's file pins.

    With MODEL alone it is the version that serves. It is the subject digest of the OpenSSF model
    signing format.
    """
    return present(opened(options).digest(names, files=files), options)
