"""Shows an answer again and again, until Ctrl-C: on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from reconciler.cli import output
from reconciler.cli.options import Options
from reconciler.cli.present import present
from reconciler.errors import ReconcilerError, UsageError

if TYPE_CHECKING:
    from reconciler.api.answers import Answer

_CLEAR = "\x1b[H\x1b[2J"


def watch(ask: Callable[[], Answer], seconds: float, options: Options) -> int:
    """Ask and print every so many seconds; return the code of the last answer after Ctrl-C.

    What ends one round, such as a registry that restarts, is shown and asked again. Raises
    `UsageError` where nobody looks on.
    """
    if options.json:
        raise UsageError("`--watch` shows text, not JSON", hint="run the command in a loop")
    if not output.is_terminal(sys.stdout):
        message = "`--watch` redraws a terminal, and stdout is not one"
        raise UsageError(message, hint="run the command in a loop")
    code = 0
    try:
        while True:
            code = _drawn(ask, options)
            time.sleep(seconds)
    except KeyboardInterrupt:
        return code


def _drawn(ask: Callable[[], Answer], options: Options) -> int:
    begun = options.again()
    try:
        answer = ask()
    except ReconcilerError as error:
        click.echo(_CLEAR, nl=False)
        output.complain(error.problems)
        return int(error.code)
    click.echo(_CLEAR, nl=False)
    return present(answer, begun)
