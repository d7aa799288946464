"""The access logs of real servers, with the loads that MLflow's own client made through them."""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import mlflow
import pytest

from reconciler.api.usage.access_logs import read
from reconciler.audit.usage.access_log.reader import AccessLogReader
from reconciler.audit.usage.loads import SeenLoad
from tests.support.registries.access_log_formats import FORMATS, Line
from tests.support.registries.lab import Hand, Lab
from tests.support.registries.servers import mlflow_server, proxy
from tests.support.repositories.git_lab import GitLab

# A consumer: it loads in each way that there is, from one server after the other.
_PROGRAM = """
import sys
import mlflow

name, *uris = sys.argv[1:]
mlflow.set_tracking_uri(uris[0])
with mlflow.start_run():
    mlflow.pyfunc.log_model(
        name="model",
        python_model=lambda model_input: [2 * number for number in model_input],
        registered_model_name=name,
        pip_requirements=[],
    )
client = mlflow.MlflowClient()
client.set_registered_model_alias(name, "champion", "1")
client.transition_model_version_stage(name, "1", "Production")
for uri in uris:
    mlflow.set_tracking_uri(uri)
    for loads in ("@champion", "/1", "/Production", "@champion", "/latest", "@gone", "/7"):
        try:
            mlflow.pyfunc.load_model(f"models:/{name}{loads}")
        except mlflow.MlflowException as error:
            assert loads in ("@gone", "/7"), error
    mlflow.MlflowClient().get_latest_versions(name, ["Production"])
"""
# The pin is one load; `get_latest_versions` is one more by stage than `/Production` and `/latest`.
_LOADED = {"@champion": (2, 0), "1": (1, 0), None: (3, 0), "@gone": (0, 1), "7": (0, 1)}


@dataclass(frozen=True)
class Servers:
    """The logs of two servers, and what a proxy in front of the first one saw."""

    name: str
    uvicorn: Path
    gunicorn: Path
    gunicorn_uri: str
    lines: tuple[Line, ...]
    began: datetime


@pytest.fixture(name="servers", scope="module")
def servers_fixture(
    mlflow_uri: str, mlflow_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    """Run both kinds of server on one registry, and a program that loads from it."""
    folder = tmp_path_factory.mktemp("gunicorn")
    name = f"{folder.name} détection + モデル"
    options = ("--gunicorn-opts", "--access-logfile -")
    began = datetime.now(timezone.utc)
    with (
        mlflow_server(folder, f"sqlite:///{mlflow_folder}/server.db", options=options) as gunicorn,
        proxy(mlflow_uri) as front,
    ):
        command = [sys.executable, "-W", "ignore", "-c", _PROGRAM, name, front.uri, gunicorn]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        lines = tuple(
            Line(path, method, status, agent=request.headers["User-Agent"])
            for request, (method, path, status) in zip(front.requests, front.log, strict=True)
        )
        logs = [next(place.glob("server-*.log")) for place in (mlflow_folder, folder)]
        yield Servers(name, logs[0], logs[1], gunicorn, lines, began)


def _counts(servers: Servers, loads: Iterable[SeenLoad]) -> Mapping[str | None, tuple[int, int]]:
    own = [load for load in loads if load.model == servers.name]
    return {load.loads: (load.count, load.failed) for load in own}


@pytest.mark.parametrize("kind", ["uvicorn", "gunicorn"])
def test_the_log_of_a_server_tells_who_loaded_what(servers: Servers, kind: str) -> None:
    logs = read([str(getattr(servers, kind))], root=Path("/"))
    assert _counts(servers, logs.seen) == _LOADED
    assert logs.warnings == ()
    own = [load for load in logs.seen if load.model == servers.name]
    agent = None if kind == "uvicorn" else f"mlflow-python-client/{mlflow.__version__}"
    assert {(load.client, load.agent) for load in own} == {("127.0.0.1", agent)}
    earliest = servers.began.replace(microsecond=0)
    for load in own:
        assert load.first
        assert load.last
        assert earliest <= load.first <= load.last <= datetime.now(timezone.utc)


@pytest.mark.parametrize("form", FORMATS)
def test_a_proxy_would_have_written_the_same(servers: Servers, form: str) -> None:
    reader = AccessLogReader()
    reader.feed(FORMATS[form].write(line).encode() for line in servers.lines)
    assert reader.unread == 0
    assert _counts(servers, reader.loads()) == _LOADED


def test_what_the_reconciler_reads_itself_is_no_load(servers: Servers, tmp_path: Path) -> None:
    before = read([str(servers.gunicorn)], root=Path("/"))
    lab = Lab(GitLab.new(tmp_path), servers.gunicorn_uri, Hand(servers.gunicorn_uri))
    lab.declare(servers.name, "versions: {1: {stage: Production}}")
    assert lab.run("digest", f"{servers.name}/1").code == 0
    lines = servers.gunicorn.read_text(encoding="utf-8").splitlines()
    assert any(
        "/get-download-uri?" in line for line in lines if line.endswith('"mlflow-reconciler"')
    )
    assert read([str(servers.gunicorn)], root=Path("/")) == before
