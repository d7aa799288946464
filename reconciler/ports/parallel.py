"""Runs functions in daemon threads, which do not keep the process alive.

The standard library's pools wait for their threads at exit, so one request that hangs would delay
Ctrl-C and the report.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

_POLL_INTERVAL = 0.05  # seconds; the main thread handles signals between two waits


def each(
    work: Callable[[ItemT], ResultT],
    items: Sequence[ItemT],
    *,
    threads: int,
    stop: threading.Event | None = None,
    grace: float = 0.0,
) -> list[ResultT]:
    """Return the results of `work` in the order of `items`; raises the first exception of `work`.

    After `stop` is set no item is started. Running ones get `grace` seconds; the results of those
    that take longer are missing. An interruption of the caller sets `stop`, and is raised again
    after that time.
    """
    stop = stop or threading.Event()
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for index in range(len(items)):
        waiting.put(index)
    done: dict[int, ResultT] = {}
    failed: list[BaseException] = []

    def run(ended: threading.Event) -> None:
        while not (stop.is_set() or failed):
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                break
            try:
                done[index] = work(items[index])
            except BaseException as error:  # noqa: BLE001  raised again in the caller
                failed.append(error)
        ended.set()

    workers = [threading.Event() for _ in range(min(threads, len(items)))]
    for ended in workers:
        threading.Thread(target=run, args=(ended,), daemon=True).start()
    try:
        _wait(workers, stop, grace)
    except BaseException:  # Ctrl-C: nothing more may begin in the name of a caller that is gone
        stop.set()
        _wait(workers, stop, grace)
        raise
    if failed:
        raise failed[0]
    return [done[index] for index in sorted(done)]


def _wait(workers: Sequence[threading.Event], stop: threading.Event, grace: float) -> None:
    # Not by `join`: in Python 3.11 a thread whose join was interrupted counts as ended.
    deadline: float | None = None
    for ended in workers:
        while not ended.wait(_POLL_INTERVAL):
            if stop.is_set():
                deadline = deadline or time.monotonic() + grace
                if time.monotonic() > deadline:
                    return


def begun(work: Callable[[], ResultT]) -> Callable[[], ResultT]:
    """Begin `work` in a thread; return a function that waits for its result, or raises its error.

    An interruption ends the waiting, not the work.
    """
    done: list[ResultT] = []
    failed: list[BaseException] = []
    ended = threading.Event()

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:  # noqa: BLE001  raised again in the caller
            failed.append(error)
        ended.set()

    def result() -> ResultT:
        while not ended.wait(_POLL_INTERVAL):
            pass
        if failed:
            raise failed[0]
        return done[0]

    threading.Thread(target=run, daemon=True).start()
    return result
