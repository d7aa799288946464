"""Parses MLflow's runs and logged models, as JSON or as its client's entities."""

import math
import sys
from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from reconciler.registries.responses import Milliseconds, Tags


def _unclamped(value: float) -> float:
    """Return infinity for the largest float, which MLflow stores in its place."""
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
    """The identity, user and times of a run."""

    run_id: str
    run_name: str | None = None
    status: str | None = None
    user_id: str | None = None
    start_time: Milliseconds | None = None
    lifecycle_stage: str | None = None
    artifact_uri: str | None = None


class RunData(_Row):
    """The logged data of a run; of every metric the latest value."""

    metrics: Metrics = {}
    params: Tags = {}
    tags: Tags = {}


class LoggedModelOutput(_Row):
    """A model of MLflow 3 that a run logged."""

    model_id: str


class RunOutputs(_Row):
    """What a run logged besides its own files."""

    model_outputs: list[LoggedModelOutput] = []


class RunRow(_Row):
    """A run from MLflow."""

    info: RunInfo
    data: RunData = RunData()
    outputs: RunOutputs | None = None

    @property
    def is_deleted(self) -> bool:
        """Return whether the run was deleted; MLflow keeps it until it is purged."""
        return self.info.lifecycle_stage == "deleted"


class ExperimentRow(_Row):
    """An experiment from MLflow, which has runs."""

    experiment_id: str


class LoggedMetricRow(_Row):
    """One value that a run logged for a model."""

    key: str
    value: Number
    timestamp: int = 0
    step: int = 0
    run_id: str | None = None


class LoggedRunData(_Row):
    """The data of a run, with the time of each metric's last value."""

    metrics: list[LoggedMetricRow] = []
    tags: Tags = {}


class LoggedRunRow(_Row):
    """A run from MLflow, with what a monitoring job has logged."""

    info: RunInfo
    data: LoggedRunData = LoggedRunData()


class LoggedModelData(_Row):
    """The data that runs logged for a model."""

    metrics: list[LoggedMetricRow] | None = None
    params: Tags = {}


class LoggedModelInfo(_Row):
    """The name, the moment and the folder of a logged model."""

    name: str | None = None
    creation_timestamp_ms: Milliseconds | None = None
    artifact_uri: str | None = None


class LoggedModelRow(_Row):
    """A logged model from MLflow 3."""

    info: LoggedModelInfo = LoggedModelInfo()
    data: LoggedModelData = LoggedModelData()

    @property
    def latest(self) -> dict[str, LoggedMetricRow]:
        """The metrics by name, each with its last logged value."""
        rows = sorted(self.data.metrics or (), key=lambda row: (row.timestamp, row.step))
        return {row.key: row for row in rows}
