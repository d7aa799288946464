"""`reconciler drift`: what moved away from git, and what git declares that is not live."""

from typing import Literal

import click

from reconciler.cli.model_options import bytes_option, declared_models, model_option
from reconciler.cli.note_options import fetch_option
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.cli.present import present


@click.command("drift", short_help="find what was changed by hand")
@click.argument("names", metavar="[GLOB]...", nargs=-1, shell_complete=declared_models)
@click.option("--unmanaged", is_flag=True, help="List what git does not own.")
@bytes_option
@fetch_option
@model_option("models")
@common()
def command(
    *,
    options: Options,
    names: tuple[str, ...],
    unmanaged: bool,
    bytes: Literal["serving", "all"] | None,  # noqa: A002  the option's name
    fetch_notes: str | None,
    models: tuple[str, ...],
) -> int:
    """Compare the models that a GLOB matches, or all, with git; exit 2 when they differ."""
    chosen = (*names, *models) or None
    found = opened(options).drift(
        models=chosen, unmanaged=unmanaged, bytes=bytes, fetch_notes=fetch_notes
    )
    return present(found, options)
