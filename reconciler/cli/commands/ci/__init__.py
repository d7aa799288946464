"""`reconciler ci`: plan, apply and drift as a CI job runs them, with the forge around it."""

from importlib import import_module

import click

from reconciler.cli.options import Options, common

_COMMANDS = ("plan", "apply", "drift")


class CiCommands(click.Group):
    """Imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the commands in the order in which people meet them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command, None when there is none of that name."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"reconciler.cli.commands.ci.{cmd_name}").command
        return command


@click.group(
    "ci",
    cls=CiCommands,
    short_help="plan, apply and drift as a CI job runs them",
    no_args_is_help=False,  # click would raise the page as an error, which is told in one line
)
@common()
@click.pass_context
def command(context: click.Context, *, options: Options) -> None:
    """Plan a pull request, apply what was merged, watch for drift: for GitHub and GitLab jobs."""
    context.obj = options
