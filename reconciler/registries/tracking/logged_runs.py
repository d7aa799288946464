"""Reads the last values of a run's metrics, of a run by its id or of an experiment's newest."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Final, Protocol

from reconciler.ports.measurements import LoggedMetric, LoggedRun
from reconciler.registries.search_filters import equals
from reconciler.registries.tracking.run_responses import LoggedRunRow

MOST_RUNS: Final = 50  # of a search that may find others, too
NEWEST_FIRST: Final = ["attributes.start_time DESC"]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


class LoggingRuns(Protocol):
    """A tracking server with runs; raises `RegistryError`."""

    def logged_run(self, run_id: str) -> LoggedRunRow:
        """Return a run, also a deleted one."""
        ...

    def newest_runs(self, experiment: str, matching: str) -> Sequence[LoggedRunRow]:
        """Return runs of an experiment that a filter finds, those that started last first.

        Deleted runs are left out; without such an experiment there are none.
        """
        ...


class TrackedRuns:
    """The runs of a tracking server, each with the last values of its metrics."""

    def __init__(self, tracking: LoggingRuns) -> None:
        self._tracking = tracking

    def logged_run(self, run_id: str) -> LoggedRun:
        """Return a run, also a deleted one."""
        return _run(self._tracking.logged_run(run_id))

    def newest_run(self, experiment: str, tags: Mapping[str, str]) -> LoggedRun | None:
        """Return the run of an experiment that started last, of those with all of these tags."""
        matching = " AND ".join(equals(f"tags.`{key}`", tags[key]) for key in sorted(tags))
        for row in self._tracking.newest_runs(experiment, matching):
            # The filter may find others, too: a database may compare without case.
            if tags.items() <= row.data.tags.items():
                return _run(row)
        return None


def _run(row: LoggedRunRow) -> LoggedRun:
    metrics = {
        metric.key: LoggedMetric(metric.value, _moment(metric.timestamp))
        for metric in row.data.metrics
    }
    return LoggedRun(row.info.run_id, metrics, row.info.lifecycle_stage == "deleted")


def _moment(milliseconds: int) -> datetime | None:
    """Return a time in UTC, None where a client wrote one that cannot be."""
    if milliseconds > 0:
        with suppress(OverflowError):
            return _EPOCH + timedelta(milliseconds=milliseconds)
    return None
