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


def bytes_option(command: Command) -> Command:
    """Add `--bytes[=all]`; the command gets `serving`, `all`, or None, as `bytes`."""
    option: Callable[[Command], Command] = click.option(
        "--bytes",
        "bytes",
        metavar="[=all]",
        is_flag=False,
        flag_value="serving",
        callback=_depth,
        help="Read every file of what serves and has a digest; --bytes=all: of all declared ones.",
    )
    return option(command)


def _depth(
    context: click.Context,
    param: click.Parameter,
    depth: str | None,
) -> str | None:
    # What stands behind an option without a value is taken for its value.
    if depth not in (None, "serving", "all"):
        takes_globs = any(isinstance(other, click.Argument) for other in context.command.params)
        where = "; a GLOB stands before --bytes" if takes_globs else ""
        raise click.BadParameter(f"`{depth}` is neither `serving` nor `all`{where}", param=param)
    return depth


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


def adopt_option(command: Command) -> Command:
    """Add `--adopt GLOB`, repeatable; the command gets the globs as `adopt`."""
    option: Callable[[Command], Command] = click.option(
        "--adopt",
        metavar="GLOB",
        multiple=True,
        shell_complete=declared_models,
        help="Take these models over.",
    )
    return option(command)
