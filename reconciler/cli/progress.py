"""How far an apply is, in one line of stderr that goes again; on a terminal only."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import click

from reconciler.cli.output import is_terminal
from reconciler.core.report import Result
from reconciler.render import phrases

_CLEAR = "\r\x1b[2K"


@contextmanager
def progress(total: int) -> Iterator[Callable[[Result], None]]:
    """Yield what is to be told of each result; silent where no line can be taken back."""
    if total == 0 or not is_terminal(sys.stderr) or os.environ.get("TERM") == "dumb":
        yield lambda _: None
        return
    done, is_over, turn = count(), threading.Event(), threading.Lock()

    def tell(_: Result | None) -> None:
        with turn:
            if not is_over.is_set():  # a request that outlived its apply has nothing to add
                line = f"{_CLEAR}applying: {next(done)} of {phrases.count(total, 'change')}"
                click.echo(line, nl=False, err=True)

    tell(None)
    try:
        yield tell
    finally:
        with turn:
            is_over.set()
            click.echo(_CLEAR, nl=False, err=True)
