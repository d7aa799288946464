"""`reconciler card`: what one version is, who put it where it is, and what is not known."""

import click

from reconciler.cli.model_options import declared_models
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.cli.present import present


@click.command("card", short_help="the model card of a version, as Markdown or CycloneDX")
@click.argument("name", metavar="MODEL[/VERSION|/STAGE|@ALIAS]", shell_complete=declared_models)
@common(("markdown", "cyclonedx", "json"))
def command(*, options: Options, name: str) -> int:
    """Print the card of a version of MODEL; of MODEL alone it is the version that serves.

    It has purpose and owner, who put the version where it is, metrics, signature, and what nobody
    recorded.
    """
    return present(opened(options).card(name), options)
