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
@click.option("--since", "--from", "since", type=SINCE, help="Only what was merged from then on.")
@click.option("--until", "--to", "until", type=UNTIL, help="Only what was merged up to then.")
@click.option("--report", is_flag=True, help="Write the tables of a review to --out, with a page.")
@click.option("--out", metavar="DIR", help="With --report: the folder for its files.")
@click.option("--now", type=UNTIL, help="With --report: the moment of the reading.")
@bytes_option
@fetch_option
@common((*FORMATS, "csv", "markdown"))
def command(
    *,
    options: Options,
    since: datetime | None,
    until: datetime | None,
    report: bool,
    out: str | None,
    now: datetime | None,
    bytes: Literal["serving", "all"] | None,  # noqa: A002  the option's name
    fetch_notes: str | None,
) -> int:
    """Show every change of what serves and of aliases; exit 2 when something does not add up."""
    asked = opened(options)
    if not report:
        if out is not None or now is not None:
            raise click.UsageError("`--out` and `--now` are for `--report`")
        found = asked.audit(since=since, until=until, bytes=bytes, fetch_notes=fetch_notes)
        return present(found, options)
    if out is None:
        raise click.UsageError("`--report` writes files: `--out DIR` names their folder")
    if options.format not in FORMATS:
        raise click.UsageError(f"`--report` prints {' or '.join(FORMATS)}")
    files = asked.review(
        out, since=since, until=until, bytes=bytes, fetch_notes=fetch_notes, now=now
    )
    return present(files, options)
