"""How a command names models; a shell completes those that the files declare."""

from collections.abc import Callable

import click

from reconciler.cli.options import Command, Options
from reconciler.errors import UsageError


def declared_models(
    context: click.Context,
    param: click.Parameter,  # noqa: ARG001  click's signature
    incomplete: str,
) -> list[str]:
    """Return the declared models that begin as what is typed."""
    # A command that runs does without.
    from reconciler.api import validation  # noqa: PLC0415
    from reconciler.repository.locate import working_directory  # noqa: PLC0415

    state = context.params.get("state") or (context.obj or Options()).state
    try:
        names = validation.declared_models(state, working_directory())
    except UsageError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def model_option(name: str) -> Callable[[Command], Command]:
    """Add `--model GLOB`, repeatable; the command gets the globs as `name`."""
    option: Callable[[Command], Command] = click.option(
        "--model",
        name,
        metavar="GLOB",
        multiple=True,
        shell_complete=declared_models,
        help="Only these models.",
    )
    return option
