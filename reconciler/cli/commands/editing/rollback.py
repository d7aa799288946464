"""`reconciler rollback`: edits a model's file so that a version from before serves again."""

import click

from reconciler.cli.delivery_options import Delivery, deliver, delivery_options
from reconciler.cli.digest_option import digest_option
from reconciler.cli.model_options import declared_models
from reconciler.cli.note_options import fetch_option
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common


@click.command("rollback", short_help="edit the file so that the version before serves again")
@click.argument("model", shell_complete=declared_models)
@click.option("--to", type=click.IntRange(1), help="Go back to this version.")
@click.option("--block", is_flag=True, help="Keep the version of now from coming back.")
@digest_option
@delivery_options
@fetch_option
@common()
def command(
    *,
    options: Options,
    model: str,
    to: int | None,
    block: bool,
    digest: bool | None,
    delivery: Delivery,
    reason: str | None,
    fetch_notes: str | None,
) -> int:
    """Declare that the version which served before serves MODEL again, with its aliases of then.

    The merged history says which: the one before the present version took its place, less those
    that are blocked, gone, never applied, or that a rollback displaced.
    """
    edit = opened(options).rollback(
        model, to=to, block=block, reason=reason, fetch_notes=fetch_notes, digest=digest
    )
    return deliver(edit, delivery, options)
