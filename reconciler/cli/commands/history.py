"""`reconciler history`: who changed a model, when, approved by whom; read from git alone."""

from datetime import datetime

import click

from reconciler.cli.dates import SINCE, UNTIL
from reconciler.cli.note_options import fetch_option
from reconciler.cli.opened import opened
from reconciler.cli.options import FORMATS, Options, common
from reconciler.cli.present import present


@click.command("history", short_help="who changed a model, when, approved by whom")
@click.argument("model")
@click.option("--at", type=UNTIL, help="What served then; a date means the end of that day, UTC.")
@click.option("--version", "number", type=click.IntRange(1), help="Only what concerns it.")
@click.option("--since", type=SINCE, help="Only what was merged from then on.")
@click.option("--until", type=UNTIL, help="Only what was merged up to then.")
@fetch_option
@common((*FORMATS, "csv", "markdown"))
def command(
    *,
    options: Options,
    model: str,
    at: datetime | None,
    number: int | None,
    since: datetime | None,
    until: datetime | None,
    fetch_notes: str | None,
) -> int:
    """Show one row for every merged change of MODEL: its evidence, and what it meant."""
    history = opened(options).history(
        model, at=at, version=number, since=since, until=until, fetch_notes=fetch_notes
    )
    return present(history, options)
