"""`reconciler history`: who changed a model, when, approved by whom; read from git alone."""

from datetime import datetime

import click

from reconciler.cli.dates import SINCE, UNTIL
from reconciler.cli.model_options import declared_models, model_option
from reconciler.cli.note_options import fetch_option
from reconciler.cli.opened import opened
from reconciler.cli.options import FORMATS, Options, common
from reconciler.cli.present import present
from reconciler.core.matching import is_glob


@click.command("history", short_help="who changed a model, when, approved by whom")
@click.argument("names", metavar="[MODEL]...", nargs=-1, shell_complete=declared_models)
@model_option("globs")
@click.option("--at", type=UNTIL, help="What served then; a date means the end of that day, UTC.")
@click.option("--version", "number", type=click.IntRange(1), help="Only what concerns it.")
@click.option("--since", type=SINCE, help="Only what was merged from then on.")
@click.option("--until", type=UNTIL, help="Only what was merged up to then.")
@fetch_option
@common((*FORMATS, "csv", "markdown"))
def command(
    *,
    options: Options,
    names: tuple[str, ...],
    globs: tuple[str, ...],
    at: datetime | None,
    number: int | None,
    since: datetime | None,
    until: datetime | None,
    fetch_notes: str | None,
) -> int:
    """Show one row for every merged change of MODEL, of several, or of all: evidence and meaning.

    A DATE is `2026-01-31`, `2026-01-31T17:00+01:00`, `yesterday`, or how long ago: `36h`, `2w`.
    """
    models = (*names, *globs)
    is_one = models == names[:1] and not any(map(is_glob, names))
    history = opened(options).history(
        names[0] if names and is_one else None,
        models=None if is_one else models,
        at=at,
        version=number,
        since=since,
        until=until,
        fetch_notes=fetch_notes,
    )
    return present(history, options)
