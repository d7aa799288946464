"""SIGINT and SIGTERM while a command only looks: it ends at once, whatever it waits for."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

_GRACE = 2.0  # seconds in which a request under way may end by itself


class Interrupted(Exception):
    """A signal arrived while nothing was being written."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Interruption:
    """What a signal does to this run; `tell` says so and returns the exit code."""

    def __init__(self, tell: Callable[[int], int]) -> None:
        self._tell = tell
        self._telling = threading.Lock()

    def install(self) -> None:
        """Be the one that hears of both signals."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._arrived)

    def end(self, number: int) -> int:
        """Tell that the run was interrupted, once, and return the exit code."""
        self._telling.acquire()  # never released: nobody tells it again
        return self._tell(number)

    def _arrived(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  signal's
        # Unwinding waits for the threads that read, and those for a server that may hang.
        threading.Thread(target=self._give_up, args=(number,), daemon=True).start()
        raise Interrupted(number)

    def _give_up(self, number: int) -> None:
        threading.Event().wait(_GRACE)
        code = self.end(number)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
