"""`reconciler discover`: adds new versions that pass the policies to the files, for Staging."""

import click

from reconciler.cli.delivery_options import Delivery, deliver, delivery_options
from reconciler.cli.digest_option import digest_option
from reconciler.cli.model_options import declared_models, model_option
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common


@click.command("discover", short_help="add new versions that pass the policies, for Staging")
@click.argument("models", metavar="[MODEL]...", nargs=-1, shell_complete=declared_models)
@model_option("globs")
@digest_option
@delivery_options
@common()
def command(
    *,
    options: Options,
    models: tuple[str, ...],
    globs: tuple[str, ...],
    digest: bool | None,
    delivery: Delivery,
    reason: str | None,
) -> int:
    """Declare registered versions that nobody declared yet as Staging, where the policies let them.

    These are the versions of declared models in stage None that are newer than every version which
    the model's file, or its merged history, ever had. Only the files change.
    """
    edit = opened(options).discover(models or None, globs=globs, reason=reason, digest=digest)
    return deliver(edit, delivery, options)
