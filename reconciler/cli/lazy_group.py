"""A group of commands that are imported when they are called."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """Imports a command when it is called: `validate` must not pay for the others.

    `modules` has the module of each command, which has it as `command`.
    """

    def __init__(
        self,
        *args: Any,  # noqa: ANN401  click's arguments
        modules: Mapping[str, str],
        **attributes: Any,  # noqa: ANN401  as above
    ) -> None:
        super().__init__(*args, **attributes)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the commands in the order in which people meet them."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command, None when there is none of that name."""
        if cmd_name not in self._modules:
            return None
        command: click.Command = import_module(self._modules[cmd_name]).command
        return command
