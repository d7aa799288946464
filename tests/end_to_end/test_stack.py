"""The services of examples/stack as `make stack` starts them, and the tutorial of its README."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests import ROOT
from tests.support.lessons.lesson import run
from tests.support.lessons.warm_python import warm_python
from tests.support.registries.servers import free_port

_STACK = ROOT / "examples" / "stack"
_README = (_STACK / "README.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Laptop:
    """A folder where somebody starts the stack, with ports that are free."""

    folder: Path
    settings: Mapping[str, str]

    @classmethod
    def new(cls, folder: Path) -> "Laptop":
        text = (_STACK / "stack.env.example").read_text(encoding="utf-8")
        text = re.sub(r"(?<=_PORT=)\d+", lambda _: str(free_port()), text)
        (folder / "stack.env").write_text(text)
        return cls(folder, dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)))

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.settings['MLFLOW_PORT']}"

    @property
    def command(self) -> list[str]:
        """`make stack`, with the environment of this run in the place of the checkout's."""
        return [
            *("make", "--no-print-directory", "--old-file=.venv/installed", "stack"),
            f"BIN={Path(sys.executable).parent}",
            f"STACK={self.folder / 'data'}",
            f"STACK_ENV={self.folder / 'stack.env'}",
        ]

    def run(self) -> subprocess.CompletedProcess[str]:
        """Start it where it cannot run."""
        return subprocess.run(self.command, cwd=ROOT, capture_output=True, text=True, check=False)

    @property
    def terminal(self) -> str:
        """What its terminal shows."""
        return (self.folder / "terminal").read_text()

    @contextmanager
    def started(self) -> Iterator[subprocess.Popen[bytes]]:
        """Start it, wait until it says that it runs, and press Ctrl-C."""
        with (self.folder / "terminal").open("wb") as terminal:
            process = subprocess.Popen(
                self.command, cwd=ROOT, stdout=terminal, stderr=terminal, start_new_session=True
            )
        try:
            while "\nCtrl-C ends" not in self.terminal:
                assert process.poll() is None, self.terminal
                time.sleep(0.1)
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            process.wait(60)

    def listens(self) -> bool:
        """Return whether anything of it still does."""
        ports = [int(value) for name, value in self.settings.items() if name.endswith("_PORT")]
        for port in ports:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
        return False


@pytest.fixture(name="laptop")
def laptop_fixture() -> Iterator[Laptop]:
    # PostgreSQL's own user must reach it when we are root: pytest's folders are closed.
    with tempfile.TemporaryDirectory(prefix="stack") as folder:
        yield Laptop.new(Path(folder))


def test_the_tutorial_runs_as_it_stands_and_a_second_start_has_its_models(
    laptop: Laptop, tmp_path: Path
) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "examples").symlink_to(ROOT / "examples")
    (checkout / ".venv").mkdir()
    (tmp_path / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.com\n")
    serving = str(free_port())
    page = _README.replace(":5000", f":{laptop.settings['MLFLOW_PORT']}")
    page = page.replace("--port 8000", f"--port {serving}")
    page = page.replace("ask.py ", f"ask.py --url http://127.0.0.1:{serving} ")
    reader = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "LANG": "C.UTF-8",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    # A first start that Ctrl-C ended while PostgreSQL made its files.
    interrupted = laptop.folder / "data" / "postgres.unfinished"
    interrupted.mkdir(parents=True)
    (interrupted / "PG_VERSION").touch()
    with warm_python(checkout / ".venv"), laptop.started():
        assert f"\n  export MLFLOW_TRACKING_URI={laptop.uri}\n" in laptop.terminal
        problems = run(page, checkout, reader, seconds=200)
        assert not problems, "\n\n".join(problems)
        again = laptop.run()
        assert again.returncode != 0
        port = laptop.settings["POSTGRES_PORT"]
        assert again.stderr.startswith(f"make stack: port {port} of 127.0.0.1 cannot be used: ")
        assert "/stack.env, a copy of stack.env.example\n" in again.stderr
    assert "\n\nStopped. The next start goes on with what is in " in laptop.terminal
    assert not laptop.listens()

    with laptop.started() as stack:
        asked = {"name": "iris_clf", "alias": "prod"}
        path = f"{laptop.uri}/api/2.0/mlflow/registered-models/alias"
        found = requests.get(path, asked, timeout=10).json()
        assert found["model_version"]["version"] == "1"
        # From the S3 server, which has it from the folder; and MLflow answers a container, too.
        wanted = {"name": "iris_clf", "version": "1", "path": "MLmodel"}
        path, headers = f"{laptop.uri}/model-versions/get-artifact", {"Host": "mlflow:5000"}
        assert "sklearn" in requests.get(path, wanted, headers=headers, timeout=10).text

        database = laptop.folder / "data" / "postgres" / "postmaster.pid"
        os.kill(int(database.read_text().split()[0]), signal.SIGQUIT)
        assert stack.wait(60) != 0
        assert "\nmake stack: postgres has ended; the end of " in laptop.terminal
    assert not laptop.listens()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (lambda _: None, "the settings cannot be read: "),
        (lambda text: text.replace("S3_BUCKET=mlflow\n", ""), "stack.env lacks S3_BUCKET: "),
        (
            lambda text: text.replace("S3_BUCKET=mlflow", "S3_BUCKET=my bucket"),
            "stack.env: S3_BUCKET can have letters, digits, - and _ alone",
        ),
        (lambda text: text.replace("S3_PORT=", "S3_PORT=x"), "port x"),
        (lambda text: text.replace("S3_PORT=", "S3_PORT=9"), "port 9"),
    ],
    ids=[
        "no file",
        "a missing line",
        "a mark in a value",
        "a word for a port",
        "no port of this world",
    ],
)
def test_wrong_settings_are_told_before_anything_starts(
    laptop: Laptop, settings: Callable[[str], str | None], told: str
) -> None:
    file = laptop.folder / "stack.env"
    text = settings(file.read_text())
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    done = laptop.run()
    assert done.returncode != 0
    assert done.stderr.startswith("make stack: "), done.stderr
    assert told in done.stderr.splitlines()[0]
    assert "Traceback" not in done.stderr
    assert not list((laptop.folder / "data").glob("*"))


def test_a_folder_that_cannot_be_is_told(laptop: Laptop) -> None:
    (laptop.folder / "data").write_text("a file")
    done = laptop.run()
    assert done.returncode != 0
    assert re.match(r"make stack: .*File exists: '.*/data'\n", done.stderr), done.stderr
