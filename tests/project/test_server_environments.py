"""What must hold of the list of servers that the end-to-end tests run against."""

import os
import re
import subprocess
import sys

import pytest

from tests import ROOT
from tests.support.registries.server_environments import (
    LOCKS,
    SERVERS,
    TESTS,
    VARIABLE,
    main,
    numbers,
)
from tests.support.workflows.workflow_files import jobs, steps

_CI = ROOT / ".github" / "workflows" / "ci.yml"
_PAGE = ROOT / "docs" / "compatibility.md"
_ROW = re.compile(r"^\| (\d[\d.]+) \| ([^|]+) \| ([^|]+) \| \d+ \| \d+ \|$", re.MULTILINE)
_ON_THE_PAGE = {
    "sqlite": ("sqlite", "–"),
    "postgresql+psycopg": ("PostgreSQL", "psycopg 3"),
    "postgresql+psycopg2": ("PostgreSQL", "psycopg2"),
    "mysql+pymysql": ("MariaDB", "PyMySQL"),
}


def test_the_workflow_runs_every_server() -> None:
    job = jobs(_CI)["servers"]
    assert job["strategy"]["matrix"]["server"] == [server.name for server in SERVERS]
    last = [step for step in steps(_CI) if step.job == "servers"][-1]
    assert last.keys["env"] == {"SERVERS": "${{ matrix.server }}"}
    assert last.run == "exec make servers"


def test_the_page_has_a_row_for_every_server_and_names_what_each_mlflow_needs() -> None:
    text = _PAGE.read_text(encoding="utf-8")
    assert [tuple(part.strip() for part in row) for row in _ROW.findall(text)] == [
        (server.mlflow, *_ON_THE_PAGE[server.database]) for server in SERVERS
    ]
    wanted = " ".join(path.read_text() for path in LOCKS.glob("*.in"))
    pins = {pin for pin in wanted.split() if "<" in pin}
    assert len(pins) == 2
    assert [pin for pin in pins if f"`{pin}`" not in text] == []


def test_every_server_has_its_lock_and_every_package_in_it_a_version() -> None:
    locks = {path.stem: path.read_text() for path in LOCKS.glob("*.txt")}
    assert set(locks) == {f"mlflow-{server.mlflow}" for server in SERVERS}
    for name, text in locks.items():
        assert name.replace("mlflow-", "\nmlflow==") + "\n" in text
        packages = [line for line in text.splitlines() if not line.startswith("#")]
        assert [line for line in packages if "==" not in line] == []


def test_every_tests_file_is_there() -> None:
    assert [name for name in TESTS if not (ROOT / name).is_file()] == []


def test_a_server_that_is_not_on_the_list_is_refused_with_the_list() -> None:
    with pytest.raises(SystemExit, match=r"no server `2\.9/sqlite`; there are 3\.17\.2/sqlite"):
        main(["2.9/sqlite"])


@pytest.mark.parametrize(
    ("server", "left", "lacks"),
    [
        ("2.9.2/sqlite", 7, {"logged models", "a 404 for a file that is not there"}),
        ("3.17.2/postgresql+psycopg", 10, set[str]()),
    ],
)
def test_what_an_older_server_lacks_is_left_out_with_the_reason(
    server: str, left: int, lacks: set[str]
) -> None:
    command = (
        "-m",
        "pytest",
        "--collect-only",
        "-p",
        "no:cacheprovider",
        "tests/contract/test_facts.py",
    )
    collected = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, VARIABLE: server},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    told = re.findall(r"^left out: test_.*: needs (.*), which MLflow", collected, re.MULTILINE)
    assert set(told) == lacks
    assert len(re.findall(r"<Function .*>", collected)) == left
    assert len(re.findall(r"<Function .*\[rest.*>", collected)) == left


def test_a_version_is_compared_by_its_numbers() -> None:
    assert numbers("3.17.0") > numbers("3.17") > numbers("2.22.5") > numbers("2.9.2")
