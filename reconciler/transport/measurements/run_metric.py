"""Reads the last value of a metric that a monitoring job logged to an MLflow run."""

from reconciler.core.declaring.watch import RunMetric
from reconciler.errors import NotFound, RegistryError
from reconciler.policy.watching.looks import Measurement
from reconciler.ports.measurements import LoggedMetric, LoggedRun, LoggedRuns
from reconciler.transport.measurements.unmeasured import Unmeasured
from reconciler.transport.measurements.watched_version import WatchedVersion


def read_metric(
    source: RunMetric, watched: WatchedVersion, run_id: str | None, runs: LoggedRuns
) -> Measurement:
    """Return the value of a metric, and when it was logged; `run_id` is the version's own run."""
    try:
        run = _run(source, watched, run_id, runs)
    except RegistryError as error:
        raise Unmeasured(error.message) from None
    if run.is_deleted:
        raise Unmeasured(f"run `{run.id}` is deleted")
    metric = _metric(run, source.metric)
    samples, why = None, None
    if source.samples is not None:
        try:
            samples = _metric(run, source.samples).value
        except Unmeasured as error:
            why = f"samples: {error.why}"
    return Measurement(metric.value, samples, metric.time, why)


def _run(
    source: RunMetric, watched: WatchedVersion, run_id: str | None, runs: LoggedRuns
) -> LoggedRun:
    if source.experiment is not None:
        tags = {"model": watched.model, "version": str(watched.version)}
        run = runs.newest_run(source.experiment, tags)
        if run is None:
            of = f"of the experiment `{source.experiment}`"
            why = f"no run {of} has the tags `model` and `version` of this version"
            raise Unmeasured(why)
        return run
    if run_id is None:
        raise Unmeasured(f"v{watched.version} names no run")
    try:
        return runs.logged_run(run_id)
    except NotFound:
        raise Unmeasured(f"there is no run `{run_id}`") from None


def _metric(run: LoggedRun, name: str) -> LoggedMetric:
    if name not in run.metrics:
        raise Unmeasured(f"run `{run.id}` has no metric `{name}`")
    return run.metrics[name]
