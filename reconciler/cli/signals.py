"""SIGINT, SIGTERM and SIGHUP end an apply between two requests instead of in one."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reconciler.apply.executor import Stop

# A lost connection hangs up; Windows does not know that signal.
_HANG_UP = getattr(signal, "SIGHUP", signal.SIGTERM)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, _HANG_UP)


@contextmanager
def signals(stop: Stop) -> Iterator[None]:
    """Let the signals set `stop`, and put back what they did before."""
    handle: Callable[[int, object], None] = lambda number, _: stop(number)  # noqa: E731
    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
