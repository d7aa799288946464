"""The manifests and the image fit the app and the commands that they start."""

import ast
import re
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from typing import Any

import click
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from reconciler.cli import cli
from tests import ROOT
from tests.support.kubernetes.manifests import Cluster, Manifest

_APP = ROOT / "examples" / "serving"
_SERVING = _APP / "kubernetes"
_DOCKERFILE = (_SERVING / "Dockerfile").read_text(encoding="utf-8")
_TREES = [ast.parse(file.read_text(encoding="utf-8")) for file in sorted(_APP.glob("*.py"))]
_FOLLOWS = re.compile(r"alias:[\w-]+|stage:(Production|Staging)|pinned:[1-9]\d*")
# What MLflow reads by itself, and boto3 for it.
_OF_LIBRARIES = re.compile(r"MLFLOW_\w+|AWS_\w+")


def _read_by_the_app() -> set[str]:
    """Return the environment variables that the app's own code names."""
    found = set()
    for node in (node for tree in _TREES for node in ast.walk(tree)):
        match node:
            case ast.Subscript(value=ast.Name(id="environ"), slice=ast.Constant(value=name)):
                found.add(str(name))
            case ast.Call(
                func=ast.Attribute(attr="get", value=ast.Name(id="environ")),
                args=[ast.Constant(value=name), *_],
            ):
                found.add(str(name))
            case _:
                pass
    return found


def _paths_of_the_app() -> set[str]:
    return {
        str(decorator.args[0].value)
        for tree in _TREES
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and isinstance(decorator.args[0], ast.Constant)
    }


@pytest.fixture(name="rendered", scope="module", params=["one", "many"])
def _rendered(request: pytest.FixtureRequest, cluster: Cluster) -> list[Manifest]:
    return cluster.rendered(_SERVING / "overlays" / request.param)


def _served(rendered: list[Manifest]) -> Iterator[tuple[Manifest, dict[str, str]]]:
    """Yield each container of the app with its variables."""
    settings = {
        document["metadata"]["name"]: document["data"]
        for document in rendered
        if document["kind"] == "ConfigMap"
    }
    for deployment in (document for document in rendered if document["kind"] == "Deployment"):
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        (given,) = [s["configMapRef"]["name"] for s in container["envFrom"] if "configMapRef" in s]
        yield container, settings[given]


def test_each_variable_that_is_set_is_one_that_the_app_reads(rendered: list[Manifest]) -> None:
    read = _read_by_the_app()
    assert {"MODEL", "FOLLOW", "POLL_SECONDS"} <= read
    for _, variables in _served(rendered):
        assert {name for name in variables if not _OF_LIBRARIES.fullmatch(name)} <= read
        assert {"MODEL", "FOLLOW", "MLFLOW_TRACKING_URI"} <= set(variables)
        for name in {"FOLLOW", "CANDIDATE"} & set(variables):
            assert _FOLLOWS.fullmatch(variables[name])
        assert float(variables["POLL_SECONDS"]) > 0
    readme = (_SERVING / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`([A-Z_]+)=", readme)) <= read


def test_each_path_and_port_is_one_of_the_app(rendered: list[Manifest]) -> None:
    paths = _paths_of_the_app()
    port = re.search(r'"--port", "(\d+)"', _DOCKERFILE)
    assert port
    for container, _ in _served(rendered):
        probes = [
            container[f"{kind}Probe"]["httpGet"] for kind in ("readiness", "liveness", "startup")
        ]
        assert [probe["path"] for probe in probes] == ["/readyz", "/healthz", "/healthz"]
        assert {probe["path"] for probe in probes} <= paths
        (declared,) = container["ports"]
        assert declared["containerPort"] == int(port[1])
        assert {probe["port"] for probe in probes} == {declared["name"]}
    (monitor,) = [document for document in rendered if document["kind"] == "ServiceMonitor"]
    assert {each["path"] for each in monitor["spec"]["endpoints"]} <= paths
    assert re.findall(r"^EXPOSE (\d+)$", _DOCKERFILE, re.MULTILINE) == [port[1]]


def _imported() -> set[str]:
    """Return the libraries that the app imports, by the names of their distributions."""
    names: set[str] = set()
    for node in (node for tree in _TREES for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    tops = {name.partition(".")[0] for name in names}
    dists = packages_distributions()
    return {canonicalize_name(dists[top][0]) for top in tops if top in dists}


def test_the_image_has_what_the_app_imports_at_the_versions_of_the_lock() -> None:
    installed = re.search(r"constraints\.txt \\\n +(.+)\n\nFROM", _DOCKERFILE)
    assert installed
    named = set(installed[1].split())
    brought = {
        canonicalize_name(Requirement(text).name)
        for name in named
        for text in requires(name) or ()
        if "extra" not in text
    }
    assert {"mlflow", "fastapi"} <= _imported() | named
    assert _imported() <= named | brought
    lock = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert [name for name in named if f"\n{name}==" not in lock] == []


def test_the_image_starts_the_app_and_nothing_of_the_reconciler(rendered: list[Manifest]) -> None:
    assert "mlflow-reconciler" not in _imported()
    assert re.findall(r"^COPY (.*)$", _DOCKERFILE, re.MULTILINE) == [
        "constraints.txt /build/",
        "--from=build /opt/serving /opt/serving",
        "examples/serving/*.py /srv/serving/",
    ]
    assert re.search(r'^ENTRYPOINT \["uvicorn", "app:app", ', _DOCKERFILE, re.MULTILINE)
    assert (_APP / "app.py").exists()
    tag = re.search(r"--tag (\S+)", _DOCKERFILE)
    assert tag
    assert {container["image"] for container, _ in _served(rendered)} == {tag[1]}


def test_each_job_is_a_command_that_there_is(rendered: list[Manifest]) -> None:
    for cronjob in (document for document in rendered if document["kind"] == "CronJob"):
        (container,) = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        name, *arguments = container["args"]
        assert cronjob["metadata"]["name"] == f"reconciler-{name}"
        command: Any = cli.get_command(click.Context(cli), name)
        assert command is not None
        command.make_context(name, list(arguments))
