"""How far an apply is: a line of stderr that goes again, or one each minute in a log."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import click

from reconciler.cli.progress.terminal_line import LINE
from reconciler.core.durations import in_words
from reconciler.core.plan import JudgedPlan
from reconciler.render import phrases

_FEW: Final = 1  # models; for more of them the models are counted, too
_SOON: Final = 10.0  # seconds after which there is enough to tell what is left
_MINUTE: Final = 60.0


class Progress:
    """Counts changes and models of a plan as they end."""

    def __init__(self, plan: JudgedPlan, say: Callable[[str], None], every: float) -> None:
        self._changes = len(plan.changes)
        self._models = len(plan.to_write)
        self._ended = [0, 0]  # changes, models
        self._say, self._every = say, every
        self._began = self._said = time.monotonic()
        self._turn = threading.Lock()
        self._is_over = False

    def change(self) -> None:
        """Count a change."""
        self._count(0)

    def model(self) -> None:
        """Count a model."""
        self._count(1)

    def end(self) -> None:
        """Say nothing from now on: a request may outlive its apply."""
        with self._turn:
            self._is_over = True

    def show(self) -> None:
        """Say how far it is, unless that was said a moment ago."""
        now = time.monotonic()
        if not self._is_over and (self._every == 0.0 or now - self._said >= self._every):
            self._said = now
            self._say(self._line(now))

    def _count(self, which: int) -> None:
        with self._turn:
            self._ended[which] += 1
            if which == 0 or self._models > _FEW:
                self.show()

    def _line(self, now: float) -> str:
        changes, models = self._ended
        parts = [f"{changes} of {phrases.count(self._changes, 'change')}"] if self._changes else []
        if self._models > _FEW:
            parts.append(f"{models:,} of {self._models:,} models")
        if models and models < self._models and now - self._began >= _SOON:
            left = (now - self._began) / models * (self._models - models)
            parts.append(f"about {in_words(timedelta(seconds=left), parts=1)} left")
        return f"{'applying' if self._changes else 'recording'}: {', '.join(parts)}"


@contextmanager
def progress(plan: JudgedPlan | None) -> Iterator[Progress | None]:
    """Yield what counts; None where nothing is to be said."""
    if plan is None or not plan.to_write:
        yield None
        return
    takes_back = LINE.takes_back

    def say(line: str) -> None:
        if takes_back:
            LINE.show("applying", line)
        else:
            click.echo(line, err=True)

    counts = Progress(plan, say, every=0.0 if takes_back else _MINUTE)
    counts.show()
    try:
        yield counts
    finally:
        counts.end()
        LINE.end("applying")
