"""`reconciler forget`: removes our two tags from models."""

import sys

import click

from reconciler.cli import output
from reconciler.cli.model_options import declared_models
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.cli.present import present
from reconciler.render import phrases
from reconciler.render.escape import visible

_SHOWN = 10


@click.command("forget", short_help="remove our two tags from models")
@click.argument(
    "models", metavar="MODEL...", nargs=-1, required=True, shell_complete=declared_models
)
@click.option("--yes", is_flag=True, help="Do not ask on a terminal.")
@common()
def command(*, options: Options, models: tuple[str, ...], yes: bool) -> int:
    """Remove the tags reconciler.commit and reconciler.owner from MODEL, a name or a glob.

    Nothing else changes. The next apply takes a model back as long as its file is there.
    """
    asks = output.is_terminal(sys.stdin) and not (yes or options.json)
    return present(opened(options).forget(models, before_writing=_ask if asks else None), options)


def _ask(models: tuple[str, ...]) -> None:
    shown = phrases.some([visible(model) for model in models], _SHOWN)
    output.confirm(f"Stop managing {phrases.models(len(models))} ({shown})?")
