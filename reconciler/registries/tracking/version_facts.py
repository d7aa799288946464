"""Collects the facts about one version from a tracking server, and sentences on missing ones."""

import math
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from reconciler.core.facts import Facts, Part, Run, Unread
from reconciler.core.state import Identity
from reconciler.core.uris import safe_uri
from reconciler.errors import NotFound, RegistryError, Unavailable
from reconciler.registries.error_mapping import PERMISSION_HINT
from reconciler.registries.tracking import mlmodel_file
from reconciler.registries.tracking.mlmodel_file import MLmodel
from reconciler.registries.tracking.run_responses import LoggedMetricRow, LoggedModelRow, RunRow
from reconciler.registries.tracking.sources import (
    VersionFiles,
    is_copy,
    is_tracked,
    logged_model_of,
)

MLMODEL: Final = "MLmodel"
LARGEST_FILE: Final = 1024 * 1024
LARGEST_ANSWER: Final = 16 * 1024 * 1024
_LONGEST_REASON: Final = 160
_LONGEST_ID: Final = 12
_SHORT_ID: Final = 8
_MOST_RUNS: Final = 4
_NO_FILE: Final = MLmodel()

_LONGEST_SOURCE: Final = 80
_OTHER_SERVER_HINT: Final = (
    "where its runs are on another server than the registry, name that one in MLFLOW_TRACKING_URI"
)
_LOG_AGAIN: Final = "log that metric in a run that can be read; then plan again"
_READABLE_HINT: Final = "see that the server can read it"

Row = TypeVar("Row")


class Tracking(Protocol):
    """The queries that an adapter supports; every method raises `RegistryError`."""

    def run(self, run_id: str) -> RunRow:
        """Return a run, also a deleted one."""
        ...

    def logged_model(self, model_id: str) -> LoggedModelRow:
        """Return a logged model of MLflow 3."""
        ...

    def mlmodel(self, files: VersionFiles) -> bytes:
        """Return a version's `MLmodel` file of at most `LARGEST_FILE` bytes."""
        ...


def gather(tracking: Tracking, model: str, version: int, identity: Identity) -> Facts:
    """Return the facts about a version, with at most one query for each part."""
    asking = _Asking(tracking, f"v{version}")
    run = asking.own_run(identity.run_id)
    file = asking.mlmodel(VersionFiles(model, version, identity.source or "", run))
    logged = asking.logged_model(_model_id(identity, file))
    if "signature" in asking.unread and is_copy(identity.source or ""):
        asking.unread["logged model"] = asking.unread["signature"]  # the file would have named it
    own = None if run is None or run.is_deleted else run.data
    metrics = dict(own.metrics) if own else {}
    params = dict(own.params) if own else {}
    if logged is not None:
        metrics = {**asking.model_metrics(logged, except_for=metrics), **metrics}
        params = {**logged.data.params, **params}
    return Facts(
        metrics=dict(sorted(metrics.items())),
        params=dict(sorted(params.items())),
        run=None if run is None else run_of(run),
        signature=file.signature,
        missing=tuple(asking.missing),
        unread=asking.unread,
    )


def _model_id(identity: Identity, file: MLmodel) -> str | None:
    """Return the logged model of a version; a copied version has it in its file only."""
    source = identity.source or ""
    return logged_model_of(source) or (file.model_id if is_copy(source) else None)


def run_of(row: RunRow) -> Run:
    """Return a run, without the tags of a deleted one."""
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
        self.unread: dict[Part, Unread] = {}
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

    def run(self, run_id: str, part: Part = "run") -> RunRow | None:
        """Return a run, queried once; None and a sentence when it cannot be read."""
        if run_id not in self._runs:
            name = f"run {_short(run_id)}"
            row = self._ask(part, f"{name} cannot be read", lambda: self._tracking.run(run_id))
            self._runs[run_id] = row
            if row is not None and row.is_deleted:
                self.missing.append(f"{name} is deleted")
        return self._runs[run_id]

    def mlmodel(self, files: VersionFiles) -> MLmodel:
        """Return the version's `MLmodel` file, with a sentence on what is missing."""
        label = self._label

        def read() -> MLmodel | None:
            try:
                return mlmodel_file.parse(self._tracking.mlmodel(files))
            except NotFound:
                if "run" in self.unread and is_tracked(files.source):
                    raise  # the server does not have the run: nobody knows what is in it
                self.missing.append(f"{label} has no MLmodel file")
                return _NO_FILE

        failure = f"the MLmodel file of {label} cannot be read"
        file = self._ask("signature", failure, read, source=files.source)
        if file is not None and file is not _NO_FILE and file.signature is None:
            self.missing.append(f"{label} has an MLmodel file without a signature")
        return file or _NO_FILE

    def logged_model(self, model_id: str | None) -> LoggedModelRow | None:
        """Return a logged model; None and a sentence when it cannot be read."""
        if model_id is None:
            return None
        what = f"logged model {_short(model_id)} cannot be read"
        return self._ask("logged model", what, lambda: self._tracking.logged_model(model_id))

    def model_metrics(
        self, logged: LoggedModelRow, *, except_for: dict[str, float]
    ) -> dict[str, float]:
        """Return the metrics of a logged model, except those that a deleted run logged."""
        rows = {key: row for key, row in logged.latest.items() if key not in except_for}
        found = {key: self._value(row) for key, row in sorted(rows.items())}
        return {key: value for key, value in found.items() if value is not None}

    def _value(self, row: LoggedMetricRow) -> float | None:
        by = self._runs.get(row.run_id) if row.run_id else None
        # MLflow stores a logged model's NaN as 0; its run still distinguishes the two.
        if not row.value and row.run_id and by is None and len(self._runs) < _MOST_RUNS:
            by = self.run(row.run_id, "logged model")
        if by is not None and by.is_deleted:
            return None
        if row.value:
            return row.value
        said = by.data.metrics.get(row.key) if by is not None else None
        if said is not None and (said == 0 or math.isnan(said)):
            return said
        sentence = f"metric {row.key} is 0 or NaN, which its run does not tell"
        self.missing.append(sentence)
        self.unread.setdefault("logged model", Unread(sentence, _LOG_AGAIN))
        return None

    def _ask(
        self, part: Part, failure: str, question: Callable[[], Row | None], *, source: str = ""
    ) -> Row | None:
        try:
            if self._away is not None:
                raise self._away
            return question()
        except Unavailable as error:
            self._away = error  # the time limit was reached: other queries would take as long again
            self._note(part, failure, error)
        except RegistryError as error:
            self._note(part, failure, error, source=source)
        return None

    def _note(self, part: Part, failure: str, error: RegistryError, *, source: str = "") -> None:
        place = f" (its source is `{_cut(safe_uri(source), _LONGEST_SOURCE)}`)" if source else ""
        sentence = f"{failure}: {_reason(error)}{place}"
        self.missing.append(sentence)
        hint = _way_to_read(error)
        again = " Then plan again" if hint.endswith("?") else "; then plan again"
        self.unread[part] = Unread(sentence, f"{hint}{again}")


def _way_to_read(error: RegistryError) -> str:
    if error.hint == PERMISSION_HINT:
        return "give these credentials READ on it"
    return error.hint or (_OTHER_SERVER_HINT if isinstance(error, NotFound) else _READABLE_HINT)


def _reason(error: RegistryError) -> str:
    """Return the first sentence of an error: a server's may quote pages of advice."""
    return _cut(" ".join(error.message.split()).partition(". ")[0], _LONGEST_REASON)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}…"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_ID else f"{name[:_SHORT_ID]}…"
