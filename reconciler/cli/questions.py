"""Asks at the terminal what only a person can decide; elsewhere the default is taken."""

import sys

import click

from reconciler.authoring.questions import AskAbout, OpenQuestion, take_default
from reconciler.cli import output
from reconciler.cli.options import Options
from reconciler.render.escape import visible

_NONE = "none"


def asking(options: Options) -> AskAbout:
    """Return who answers: the person at the terminal, where there is one."""
    is_here = output.is_terminal(sys.stdin) and output.is_terminal(sys.stderr)
    return _ask if is_here and not options.json else take_default


def _ask(question: OpenQuestion) -> str | None:
    for choice, about in question.choices.items():
        output.say(f"  {visible(choice)}  {visible(about)}")
    answer = click.prompt(
        visible(question.text),
        type=click.Choice([*question.choices, _NONE]),
        default=question.default or _NONE,
        err=True,
    )
    return None if answer == _NONE else str(answer)
