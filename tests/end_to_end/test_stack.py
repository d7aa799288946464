"""The services of examples/stack as `make stack` starts them, and the tutorial of its README."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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

    @contextmanager
    def stack(self) -> Iterator[str]:
        """Start it, yield what it says, and press Ctrl-C."""
        with subprocess.Popen(
            self.command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stdout is not None
            said = ""
            try:
                for line in process.stdout:
                    said += line
                    if line.startswith("Ctrl-C"):
                        break
                assert "Ctrl-C" in said, said
                yield said
            finally:
                os.killpg(process.pid, signal.SIGINT)
                rest, _ = process.communicate(timeout=60)
        assert f"Stopped. The next start goes on with what is in {self.folder / 'data'}." in rest


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
    with warm_python(checkout / ".venv") as commands, laptop.stack() as said:
        assert f"export MLFLOW_TRACKING_URI={laptop.uri}" in said
        reader = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "GIT_CONFIG_NOSYSTEM": "1",
            "LANG": "C.UTF-8",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        assert commands == checkout / ".venv" / "bin"
        problems = run(page, checkout, reader)
        assert not problems, "\n\n".join(problems)

        again = subprocess.run(
            laptop.command, cwd=ROOT, capture_output=True, text=True, check=False
        )
        taken = f"port {laptop.settings['POSTGRES_PORT']} cannot be used"
        assert (again.returncode != 0, taken in again.stderr) == (True, True), again.stderr
        assert "POSTGRES_PORT in stack.env" in again.stderr
        assert "Traceback" not in again.stderr

    with laptop.stack():
        api = f"{laptop.uri}/api/2.0/mlflow"
        asked = {"name": "iris_clf", "alias": "prod"}
        found = requests.get(f"{api}/registered-models/alias", asked, timeout=10).json()
        assert found["model_version"]["version"] == "1"
        # From the S3 server, which has it from the folder; and MLflow answers a container, too.
        path = {"name": "iris_clf", "version": "1", "path": "MLmodel"}
        headers = {"Host": "mlflow:5000"}
        model = requests.get(
            f"{laptop.uri}/model-versions/get-artifact", path, headers=headers, timeout=10
        )
        assert "sklearn" in model.text
