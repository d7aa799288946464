"""Collects the facts about one version from a tracking server, and sentences on missing ones."""

import math
import re
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from reconciler.core.facts import Facts, Run
from reconciler.core.state import Identity
from reconciler.errors import NotFound, RegistryError, Unavailable
from reconciler.registries import mlmodel_file
from reconciler.registries.mlmodel_file import MLmodel
from reconciler.registries.run_responses import LoggedMetricRow, LoggedModelRow, RunRow

LARGEST_FILE: Final = 1024 * 1024
LARGEST_ANSWER: Final = 16 * 1024 * 1024
_LONGEST_REASON: Final = 300
_LONGEST_ID: Final = 12
_SHORT_ID: Final = 8
_MOST_RUNS: Final = 4
_NO_FILE: Final = MLmodel()

_LOGGED_MODEL: Final = re.compile(r"models:/(m-[^/]+)")
_COPY: Final = re.compile(r"models:/[^/]+/[^/]+")

Part = TypeVar("Part")


class Tracking(Protocol):
    """The queries that an adapter supports; every method raises `RegistryError`."""

    def run(self, run_id: str) -> RunRow:
        """Return a run, also a deleted one."""
        ...

    def logged_model(self, model_id: str) -> LoggedModelRow:
        """Return a logged model of MLflow 3."""
        ...

    def mlmodel(self, model: str, version: int) -> bytes:
        """Return a version's `MLmodel` file of at most `LARGEST_FILE` bytes."""
        ...


def gather(tracking: Tracking, model: str, version: int, identity: Identity) -> Facts:
    """Return the facts about a version, with at most one query for each part."""
    asking = _Asking(tracking, f"v{version}")
    run = asking.own_run(identity.run_id)
    file = asking.mlmodel(model, version)
    logged = asking.logged_model(_model_id(identity, file))
    own = None if run is None or run.is_deleted else run.data
    metrics = dict(own.metrics) if own else {}
    params = dict(own.params) if own else {}
    if logged is not None:
        metrics = {**asking.model_metrics(logged, except_for=metrics), **metrics}
        params = {**logged.data.params, **params}
    return Facts(
        metrics=dict(sorted(metrics.items())),
        params=dict(sorted(params.items())),
        run=None if run is None else _run(run),
        signature=file.signature,
        missing=tuple(asking.missing),
        signature_unread=asking.file_unread,
    )


def _model_id(identity: Identity, file: MLmodel) -> str | None:
    """Return the logged model of a version; a copied version has it in its file only."""
    source = identity.source or ""
    if found := _LOGGED_MODEL.fullmatch(source):
        return found[1]
    return file.model_id if _COPY.fullmatch(source) else None


def _run(row: RunRow) -> Run:
    info, tags = row.info, row.data.tags
    return Run(
        id=info.run_id,
        name=info.run_name or tags.get("mlflow.runName"),
        status=info.status,
        user=tags.get("mlflow.user") or info.user_id or None,
        started=info.start_time,
        tags={} if row.is_deleted else dict(sorted(tags.items())),
        deleted=row.is_deleted,
    )


class _Asking:
    """The queries about one version, and the sentences on those that failed."""

    def __init__(self, tracking: Tracking, label: str) -> None:
        self.missing: list[str] = []
        self.file_unread = False
        self._tracking = tracking
        self._label = label
        self._runs: dict[str, RunRow | None] = {}
        self._away: Unavailable | None = None

    def own_run(self, run_id: str | None) -> RunRow | None:
        """Return the version's run; None and a sentence when there is none."""
        if run_id:
            return self.run(run_id)
        self.missing.append(f"{self._label} names no run")
        return None

    def run(self, run_id: str) -> RunRow | None:
        """Return a run, queried once; None and a sentence when it cannot be read."""
        if run_id not in self._runs:
            name = f"run {_short(run_id)}"
            row = self._ask(f"{name} cannot be read", lambda: self._tracking.run(run_id))
            self._runs[run_id] = row
            if row is not None and row.is_deleted:
                self.missing.append(f"{name} is deleted")
        return self._runs[run_id]

    def mlmodel(self, model: str, version: int) -> MLmodel:
        """Return the version's `MLmodel` file, with a sentence on what is missing."""
        label = self._label

        def read() -> MLmodel | None:
            try:
                return mlmodel_file.parse(self._tracking.mlmodel(model, version))
            except NotFound:
                self.missing.append(f"{label} has no MLmodel file")
                return _NO_FILE

        file = self._ask(f"the MLmodel file of {label} cannot be read", read)
        self.file_unread = file is None
        if file is not None and file is not _NO_FILE and file.signature is None:
            self.missing.append(f"{label} has an MLmodel file without a signature")
        return file or _NO_FILE

    def logged_model(self, model_id: str | None) -> LoggedModelRow | None:
        """Return a logged model; None and a sentence when it cannot be read."""
        if model_id is None:
            return None
        what = f"logged model {_short(model_id)} cannot be read"
        return self._ask(what, lambda: self._tracking.logged_model(model_id))

    def model_metrics(
        self, logged: LoggedModelRow, *, except_for: dict[str, float]
    ) -> dict[str, float]:
        """Return the metrics of a logged model, except those that a deleted run logged."""
        rows = {key: row for key, row in logged.latest.items() if key not in except_for}
        found = {key: self._value(row) for key, row in sorted(rows.items())}
        return {key: value for key, value in found.items() if value is not None}

    def _value(self, row: LoggedMetricRow) -> float | None:
        by = self._runs.get(row.run_id) if row.run_id else None
        if by is not None and by.is_deleted:
            return None
        if row.value:
            return row.value
        # MLflow stores a logged model's NaN as 0; its run still distinguishes the two.
        if row.run_id and by is None and len(self._runs) < _MOST_RUNS:
            by = self.run(row.run_id)
        said = by.data.metrics.get(row.key) if by is not None and not by.is_deleted else None
        if said is not None and (said == 0 or math.isnan(said)):
            return said
        self.missing.append(f"metric {row.key} is 0 or NaN, which its run does not tell")
        return None

    def _ask(self, failure: str, question: Callable[[], Part | None]) -> Part | None:
        try:
            if self._away is not None:
                raise self._away
            return question()
        except Unavailable as error:
            self._away = error  # the time limit was reached: other queries would take as long again
            self.missing.append(_sentence(failure, error))
        except RegistryError as error:
            self.missing.append(_sentence(failure, error))
        return None


def _sentence(failure: str, error: RegistryError) -> str:
    reason = " ".join(error.message.split())
    return f"{failure}: {reason[:_LONGEST_REASON]}{'…' if len(reason) > _LONGEST_REASON else ''}"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_ID else f"{name[:_SHORT_ID]}…"
