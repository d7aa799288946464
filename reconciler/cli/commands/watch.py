"""`reconciler watch`: looks at what is measured of versions that serve, and proposes rollbacks."""

import click

from reconciler.cli.model_options import declared_models
from reconciler.cli.note_options import fetch_option
from reconciler.cli.opened import opened
from reconciler.cli.options import FORMATS, Options, common
from reconciler.cli.present import present


@click.command("watch", short_help="propose a rollback where what serves fails")
@click.argument("models", metavar="[GLOB]...", nargs=-1, shell_complete=declared_models)
@click.option("--dry-run", is_flag=True, help="Measure and say what would be done; write nothing.")
@click.option(
    "--replay", metavar="FILE", help="Run a recorded series (CSV or JSON lines) through the rules."
)
@click.option("--rule", metavar="NAME", help="With --replay: this rule alone.")
@fetch_option
@common((*FORMATS, "markdown"))
def command(
    *,
    options: Options,
    models: tuple[str, ...],
    dry_run: bool,
    replay: str | None,
    rule: str | None,
    fetch_notes: str | None,
) -> int:
    """Look once at each model that has a rule in `watch:`: healthy, failed or inconclusive.

    Made for a schedule: what it saw before is in a git note. In a CI job it opens the pull request
    of `rollback --block` for a model that failed; elsewhere it prints the command. It never writes
    to the registry. Exit 2 where a model failed.
    """
    r = opened(options)
    if replay is not None:
        return present(r.replay(replay, models or None, rule=rule), options)
    if rule is not None:
        raise click.UsageError("`--rule` goes with `--replay`")
    watched = r.watch(
        models or None,
        dry_run=dry_run,
        fetch_notes=fetch_notes,
        on_watched=lambda answer: present(answer, options),
    )
    return watched.code
