"""`reconciler migrate`: from MLflow's stages to aliases, in reviewed steps."""

from importlib import import_module

import click

from reconciler.cli.options import Command, Options, common
from reconciler.errors import UsageError

_COMMANDS = ("stages", "rewrite")


class MigrateCommands(click.Group):
    """Imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the commands in the order in which people meet them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command, None when there is none of that name."""
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"reconciler.cli.commands.migrate.{cmd_name}")
        command: click.Command = module.command
        return command


@click.group(
    "migrate",
    cls=MigrateCommands,
    short_help="from stages to aliases, in steps that can be reverted",
    no_args_is_help=False,  # click would raise the page as an error, which is told in one line
)
@common(("text", "json", "markdown"))
@click.pass_context
def command(context: click.Context, *, options: Options) -> None:
    """Move a registry and its consumers from stages, which MLflow deprecated, to aliases."""
    context.obj = options


def bridge_option(command: Command) -> Command:
    """Add `--bridge`; the command gets a mapping of stages to aliases, empty for none."""
    option = click.option(
        "--bridge",
        metavar="STAGE=ALIAS",
        multiple=True,
        callback=_pairs,
        help="The alias of a stage.  [default: `bridge` of the settings; Production=champion]",
    )
    return option(command)


def _pairs(
    context: click.Context,  # noqa: ARG001  click's signature
    param: click.Parameter,  # noqa: ARG001  as above
    value: tuple[str, ...],
) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in value:
        stage, equals, alias = text.partition("=")
        if not stage or not equals or not alias:
            raise UsageError(f"`--bridge {text}` is not a pair", hint="`--bridge STAGE=ALIAS`")
        if found.setdefault(stage, alias) != alias:
            raise UsageError(f"`--bridge` gives `{stage}` two aliases", hint="choose one")
    return found
