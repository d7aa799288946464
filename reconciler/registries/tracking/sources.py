"""Reads the source of a version: the run, the logged model or the folder that its files are in."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from reconciler.core.uris import scheme_of
from reconciler.registries.tracking.run_responses import LoggedModelRow, RunRow

_IN_A_RUN: Final = re.compile(r"runs:/([^/]+)/(.+)")
_LOGGED_MODEL: Final = re.compile(r"models:/(m-[^/]+)")
_COPY: Final = re.compile(r"models:/[^/]+/[^/]+")
_FOLDER_OF_A_LOGGED_MODEL: Final = re.compile(r".*/(m-[^/]+)/artifacts")
_MOST_MODELS: Final = 4  # logged by one run, that are asked for their names
# They mean something on the server of the runs only.
_TRACKED: Final = frozenset({"runs", "models", "mlflow-artifacts"})
_LOCAL: Final = frozenset({"", "file"})


@dataclass(frozen=True, slots=True)
class VersionFiles:
    """The version whose files are read; `run` is its run where that could be read."""

    model: str
    version: int
    source: str
    run: RunRow | None = None


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A folder among the files of a run."""

    run_id: str
    path: str


def run_folder(folder: str, run: RunRow | None) -> RunFolder | None:
    """Return the place of a folder in a run: by `runs:/`, or below the artifact root of `run`."""
    if found := _IN_A_RUN.fullmatch(folder):
        return RunFolder(found[1], found[2].strip("/"))
    root = (run.info.artifact_uri or "").rstrip("/") if run else ""
    if run is None or not root or not folder.startswith(f"{root}/"):
        return None
    return RunFolder(run.info.run_id, folder.removeprefix(root).strip("/"))


def logged_by(
    run: RunRow | None, folder: RunFolder, read: Callable[[str], LoggedModelRow]
) -> str | None:
    """Return the logged model that a run has in the place of a folder, as MLflow 3 logs it."""
    if run is None or run.outputs is None or run.info.run_id != folder.run_id:
        return None
    ids = [output.model_id for output in run.outputs.model_outputs[:_MOST_MODELS]]
    return next((one for one in ids if read(one).info.name == folder.path), None)


def logged_model_of(source: str) -> str | None:
    """Return the id of the logged model of MLflow 3 that a source names."""
    found = _LOGGED_MODEL.fullmatch(source)
    return found[1] if found else None


def logged_model_at(folder: str) -> str | None:
    """Return the id of the logged model whose folder this may be: its row tells."""
    found = _FOLDER_OF_A_LOGGED_MODEL.fullmatch(folder.rstrip("/"))
    return found[1] if found else None


def is_copy(source: str) -> bool:
    """Return whether a version was copied from another one."""
    return _COPY.fullmatch(source) is not None


def is_tracked(folder: str) -> bool:
    """Return whether only the server of the runs can say where a folder is."""
    return scheme_of(folder) in _TRACKED


def is_in_a_store(folder: str) -> bool:
    """Return whether a folder is in a store that means the same on every machine."""
    return scheme_of(folder) not in _TRACKED | _LOCAL
