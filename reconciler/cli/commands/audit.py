"""`reconciler audit`: every change of what serves with its evidence, and what does not add up."""

from datetime import datetime
from typing import Literal

import click

from reconciler.cli.dates import SINCE, UNTIL
from reconciler.cli.model_options import bytes_option
from reconciler.cli.note_options import fetch_option
from reconciler.cli.opened import opened
from reconciler.cli.options import FORMATS, Options, common
from reconciler.cli.present import present


@click.command("audit", short_help="every change, its evidence, and what does not add up")
@click.option("--since", type=SINCE, help="Only what was merged from then on.")
@click.option("--until", type=UNTIL, help="Only what was merged up to then.")
@bytes_option
@fetch_option
@common((*FORMATS, "csv", "markdown"))
def command(
    *,
    options: Options,
    since: datetime | None,
    until: datetime | None,
    bytes: Literal["serving", "all"] | None,  # noqa: A002  the option's name
    fetch_notes: str | None,
) -> int:
    """Show every change of what serves and of aliases; exit 2 when something does not add up."""
    audit = opened(options).audit(since=since, until=until, bytes=bytes, fetch_notes=fetch_notes)
    return present(audit, options)
