"""What MLflow answers about runs and logged models, as JSON or as its client's entities."""

import math
import sys
from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from reconciler.registries.responses import Milliseconds, Tags


def _unclamped(value: float) -> float:
    """Return the infinity that a database could not hold: MLflow stores the largest float."""
    return math.copysign(math.inf, value) if abs(value) >= sys.float_info.max else value


Number: TypeAlias = Annotated[float, AfterValidator(_unclamped)]


def _number_pairs(rows: object) -> object:
    if isinstance(rows, list):
        return {row["key"]: row["value"] for row in rows}
    return rows if isinstance(rows, Mapping) else {}


Metrics: TypeAlias = Annotated[dict[str, Number], BeforeValidator(_number_pairs)]


class _Row(BaseModel):
    model_config = ConfigDict(from_attributes=True, protected_namespaces=())


class RunInfo(_Row):
    """Who ran what, and when."""

    run_id: str
    run_name: str | None = None
    status: str | None = None
    user_id: str | None = None
    start_time: Milliseconds | None = None
    lifecycle_stage: str | None = None


class RunData(_Row):
    """What was logged; of every metric the latest value."""

    metrics: Metrics = {}
    params: Tags = {}
    tags: Tags = {}


class RunRow(_Row):
    """A run as MLflow answers."""

    info: RunInfo
    data: RunData = RunData()

    @property
    def is_deleted(self) -> bool:
        """Return whether somebody took it back: MLflow keeps a deleted run until it is purged."""
        return self.info.lifecycle_stage == "deleted"


class LoggedMetricRow(_Row):
    """One value that a run logged for a model."""

    key: str
    value: Number
    timestamp: int = 0
    step: int = 0
    run_id: str | None = None


class LoggedModelData(_Row):
    """What was logged for a model, by any run."""

    metrics: list[LoggedMetricRow] | None = None
    params: Tags = {}


class LoggedModelRow(_Row):
    """A logged model of MLflow 3 as it answers."""

    data: LoggedModelData = LoggedModelData()

    @property
    def latest(self) -> dict[str, LoggedMetricRow]:
        """The metrics by name, of several values the last that was logged."""
        rows = sorted(self.data.metrics or (), key=lambda row: (row.timestamp, row.step))
        return {row.key: row for row in rows}
