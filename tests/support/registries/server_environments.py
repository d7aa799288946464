"""The MLflow servers that the end-to-end tests run against: `make servers`.

One run of pytest is for one server, which RECONCILER_SERVER names. Each MLflow is in an
environment of its own; the reconciler stays in the one that runs the tests.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pytest

from tests import ROOT
from tests.support.registries.mariadb import mariadbd

VARIABLE: Final = "RECONCILER_SERVER"
PYTHON: Final = "3.11"  # the last that MLflow 2.9 knows

# What each is installed from, at the versions that `make lock` found.
LOCKS: Final = ROOT / "tests" / "support" / "registries" / "server_locks"
# The port, what it is asked for, and each command that reads or writes a registry.
TESTS: Final = (
    "tests/contract/test_alike_names.py",
    "tests/end_to_end/test_apply_record.py",
    "tests/end_to_end/test_audit_from_git.py",
    "tests/end_to_end/test_card.py",
    "tests/end_to_end/test_declared_digests.py",
    "tests/end_to_end/test_triangle.py",
    "tests/contract/test_facts.py",
    "tests/end_to_end/test_fleet_migration.py",
    "tests/end_to_end/test_import.py",
    "tests/end_to_end/test_interrupted.py",
    "tests/contract/test_mariadb.py",
    "tests/end_to_end/test_page.py",
    "tests/contract/test_rest.py",
    "tests/end_to_end/test_promote.py",
    "tests/contract/test_registry.py",
    "tests/end_to_end/test_review.py",
    "tests/end_to_end/test_rollback.py",
)


@dataclass(frozen=True)
class Server:
    """An MLflow, and SQLAlchemy's name of the database and driver behind it."""

    mlflow: str
    database: str

    @property
    def name(self) -> str:
        return f"{self.mlflow}/{self.database}"

    @property
    def python(self) -> Path:
        return ROOT / ".servers" / f"mlflow-{self.mlflow}" / "bin" / "python"

    @property
    def missing(self) -> str | None:
        """What this machine lacks for it."""
        if self.database.startswith("mysql") and mariadbd() is None:
            return "no mariadbd on this machine"
        return None

    def install(self) -> None:
        """Make its environment, unless it is there as it is wanted."""
        lock = LOCKS / f"mlflow-{self.mlflow}.txt"
        folder = self.python.parents[1]
        done = folder / "installed"
        if done.is_file() and done.read_text() == lock.read_text():
            return
        uv = (sys.executable, "-m", "uv", "--quiet")
        subprocess.run([*uv, "venv", "--clear", "--python", PYTHON, folder], check=True)
        subprocess.run(
            [*uv, "pip", "sync", "--compile-bytecode", "--python", self.python, lock], check=True
        )
        done.write_text(lock.read_text())


SERVERS: Final = (
    Server("3.17.2", "sqlite"),
    Server("3.17.2", "postgresql+psycopg"),
    Server("3.17.2", "postgresql+psycopg2"),
    Server("3.17.2", "mysql+pymysql"),
    Server("2.22.5", "sqlite"),
    Server("2.22.5", "postgresql+psycopg2"),
    Server("2.9.2", "sqlite"),
    Server("2.9.2", "postgresql+psycopg2"),
    Server("2.9.2", "mysql+pymysql"),
)


def chosen() -> Server | None:
    """Return the server that this run is for, None for the tests as they are."""
    name = os.environ.get(VARIABLE)
    return _named(name) if name else None


def _named(name: str) -> Server:
    for server in SERVERS:
        if server.name == name:
            return server
    raise SystemExit(f"no server `{name}`; there are {', '.join(one.name for one in SERVERS)}")


def why_not(item: pytest.Item, server: Server | None) -> str | None:
    """Return why a test is not for this run: "" when it is none of the end-to-end tests."""
    if server is not None and not _meets_the_server(item):
        return ""
    for mark in item.iter_markers("needs_database"):
        databases, what = mark.args
        if not (server.database if server else "sqlite").startswith(databases):
            return f"needs {what}"
    for mark in item.iter_markers("needs_mlflow"):
        # Asked for each test, the version of a package is what collecting takes longest for.
        mlflow = server.mlflow if server else version("mlflow")
        before, what = mark.args
        if numbers(mlflow) < numbers(before):
            return f"needs {what}, which MLflow {mlflow} has not"
    if sys.version_info < (3, 11) and any(item.iter_markers("needs_cel")):
        return "needs CEL, which Python 3.10 has not"
    return None


def numbers(release: str) -> tuple[int, ...]:
    """Return a release as numbers, which compare."""
    return tuple(int(part) for part in re.findall(r"\d+", release)[:3])


def _meets_the_server(item: pytest.Item) -> bool:
    names = getattr(item, "fixturenames", ())
    params = getattr(getattr(item, "callspec", None), "params", {})
    return "mlflow_uri" in names or params.get("backend") == "rest"


def main(names: Iterable[str]) -> int:
    """Run the end-to-end tests against the named servers, or against all that this machine can."""
    asked = [_named(name) for name in names]
    results: dict[str, str] = {}
    for server in asked or SERVERS:
        if not asked and server.missing:
            results[server.name] = f"left out: {server.missing}"
            continue
        _say(f"== {server.name}")
        server.install()
        environ = {**os.environ, VARIABLE: server.name}
        command = [sys.executable, "-m", "pytest", *TESTS]
        code = subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode
        results[server.name] = "passed" if code == 0 else f"failed, pytest ended with {code}"
    for name, result in results.items():
        _say(f"{name:28} {result}")
    return int(any(result.startswith("failed") for result in results.values()))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
