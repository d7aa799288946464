"""`reconciler tidy`: takes out of the files what is no longer in the registry."""

import click

from reconciler.cli.delivery_options import Delivery, deliver, delivery_options
from reconciler.cli.model_options import declared_models
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common


@click.command("tidy", short_help="take out of the files what the registry no longer has")
@click.argument("models", metavar="[MODEL]...", nargs=-1, shell_complete=declared_models)
@delivery_options
@common()
def command(
    *, options: Options, models: tuple[str, ...], delivery: Delivery, reason: str | None
) -> int:
    """Take out the entries of versions that were deleted in the registry, of MODEL or every model.

    MODEL is a name or a glob. The file of a model that is gone altogether is removed. Only the
    files change; another version under a pinned number is named, and left as it is.
    """
    edit = opened(options).tidy(models or None, reason=reason)
    return deliver(edit, delivery, options)
