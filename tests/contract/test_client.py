"""Registries through MLflow's client: never created, never upgraded, no credential told."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.errors import RegistryError, Unavailable, UsageError
from reconciler.registries.client import MlflowClientRegistry
from tests.support.registries.servers import MlflowSeeds, free_port

_SECRET = "s3cret-pass"  # noqa: S105  what must not be told


def _error(uri: str) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        MlflowClientRegistry(uri, {}).read(["model"])
    return caught.value


@pytest.mark.parametrize("form", ["sqlite:///registry.db", "sqlite:///{folder}/registry.db"])
def test_a_database_file_that_is_missing_is_not_created(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert "no database file" in _error(form.format(folder=tmp_path)).message
    assert not list(tmp_path.iterdir())


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE songs (title TEXT)")
    before = path.read_bytes()

    assert "holds no MLflow registry" in _error(f"sqlite:///{path}").message
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("this is not a database, but long enough to be looked at" * 20)

    assert "cannot be read as a database" in _error(f"sqlite:///{path}").message


def test_a_database_of_another_mlflow_is_not_upgraded(
    sqlite_template: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(sqlite_template, tmp_path / "old.db"))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'bd07f7e963c5'")
        database.execute("DROP TABLE webhook_events")
    before = path.read_bytes()

    assert "out-of-date database schema" in _error(f"sqlite:///{path}").message
    assert path.read_bytes() == before


def test_reading_a_database_writes_nothing_beside_or_into_it(
    sqlite_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "registry.db"
    before = path.read_bytes()

    assert MlflowClientRegistry("sqlite:///registry.db", {}).read() == {}
    assert MlflowClientRegistry(sqlite_uri, {}).confirm("model", [1]) is None
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_holds_no_registry_stays_empty(tmp_path: Path) -> None:
    for uri in (str(tmp_path), tmp_path.as_uri()):
        assert "holds no MLflow registry" in _error(uri).message
    assert not list(tmp_path.iterdir())


def test_an_empty_postgresql_stays_empty(postgres_database: str) -> None:
    assert "holds no MLflow registry" in _error(postgres_database).message
    assert "holds no MLflow registry" in _error(postgres_database).message


@pytest.mark.parametrize(
    "uri",
    [
        f"postgresql://ann:{_SECRET}@127.0.0.1:{free_port()}/ml",
        f"postgresql://ann:{_SECRET}/x@127.0.0.1:{free_port()}/ml",
        f"postgresql://127.0.0.1:{free_port()}/ml?user=ann&password={_SECRET}",
        f"nonsense://ann:{_SECRET}@host/ml",
        f"mysql+nodriver://ann:{_SECRET}@host/ml",
    ],
    ids=["user", "slash", "parameter", "nonsense", "driver"],
)
def test_an_error_never_tells_the_password(uri: str) -> None:
    error = _error(uri)

    assert _SECRET not in f"{error.message} {error.hint}"
    assert "ann" not in error.message.partition("(")[0]


def test_a_database_that_does_not_answer_is_unavailable() -> None:
    error = _error(f"postgresql+psycopg://127.0.0.1:{free_port()}/ml")

    assert isinstance(error, Unavailable)
    assert "refused" in error.message


def test_more_models_than_a_page_holds_are_all_read(sqlite_uri: str) -> None:
    MlflowSeeds(sqlite_uri).create_model("m")
    numbered = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)"
    with closing(sqlite3.connect(sqlite_uri.removeprefix("sqlite:///"))) as database, database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(registered_models)")]
        others = ", ".join(column for column in columns if column != "name")
        database.execute(
            f"{numbered} INSERT INTO registered_models (name, {others})"  # noqa: S608  its own columns
            f" SELECT 'm' || printf('%05d', i), {others} FROM n, registered_models"
        )

    assert len(MlflowClientRegistry(sqlite_uri, {}).read()) == 1501


@pytest.mark.parametrize(
    ("uri", "stages", "aliases"),
    [
        ("databricks-uc", False, True),
        ("databricks-uc://profile", False, True),
        ("databricks", True, False),
        ("databricks://profile", True, False),
        ("uc:http://host", False, False),
        ("sqlite:///registry.db", True, True),
        ("postgresql+psycopg://db/ml", True, True),
    ],
)
def test_the_scheme_tells_what_a_backend_can_hold(uri: str, stages: bool, aliases: bool) -> None:  # noqa: FBT001  a table's columns
    can = MlflowClientRegistry(uri, {}).capabilities()

    assert (can.stages, can.aliases) == (stages, aliases)
    assert bool(can.why) is not (stages and aliases)


def test_nothing_of_mlflows_own_talk_reaches_the_terminal(
    sqlite_uri: str,
) -> None:
    MlflowSeeds(sqlite_uri).create_model("m")
    MlflowSeeds(sqlite_uri).create_version("m")
    script = (
        "from reconciler.registries.connect import connect\n"
        f"registry = connect({sqlite_uri!r}, {{}}, timeout=5)\n"
        "registry.set_stage('m', 1, 'Production')\n"
        "print(len(registry.read()))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert (done.stdout, done.stderr) == ("1\n", "")


def _imported_for(uri: str, environ: dict[str, str]) -> set[str]:
    script = (
        "import sys\n"
        "from reconciler.registries.connect import connect\n"
        f"connect({uri!r}, {environ!r}, timeout=1)\n"
        "print(*(name for name in ('mlflow', 'requests') if name in sys.modules))\n"
        "start = 'reconciler.registries.'\n"
        "print(*(name for name in sys.modules if name.startswith(start)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_a_registry_over_http_never_imports_mlflow_and_a_database_never_requests() -> None:
    over_http = _imported_for("HTTP://host", {})
    assert "mlflow" not in over_http
    assert "reconciler.registries.rest" in over_http
    assert "requests" not in _imported_for("sqlite:///x.db", {})


@pytest.mark.parametrize("uri", ["databricks", "databricks-uc", "databricks://prod"])
def test_a_databricks_host_that_the_client_would_not_use_is_refused(uri: str) -> None:
    registry = MlflowClientRegistry(uri, {"DATABRICKS_HOST": "https://adb-1"})
    with pytest.raises(UsageError, match="reads DATABRICKS_HOST from this process"):
        registry.read()
