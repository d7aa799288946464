"""stdout is the product, stderr the conversation: the only place that prints."""

import os
import shutil
import sys
from collections.abc import Iterable
from typing import TextIO

import click

from reconciler.cli.options import Options
from reconciler.cli.progress.terminal_line import LINE
from reconciler.errors import Problem, UsageError
from reconciler.render import phrases
from reconciler.render.escape import visible
from reconciler.render.json_documents import Document, dumps
from reconciler.render.table import fitted

_COLOURS = {"+": "green", "-": "red", "~": "yellow", "✗": "red", "✓": "green", "!": "yellow"}


def product(text: str, options: Options) -> None:
    """Print what was asked for on stdout; colours only on a terminal."""
    if colours(options, is_terminal(sys.stdout)):
        text = "".join(_painted(line) for line in text.splitlines(keepends=True))
    _print(text)


def patch(text: str) -> None:
    """Print a patch on stdout, byte for byte unless somebody looks at it."""
    raw = getattr(sys.stdout, "buffer", None)
    if is_terminal(sys.stdout):
        _print("".join(f"{visible(line)}\n" for line in text.split("\n")[:-1]))
    elif raw is None:
        _print(text)
    else:
        _print(text.encode())


def document(value: Document) -> None:
    """Print the one JSON document of a run on stdout."""
    _print(dumps(value))


def _print(text: str | bytes) -> None:
    try:
        with LINE.lifted():
            click.echo(text, nl=False, color=True)
    except BrokenPipeError:  # who reads has seen enough: click ends the run without a word
        raise
    except OSError as error:  # a full disk, most of the time; Python flushes the rest once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise UsageError(f"stdout cannot be written to: {error.strerror}") from error


def say(text: str) -> None:
    """Tell the person at the terminal, in its width; never part of the product."""
    columns = shutil.get_terminal_size().columns if is_terminal(sys.stderr) else None
    with LINE.lifted():
        click.echo("\n".join(fitted(text.split("\n"), columns)), err=True)


def note(text: str, options: Options) -> None:
    """Tell the person at the terminal what is no error; `--quiet` leaves it out."""
    if not options.quiet:
        say(text)


def complain(problems: Iterable[Problem]) -> None:
    """Print complaints on stderr, each with its place; what to do once for those it is alike."""
    for sentence in phrases.complaints(problems):
        say(sentence)


def confirm(question: str) -> None:
    """Ask for consent on stderr; raises `click.Abort` where the answer is no."""
    with LINE.lifted():
        click.confirm(question, abort=True, err=True)


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether somebody looks at a stream; a closed one is None."""
    return stream is not None and stream.isatty()


def terminal_columns() -> int | None:
    """Return the width of the terminal that shows stdout; None where it goes anywhere else."""
    return shutil.get_terminal_size().columns if is_terminal(sys.stdout) else None


def colours(options: Options, terminal: bool) -> bool:  # noqa: FBT001  a fact, not a mode
    """Return whether to paint: on a terminal, unless `--no-color`, NO_COLOR or a dumb one."""
    if options.color is not None:
        return options.color
    return terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _painted(line: str) -> str:
    mark = line[2:3] if line.startswith("  ") else ""
    if mark in _COLOURS and line[3:4] == " ":
        return click.style(line.rstrip("\n"), fg=_COLOURS[mark]) + "\n"
    if line.startswith("refused:"):
        return click.style(line.rstrip("\n"), fg="red", bold=True) + "\n"
    return line
