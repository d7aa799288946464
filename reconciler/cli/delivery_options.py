"""Options that say how far an edit goes, and the way it then goes: written, delivered, printed."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from reconciler.api.editing.edit import Edit
from reconciler.cli import output
from reconciler.cli.options import Command, Options
from reconciler.cli.present import present
from reconciler.errors import ReconcilerError
from reconciler.render.escape import visible


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far an edit goes: `branch` is empty for one whose name follows from the edit."""

    commit: bool
    branch: str | None
    push: bool
    pull_request: bool

    @property
    def commits(self) -> bool:
        """Whether a commit is made."""
        return self.commit or self.push or self.pull_request or self.branch is not None


def delivery_options(command: Command) -> Command:
    """Add the options; the command gets them as `delivery`, and the text of `--reason`."""

    @functools.wraps(command)
    def wrapper(
        *args: object,
        commit: bool,
        branch: str | None,
        push: bool,
        pull_request: bool,
        **rest: object,
    ) -> object:
        return command(*args, delivery=Delivery(commit, branch, push, pull_request), **rest)

    for option in reversed(_OPTIONS):
        option(wrapper)
    return wrapper  # type: ignore[return-value]  # click keeps the name, not the signature


def deliver(edit: Edit, delivery: Delivery, options: Options) -> int:
    """Write an edit, bring it as far as is asked, and print it; return the exit code.

    Raises `ReconcilerError` where nothing is written.
    """
    if not edit.refused:
        _carry_out(edit, delivery, options)
    if edit.written:
        for note in edit.notes:
            output.note(f"note: {visible(note)}", options)
    return present(edit, options)


def _carry_out(edit: Edit, delivery: Delivery, options: Options) -> None:
    if not delivery.commits:
        if edit.needs_commit:
            output.note(
                "warning: --reason goes into the commit's message, and none is made: add "
                "--commit, --branch or --pr",
                options,
            )
        edit.write()
        return
    try:
        edit.commit(branch=delivery.branch, push=delivery.push, pull_request=delivery.pull_request)
    except ReconcilerError:
        if not edit.written:
            raise
        # What failed after that is among the problems of the edit.


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--commit", is_flag=True, help="Commit the edit, and nothing else."),
    click.option(
        "--branch", metavar="[NAME]", is_flag=False, flag_value="", help="Commit on a new branch."
    ),
    click.option("--push", is_flag=True, help="Commit, and push."),
    click.option(
        "--pr", "pull_request", is_flag=True, help="Commit on a new branch, push, use `gh`."
    ),
    click.option("--reason", metavar="TEXT", help="Why; it goes into the commit."),
)
