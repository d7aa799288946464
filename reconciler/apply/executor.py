"""Applies a plan: models in parallel, the writes of one model in sequence.

The bytes of the versions that enter are read and compared with their digests; then the model is
read and compared with the plan's snapshot; then the record, description and tags, stages, aliases
and removals are written; then it is read back and the record completed. The first write that is not
confirmed ends the run of its model, not those of others.
"""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

from reconciler.apply.model_reader import ModelReader
from reconciler.apply.model_run import ModelRun, OnResult
from reconciler.apply.writer import Writer
from reconciler.core.artifacts.bytes_check import BytesCheck
from reconciler.core.changes import in_order
from reconciler.core.plan import AdmittedPlan, ModelPlan
from reconciler.core.report import ApplyReport, Result
from reconciler.planning.artifacts.approved_bytes import READERS, BytesReading, check_bytes, through
from reconciler.ports.parallel import each
from reconciler.ports.registry import Registry

_SIGINT = 2
_REFUSALS = 8  # as many models as are written at once by default
_GRACE = 3.0  # seconds for running requests to finish after a signal


@dataclass
class Stop:
    """Ends an apply early: a signal handler calls it, and every write checks it first.

    >>> import threading
    >>> stop = reconciler.Stop(threading.Event())
    >>> stop(15)
    >>> stop.event.is_set()
    True
    """

    event: threading.Event
    signal: int | None = None

    def __call__(self, signal: int) -> None:
        """End the run: no new request is started."""
        self.signal = signal
        self.event.set()


def no_stop() -> Stop:
    """Return a stop that is not set."""
    return Stop(threading.Event())


def apply(
    admitted: AdmittedPlan,
    registry: Registry,
    *,
    parallelism: int = 8,
    timeout: float = 60.0,
    stop: Stop | None = None,
    on_result: OnResult = lambda _: None,
    on_model: Callable[[str], None] = lambda _: None,
    is_superseded_by: Callable[[str], bool] = lambda _: False,
    allow_superseded: bool = False,
    reading: BytesReading | None = None,
    unread: Collection[str] = (),
) -> ApplyReport:
    """Apply an admitted plan and return the outcome of every change; does not raise.

    Ctrl-C in a program without a handler for it ends the run as `stop` does.

    `timeout` is in seconds per model, for its writes. `on_result` is called with every result at
    once, `on_model` with each model whose run has ended. `is_superseded_by` returns whether a
    commit that another run recorded contains this plan's commit; `allow_superseded` makes that a
    success, for a job that a newer one overtook. `reading` is how bytes are read, None for through
    the registry; those of the models in `unread` are not read again.
    """
    stop, plan = stop or no_stop(), admitted.plan
    bugs: list[Exception] = []

    def tell(heard: Callable[[Any], None], value: Result | str) -> None:
        try:
            heard(value)
        except Exception as bug:  # noqa: BLE001  the caller's own; it must not cost the rest of the model
            bugs.append(bug)

    runs = [
        ModelRun(
            model,
            in_order(model.changes, plan.exclusive),
            on_result=partial(tell, on_result),
            is_superseded_by=is_superseded_by,
            allow_superseded=allow_superseded,
        )
        for model in plan.to_write
    ]

    refusals = _Refusals()
    bytes_now = _BytesNow(reading or through(registry), unread)

    def apply_model(run: ModelRun) -> None:
        try:
            if refusals.are_all:
                return run.leave_out(f"the first {_REFUSALS} models were all refused")
            checks = bytes_now.of(run.plan)
            if stop.event.is_set():
                return run.interrupt()
            # The time for the writes begins here: how long the reading took does not count.
            _apply_model(run, registry, Writer(registry, stop.event, timeout), checks)
            refusals.ended(run)
        except Exception as bug:  # noqa: BLE001  shown after the report, which must not be lost
            run.break_off(bug)
            bugs.append(bug)
        finally:
            tell(on_model, run.plan.model)

    try:
        each(apply_model, runs, threads=parallelism, stop=stop.event, grace=_GRACE)
    except KeyboardInterrupt:
        stop(_SIGINT)
    reports = tuple(run.report() for run in runs)
    return ApplyReport(
        plan, reports, signal=stop.signal, bug=bugs[0] if bugs else None, user=registry.user
    )


class _Refusals:
    """Tells that nothing but 403 is answered: where the first models get it, thousands more would.

    One confirmed write shows that these credentials may write, and that only some models refuse.
    """

    def __init__(self) -> None:
        self._refused = 0
        self._wrote = False
        self._lock = threading.Lock()

    @property
    def are_all(self) -> bool:
        """Return whether the first models were all refused."""
        with self._lock:
            return not self._wrote and self._refused >= _REFUSALS

    def ended(self, run: ModelRun) -> None:
        """Count a model whose run has ended."""
        with self._lock:
            self._wrote = self._wrote or run.wrote
            self._refused += run.is_forbidden


class _BytesNow:
    """Reads the bytes that a model's plan puts into use once more; few models at a time.

    Those of the models in `unread` are as the plan has them.
    """

    def __init__(self, reading: BytesReading, unread: Collection[str]) -> None:
        self._reading = reading
        self._unread = frozenset(unread)
        self._slots = threading.Semaphore(READERS)

    def of(self, plan: ModelPlan) -> tuple[BytesCheck, ...]:
        """Return the checks of a model's versions, with the words of what could not be read."""
        if not plan.bytes or plan.model in self._unread:
            return plan.bytes
        with self._slots:
            return tuple(check_bytes([plan], self._reading, threads=1).values())


def _apply_model(
    run: ModelRun, registry: Registry, writer: Writer, checks: tuple[BytesCheck, ...]
) -> None:
    reader = ModelReader(registry, run.plan)
    run.write(reader, writer, checks)
    if run.wants_reading_back and not writer.stop.is_set():
        run.finish(reader, writer)
