"""`reconciler page`: what is live, what is declared, who put it there, as files to open."""

from datetime import datetime

import click

from reconciler.cli.dates import UNTIL
from reconciler.cli.note_options import fetch_option
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.cli.present import present


@click.command("page", short_help="what is live and who put it there, as files to open")
@click.option("--out", metavar="DIR", required=True, help="The folder to write the files to.")
@click.option("--offline", is_flag=True, help="Read no registry: git and the records alone.")
@click.option("--now", type=UNTIL, help="The moment that the page names.  [default: the clock]")
@fetch_option
@common(several_states=True)
def command(
    *,
    options: Options,
    states: tuple[str, ...],
    out: str,
    offline: bool,
    now: datetime | None,
    fetch_notes: str | None,
) -> int:
    """Write a page of every model, which opens without a server; --state adds environments."""
    page = opened(options).page(
        out, states=states, offline=offline, now=now, fetch_notes=fetch_notes
    )
    return present(page, options)
