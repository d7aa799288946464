"""The rows of a fleet in the sqlite file behind a server: its registry, and runs with metrics."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, Literal, TypeAlias

from benchmarks.fleet import FOLDER, Fleet, description, name, run, touched_by

Recorded: TypeAlias = Literal["newest", "own", "none"]

_CREATED: Final = 1_700_000_000_000
_VERSION: Final = (
    "name, version, creation_time, last_updated_time, description,"
    " current_stage, source, run_id, status, storage_location"
)
_RUN: Final = (
    "run_uuid, name, user_id, status, start_time, lifecycle_stage, artifact_uri, experiment_id"
)
_METRICS: Final = {"test_auc": 0.94, "val_auc": 0.95, "rows": 250_000.0}
_MLMODEL: Final = """\
signature:
  inputs: '[{"type": "double", "name": "amount", "required": true}]'
  outputs: '[{"type": "double", "name": "score", "required": true}]'
"""


class Database:
    """The sqlite file behind a server that has made its tables; it can be as it was any time."""

    def __init__(self, path: Path, fleet: Fleet, commits: Sequence[str]) -> None:
        self._path = path
        self._pristine = path.with_suffix(".pristine")
        self._fleet = fleet
        self._commits = commits
        artifacts = path.parent / "model"
        artifacts.mkdir()
        (artifacts / "MLmodel").write_text(_MLMODEL)
        with closing(sqlite3.connect(path)) as database, database:
            for table, rows in _rows(fleet, commits[-1], artifacts):
                places = ", ".join("?" * (table.count(",") + 1))
                insert = f"INSERT INTO {table} VALUES ({places})"  # noqa: S608  our own text
                database.executemany(insert, rows)
            with closing(sqlite3.connect(self._pristine)) as copy:
                database.commit()
                database.backup(copy)

    def keep_at(self, place: str) -> None:
        """Let each version have its files at a place, from the next `restore` on."""
        with closing(sqlite3.connect(self._pristine)) as copy, copy:
            copy.execute("UPDATE model_versions SET storage_location = ?", (place,))

    def restore(self, *, recorded: Recorded = "newest") -> None:
        """Put every row back; recorded is the newest commit, each model's own, or none."""
        with (
            closing(sqlite3.connect(self._pristine)) as copy,
            closing(sqlite3.connect(self._path, timeout=60)) as database,
        ):
            copy.backup(database)
            if recorded == "own":
                last = ((self._commits[touched_by(n)], name(n)) for n in self._fleet.numbers)
                database.executemany(
                    "UPDATE registered_model_tags SET value = ?"
                    " WHERE key = 'reconciler.commit' AND name = ?",
                    last,
                )
            if recorded == "none":
                database.execute("DELETE FROM registered_model_tags WHERE key LIKE 'reconciler.%'")
            database.commit()


def _rows(
    fleet: Fleet, commit: str, artifacts: Path
) -> Iterator[tuple[str, Iterable[tuple[object, ...]]]]:
    """Yield the tables and the rows that MLflow would write, in minutes where this takes none."""
    versions = [(n, v) for n in fleet.numbers for v in range(1, fleet.versions + 1)]
    yield (
        "registered_models (name, creation_time, last_updated_time, description)",
        ((name(n), _CREATED, _CREATED, description(n, 1)) for n in fleet.numbers),
    )
    yield (
        f"model_versions ({_VERSION})",
        (
            (
                *(name(n), v, _CREATED, _CREATED, _features(fleet, v), _stage(fleet, v)),
                *(f"s3://models/{n}/{v}", run(n, v), "READY", artifacts.as_uri()),
            )
            for n, v in versions
        ),
    )
    yield "registered_model_tags (name, key, value)", _model_tags(fleet, commit)
    yield (
        "model_version_tags (name, version, key, value)",
        (
            (name(n), v, key, value)
            for n, v in versions
            for key, value in (("risk_tier", "high"), ("data_version", f"2.{v}"))
        ),
    )
    yield (
        "registered_model_aliases (name, alias, version)",
        ((name(n), "champion", fleet.versions - 1) for n in fleet.numbers),
    )
    yield from _runs(fleet, artifacts)


def _runs(fleet: Fleet, artifacts: Path) -> Iterator[tuple[str, Iterable[tuple[object, ...]]]]:
    """Yield the runs of the versions that a promotion compares, or of all."""
    compared = sorted({*fleet.promoted, fleet.one})
    runs = [run(n, v) for n in compared for v in (fleet.versions - 1, fleet.versions)]
    if fleet.runs == "all":
        runs = [run(n, v) for n in fleet.numbers for v in range(1, fleet.versions + 1)]
    yield (
        f"runs ({_RUN})",
        (
            (one, "trained", "ada", "FINISHED", _CREATED, "active", artifacts.as_uri(), 0)
            for one in runs
        ),
    )
    for table in ("latest_metrics", "metrics"):
        yield (
            f"{table} (key, value, timestamp, step, is_nan, run_uuid)",
            ((key, value, _CREATED, 0, 0, one) for one in runs for key, value in _METRICS.items()),
        )


def _model_tags(fleet: Fleet, commit: str) -> Iterator[tuple[str, str, str]]:
    for n in fleet.numbers:
        yield name(n), "owner", f"team-{n % 20}"
        yield name(n), "reconciler.commit", commit
        yield name(n), "reconciler.owner", FOLDER


def _features(fleet: Fleet, version: int) -> str:
    return "Adds merchant-risk features" if version == fleet.versions else ""


def _stage(fleet: Fleet, version: int) -> str:
    return {fleet.versions: "Staging", fleet.versions - 1: "Production"}.get(version, "Archived")
