"""Does the same to many things at once, in threads that never keep a process alive.

The standard library's pools wait for their threads at exit: a request that hangs would hold
Ctrl-C, and the report, for as long as it hangs.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_A_MOMENT = 0.05  # seconds: signals reach the main thread between two waits


def each(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    threads: int,
    stop: threading.Event | None = None,
    grace: float = 0.0,
) -> list[Result]:
    """Return `work` of every item, in their order; raises what the first one to fail raised.

    After `stop` nothing is begun, and what is under way gets `grace` seconds: what is not done by
    then is missing from the result.
    """
    stop = stop or threading.Event()
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for index in range(len(items)):
        waiting.put(index)
    done: dict[int, Result] = {}
    failed: list[BaseException] = []

    def labour() -> None:
        while not (stop.is_set() or failed):
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done[index] = work(items[index])
            except BaseException as error:  # noqa: BLE001  raised again by who waits
                failed.append(error)

    crew = [threading.Thread(target=labour, daemon=True) for _ in range(min(threads, len(items)))]
    for thread in crew:
        thread.start()
    _wait(crew, stop, grace)
    if failed:
        raise failed[0]
    return [done[index] for index in sorted(done)]


def _wait(crew: Sequence[threading.Thread], stop: threading.Event, grace: float) -> None:
    give_up: float | None = None
    for thread in crew:
        while thread.is_alive():
            thread.join(_A_MOMENT)
            if stop.is_set():
                give_up = give_up or time.monotonic() + grace
                if time.monotonic() > give_up:
                    return
