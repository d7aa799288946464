"""Options about the apply records in git notes."""

from collections.abc import Callable

import click

from reconciler.cli.options import Command


def record_options(command: Command) -> Command:
    """Add `--record` and `--record-push` to a command that writes."""
    push = click.option(
        "--record-push", metavar="REMOTE", help="Push the apply records there; implies --record."
    )
    keep = click.option(
        "--record",
        is_flag=True,
        help="Keep a record of this apply in refs/notes/reconciler; where there are some, one is "
        "kept without asking.",
    )
    return keep(push(command))


def fetch_option(command: Command) -> Command:
    """Add `--fetch-notes` to a command that answers from git."""
    option: Callable[[Command], Command] = click.option(
        "--fetch-notes", metavar="REMOTE", help="Fetch the apply records from there first."
    )
    return option(command)
