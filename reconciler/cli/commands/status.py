"""`reconciler status`: where every version stands."""

import click

from reconciler.cli.model_options import declared_models
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.cli.present import present
from reconciler.cli.watching import watch


def _kinds(
    context: click.Context,  # noqa: ARG001  click's signature
    param: click.Parameter,  # noqa: ARG001  as above
    incomplete: str,
) -> list[str]:
    """Return the lists of words that begin as what is typed."""
    # A command that runs does without.
    from reconciler.planning.status import SYNCS  # noqa: PLC0415

    done, comma, begun = incomplete.rpartition(",")
    words = (sync.replace(" ", "-") for sync in SYNCS)
    return [done + comma + word for word in words if word.startswith(begun)]


@click.command("status", short_help="show where every version stands")
@click.argument("models", metavar="[GLOB]...", nargs=-1, shell_complete=declared_models)
@click.option(
    "--only",
    metavar="STATUS,...",
    multiple=True,
    shell_complete=_kinds,
    help="Only versions that are in-sync, out-of-sync, unmanaged, held, diverged, …",
)
@click.option("--watch", "watches", is_flag=True, help="Show it again and again, until Ctrl-C.")
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(min=1.0),
    default=5.0,
    show_default=True,
    help="With --watch: how long to wait.",
)
@common()
def command(
    *,
    options: Options,
    models: tuple[str, ...],
    only: tuple[str, ...],
    watches: bool,
    interval: float,
) -> int:
    """Show stage, aliases and sync of every version that somebody may use."""
    r = opened(options)
    kinds = [word for words in only for word in words.split(",")]
    if watches:
        return watch(lambda: r.status(models or None, only=kinds), interval, options)
    return present(r.status(models or None, only=kinds), options)
