"""A progress bar on stderr, on a terminal only."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reconciler.cli.output import is_terminal
from reconciler.core.report import Result


@contextmanager
def progress(total: int, *, colour: bool) -> Iterator[Callable[[Result], None]]:
    """Yield what is to be told of each result; silent where stderr is not a terminal."""
    if not is_terminal(sys.stderr) or total == 0:
        yield lambda _: None
        return
    # Imported here: a job without a terminal does not pay for it.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True, no_color=not colour), transient=True) as bar:
        task = bar.add_task("applying", total=total)
        yield lambda _: bar.advance(task)
