"""The port to the metrics that runs have logged, each with its last value and the time of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LoggedMetric:
    """The last value of a metric, which may be NaN or infinite; `time` is in UTC, if known."""

    value: float
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """A run with its metrics by name."""

    id: str
    metrics: Mapping[str, LoggedMetric] = field(default_factory=dict)
    is_deleted: bool = False


class LoggedRuns(Protocol):
    """The runs of a tracking server; every method may raise a `RegistryError`."""

    def logged_run(self, run_id: str) -> LoggedRun:
        """Return a run, also a deleted one."""
        ...

    def newest_run(self, experiment: str, tags: Mapping[str, str]) -> LoggedRun | None:
        """Return the run of an experiment that started last, of those with all of these tags.

        Return None where there is none.
        """
        ...
