"""A program that uses a registry through MLflow's client finds its process as it was."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.facts import Column, Signature
from reconciler.registries.lent_environment import lent
from tests.support.registries.servers import MlflowSeeds
from tests.support.repositories.git_lab import GitLab

_NAME = "RECONCILER_TEST_LENT"
# A program with habits of its own; what it finds changed afterwards goes to stdout.
_PROGRAM = """
import json, logging, os, signal, sys, threading, warnings

logging.basicConfig(filename="host.log", filemode="w", level=logging.WARNING)
names = ("mlflow", "alembic", "sqlalchemy.engine", "huey")


def log_as_we_want():
    for name in names:
        logging.getLogger(name).setLevel(logging.ERROR)
        logging.getLogger(name).handlers = [logging.FileHandler(f"{name}.log", mode="w")]
        logging.getLogger(name).propagate = name != "alembic"


log_as_we_want()
warnings.filterwarnings("error", message="the host's own")
warnings.filterwarnings("ignore", category=ResourceWarning)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, lambda *_: None)
os.environ["HOST"] = "is here"

import reconciler

# Python 3.10 gets exception groups from a package, which sets a hook on its first import.
if sys.version_info < (3, 11):
    import exceptiongroup

if sys.argv[1] == "first":
    import mlflow.store.model_registry.sqlalchemy_store, mlflow.tracking, mlflow.artifacts
    log_as_we_want()


def state():
    # What a library's own first import adds for itself, an empty handler or a filter of
    # warnings, is not the host's.
    loggers = {}
    for logger in (logging.root, *map(logging.getLogger, names)):
        handlers = [id(h) for h in logger.handlers if not isinstance(h, logging.NullHandler)]
        loggers[logger.name] = [
            logger.level, handlers, logger.propagate, logger.disabled, len(logger.filters)
        ]
    return {
        "loggers": loggers,
        "disabled": logging.root.manager.disable,
        "environment": dict(os.environ),
        "warnings": list(warnings.filters),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "folder": os.getcwd(),
        "hooks": [sys.excepthook, threading.excepthook, sys.unraisablehook],
    }


def work():
    r = reconciler.open(root=sys.argv[3], registry_uri=sys.argv[2], warn=said.append)
    plan = r.plan()
    (shown,) = plan.to_dict()["models"][0]["evidence"]
    report = r.apply(plan)
    done.update(changes=plan.summary["changes"], applied=report.summary["applied"],
                left=r.plan().summary["changes"], drift=r.drift().code,
                stage=r.status().rows[0].stage,
                metrics=shown["candidate"]["metrics"])


said = []
done, before = {}, state()
thread = threading.Thread(target=work)
thread.start()
thread.join()
after = state()
if sys.argv[1] != "first":
    after["warnings"] = [one for one in after["warnings"] if one in before["warnings"]]
logging.getLogger("mlflow").error("heard by its own")
logging.getLogger("elsewhere").warning("heard by the root")
print(json.dumps({
    "changed": [name for name in before if before[name] != after[name]],
    "details": {name: [str(before[name]), str(after[name])] for name in before
                if before[name] != after[name]},
    "done": done,
    "mlflow.log": open("mlflow.log").read(),
    "host.log": open("host.log").read(),
}))
"""


def _run(git: GitLab, elsewhere: Path, *arguments: str) -> dict[str, Any]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        cwd=elsewhere,
        env=kept | {"HOME": str(git.home), "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("order", ["first", "later"])
def test_plan_and_apply_in_a_thread_change_nothing_of_the_process(
    sqlite_uri: str, tmp_path: Path, order: str
) -> None:
    """MLflow comes before us, with its own settings or the program's, or by us."""
    seeds = MlflowSeeds(sqlite_uri, artifacts=tmp_path / "artifacts")
    signature = Signature(inputs=(Column("x", "double"),))
    seeds.log_version("m", metrics={"accuracy": 0.25}, signature=signature)
    git = GitLab.new(tmp_path)
    git.commit({"registry-state/m.yaml": "versions: {1: {stage: Production}}"}, "declare")

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    found = _run(git, elsewhere, order, sqlite_uri, str(git.root))
    assert found["changed"] == [], found["details"]
    assert found["done"]["metrics"] == {"accuracy": 0.25}
    kept = {name: found["done"][name] for name in ("changes", "applied", "left", "drift", "stage")}
    assert kept == {"changes": 1, "applied": 1, "left": 0, "drift": 0, "stage": "Production"}
    assert "heard by its own" in found["mlflow.log"]
    assert "heard by the root" in found["host.log"]


def test_what_is_lent_goes_with_the_last_who_needs_it() -> None:
    both_in, one_out = threading.Barrier(2, timeout=10), threading.Event()
    seen = []

    def stay() -> None:
        with lent(_NAME, "ours"):
            both_in.wait()
            one_out.wait(10)
            seen.append(os.environ.get(_NAME))

    thread = threading.Thread(target=stay)
    thread.start()
    with lent(_NAME, "ours"):
        both_in.wait()
    one_out.set()
    thread.join()
    assert seen == ["ours"]
    assert _NAME not in os.environ


@pytest.mark.parametrize("last", ["first", "second"])
def test_two_who_need_different_values_leave_nothing_behind(last: str) -> None:
    first, second = lent(_NAME, "first"), lent(_NAME, "second")
    first.__enter__()
    second.__enter__()
    seen = os.environ[_NAME]
    for borrower in (second, first) if last == "first" else (first, second):
        borrower.__exit__(None, None, None)
    left = os.environ.pop(_NAME, None)
    assert (seen, left) == ("first", None)


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_what_the_program_has_set_is_not_touched(
    monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.delenv(_NAME, raising=False)
    if when == "before":
        monkeypatch.setenv(_NAME, "theirs")
    with pytest.raises(KeyError), lent(_NAME, "ours"):  # noqa: PT012  what is set lasts on failure
        assert os.environ[_NAME] == ("theirs" if when == "before" else "ours")
        monkeypatch.setenv(_NAME, "theirs")
        raise KeyError
    assert os.environ[_NAME] == "theirs"
