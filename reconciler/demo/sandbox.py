"""Isolates the demonstration: its folder, environment, signals, logs and warnings."""

import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Final

from reconciler.errors import UsageError
from reconciler.repository.locate import working_directory

# Variables that point to the user's own files and servers; XDG has git's ignore file.
_FOREIGN: Final = ("GIT_", "MLFLOW_", "RECONCILER_", "DATABRICKS_", "XDG_CONFIG_")
_NEEDED: Final = ("GIT_EXEC_PATH", "GIT_PYTHON_GIT_EXECUTABLE")
_GIT_SETTINGS: Final = """\
[user]
  name = Ada
  email = ada@example.com
[init]
  defaultBranch = main
"""

_came: list[int] = []  # the signals that should end the demo


@contextmanager
def sandbox(kept: Path | None = None) -> Iterator[Path]:
    """Work in an empty folder, and yield it; afterwards restore everything.

    The folder is `kept`, which stays, else a temporary one, which goes. Raises `UsageError` for a
    folder that is not empty or cannot be made.
    """
    with _ended_cleanly(), _scratch(kept) as folder, _environment(folder), _quiet():
        work = folder / "iris"
        work.mkdir()
        before = working_directory()
        os.chdir(work)
        try:
            yield work
        finally:
            os.chdir(before)


@contextmanager
def _scratch(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        yield _made(kept)
        return
    folder = TemporaryDirectory(prefix="reconciler-demo-", ignore_cleanup_errors=True)
    try:
        yield Path(folder.name)
    finally:
        # An impatient user presses Ctrl-C twice.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        folder.cleanup()
        signal.signal(signal.SIGINT, before)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as error:
        raise UsageError(f"`{folder}` cannot be made: {error.strerror}") from error
    if not is_empty:
        raise UsageError(f"`{folder}` is not empty", hint="name a folder that is not there yet")
    return folder.resolve()


@contextmanager
def _environment(folder: Path) -> Iterator[None]:
    home = folder / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(_GIT_SETTINGS, encoding="utf-8")
    before = dict(os.environ)
    _replace_environment(_inside(before, home))
    try:
        yield
    finally:
        _replace_environment(before)


def _inside(before: Mapping[str, str], home: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in before.items()
        if name in _NEEDED or not name.startswith(_FOREIGN)
    }
    return {
        **kept,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    }


def _replace_environment(values: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(values)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence logs and warnings, which all come from MLflow and alembic."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextmanager
def _ended_cleanly() -> Iterator[None]:
    """Clean up after SIGTERM and a closed terminal; by default neither would."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), _end) for name in names}
    _came.clear()
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  signal's signature
    _came.append(number)
    sys.exit(128 + number)


def end_if_asked() -> None:
    """End when a signal came: its exception is lost inside a destructor or a callback."""
    if _came:
        sys.exit(128 + _came[0])
