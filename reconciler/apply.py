"""Carries out a plan: models in parallel, inside a model one write after the other.

Per model: read again and compare with what the plan saw; record; description and tags, stages,
aliases, removals; read back; record. The first write that is not confirmed ends the model, and
never stops the others.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.changes import in_order
from reconciler.errors import RegistryError
from reconciler.live import read_live
from reconciler.model_run import ModelRun, Tell
from reconciler.parallel import each
from reconciler.plan import Plan
from reconciler.registry import Registry
from reconciler.report import Report
from reconciler.state import Live
from reconciler.writing import Writer

_CHUNK = 8  # models that share their reads: one listing of eight costs about as much as of one
_GRACE = 3.0  # seconds that requests under way get to finish after a signal


@dataclass
class Stop:
    """The one way to end an apply early: set by a signal, looked at before every request."""

    event: threading.Event
    signal: int | None = None

    def __call__(self, signal: int) -> None:
        """End the run: no new request starts."""
        self.signal = signal
        self.event.set()


def no_stop() -> Stop:
    """Return a stop that nobody pulls."""
    return Stop(threading.Event())


def apply(
    plan: Plan,
    registry: Registry,
    *,
    parallelism: int = 8,
    timeout: float = 60.0,
    stop: Stop | None = None,
    tell: Tell = lambda _: None,
    newer: Callable[[str], bool] = lambda _: False,
) -> Report:
    """Carry out `plan` and return what became of every change; never raises `RegistryError`.

    `timeout` is in seconds for each model. `tell` hears of every result as it happens. `newer`
    says of a commit that another run recorded whether it contains the one of this plan.
    """
    stop = stop or no_stop()
    runs = [
        ModelRun(model, in_order(model.changes, plan.exclusive), tell=tell, newer=newer)
        for model in plan.models
        if model.writes and not model.problems
    ]
    size = max(1, min(_CHUNK, len(runs) // parallelism))
    each(
        lambda chunk: _carry_out(chunk, registry, stop.event, timeout),
        [runs[start : start + size] for start in range(0, len(runs), size)],
        threads=parallelism,
        stop=stop.event,
        grace=_GRACE,
    )
    return Report(plan, tuple(run.report() for run in runs), signal=stop.signal)


def _carry_out(
    runs: Sequence[ModelRun],
    registry: Registry,
    stop: threading.Event,
    timeout: float,
) -> None:
    before = _read(runs, registry)
    for run in runs:
        run.write(before[run.plan.model], Writer(registry, stop, timeout))
    written = [run for run in runs if run.wants_reading_back]
    if not written or stop.is_set():
        return
    after = _read(written, registry)
    for run in written:
        run.finish(after[run.plan.model], Writer(registry, stop, timeout))


def _read(runs: Sequence[ModelRun], registry: Registry) -> Mapping[str, Live | RegistryError]:
    """Read these models; an error is a value here: it is the answer for the model it befell."""
    needed = {run.plan.model: run.versions for run in runs}
    try:
        found, problems = read_live(registry, needed, everything=False, parallelism=1)
    except RegistryError as error:
        return dict.fromkeys(needed, error)
    gone = RegistryError("the model is not in the registry any more")
    return {
        model: RegistryError(problems[model].message)
        if model in problems
        else found.get(model, gone)
        for model in needed
    }
