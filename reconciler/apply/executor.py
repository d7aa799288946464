"""Carries out a plan: models in parallel, inside a model one write after the other.

Per model: read again and compare with what the plan saw; record; description and tags, stages,
aliases, removals; read back; record. The first write that is not confirmed ends the model, and
never stops the others.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.apply.model_run import ModelRun, OnResult
from reconciler.apply.writer import Writer
from reconciler.core.changes import in_order
from reconciler.core.plan import AdmittedPlan
from reconciler.core.report import ApplyReport
from reconciler.core.state import Live
from reconciler.errors import RegistryError
from reconciler.planning.live_state import read_model
from reconciler.ports.parallel import each
from reconciler.ports.registry import Registry

_GRACE = 3.0  # seconds that requests under way get to finish after a signal


@dataclass
class Stop:
    """The one way to end an apply early: set by a signal, looked at before every write."""

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
    admitted: AdmittedPlan,
    registry: Registry,
    *,
    parallelism: int = 8,
    timeout: float = 60.0,
    stop: Stop | None = None,
    on_result: OnResult = lambda _: None,
    is_superseded_by: Callable[[str], bool] = lambda _: False,
    allow_superseded: bool = False,
) -> ApplyReport:
    """Carry out a plan that nothing forbids and return what became of every change; raises nothing.

    `timeout` is in seconds for each model. `tell` hears of every result as it happens. `newer`
    says of a commit that another run recorded whether it contains the one of this plan;
    `late_is_fine` makes that no error, as for a job that a newer one overtook.
    """
    stop, plan = stop or no_stop(), admitted.plan
    runs = [
        ModelRun(
            model,
            in_order(model.changes, plan.exclusive),
            on_result=on_result,
            is_superseded_by=is_superseded_by,
            allow_superseded=allow_superseded,
        )
        for model in plan.models
        if model.writes and not model.problems
    ]
    bugs: list[Exception] = []

    def carry_out(run: ModelRun) -> None:
        try:
            _carry_out(run, registry, Writer(registry, stop.event, timeout))
        except Exception as bug:  # noqa: BLE001  it is told after the report, which it must not cost
            run.break_off(bug)
            bugs.append(bug)

    each(carry_out, runs, threads=parallelism, stop=stop.event, grace=_GRACE)
    reports = tuple(run.report() for run in runs)
    return ApplyReport(plan, reports, signal=stop.signal, bug=bugs[0] if bugs else None)


def _carry_out(run: ModelRun, registry: Registry, writer: Writer) -> None:
    run.write(_read(run, registry), writer)
    if run.wants_reading_back and not writer.stop.is_set():
        run.finish(_read(run, registry), writer)


def _read(run: ModelRun, registry: Registry) -> Live | RegistryError | None:
    """Read the model, None when it does not exist; an error is a value here."""
    try:
        return read_model(registry, run.plan.model, run.versions)
    except RegistryError as error:
        return error
