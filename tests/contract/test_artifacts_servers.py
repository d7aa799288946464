"""The files of versions where registry, runs and files are on several servers, or are guarded."""

import json
from collections.abc import Callable
from pathlib import Path
from unittest import mock
from urllib.parse import urlsplit

import pytest

from reconciler.errors import Forbidden, RegistryError
from tests.support.registries.artifacts_lab import ArtifactsLab, signed_digest, write_files
from tests.support.registries.restricted_servers import AuthServer, WorkspacesServer
from tests.support.registries.servers import Answer, proxy

_FILES = {"MLmodel": b"flavors: {}\n", "data/model.bin": b"\0\1"}


@pytest.fixture(name="folder", scope="module")
def folder_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("model") / "files", _FILES)


@pytest.fixture(name="tracking", scope="module")
def tracking_fixture(mlflow_uri: str) -> ArtifactsLab:
    return ArtifactsLab(mlflow_uri, "mlflow-artifacts:/tracked", {})


@pytest.fixture(name="of_run", scope="module")
def of_run_fixture(tracking: ArtifactsLab, folder: Path) -> tuple[str, str]:
    return tracking.log_run(folder)


def _places(place: str, run_id: str, tracking_uri: str) -> dict[str, str]:
    host, below = urlsplit(tracking_uri).netloc, urlsplit(place).path
    return {
        "run": f"runs:/{run_id}/model",
        "proxied": place,
        "proxied by name": f"mlflow-artifacts://{host}{below}",
        "by http": f"http://{host}/api/2.0/mlflow-artifacts/artifacts{below}",
    }


@pytest.mark.parametrize("kind", ["run", "proxied", "proxied by name", "by http"])
def test_a_database_has_its_files_on_the_tracking_server(
    kind: str, sqlite_uri: str, tracking: ArtifactsLab, of_run: tuple[str, str], folder: Path
) -> None:
    run_id, place = of_run
    registry = ArtifactsLab(sqlite_uri, "", {"MLFLOW_TRACKING_URI": tracking.uri})
    source = _places(place, run_id, tracking.uri)[kind]
    registry.register("m", source)

    assert registry.read("m", 1).digest == signed_digest(folder)
    assert registry.address("m", 1) == (place if kind == "run" else source)
    if kind == "proxied":
        with pytest.raises(RegistryError, match="is on a tracking server") as caught:
            registry.read("m", 1, {"MLFLOW_TRACKING_URI": ""})
        assert "MLFLOW_TRACKING_URI" in str(caught.value.hint)


@pytest.mark.needs_mlflow("3.0", "logged models")
@pytest.mark.parametrize("workspace", ["", "default"])
def test_a_server_has_its_files_on_another_one_that_has_no_workspaces(
    workspace: str,
    workspaces_server: WorkspacesServer,
    tracking: ArtifactsLab,
    folder: Path,
    name: Callable[..., str],
) -> None:
    run_id, place = tracking.log_run(folder)
    environ = {"MLFLOW_TRACKING_URI": tracking.uri, "MLFLOW_WORKSPACE": workspace}
    registry = ArtifactsLab(workspaces_server.uri, "", environ)
    number = registry.register(name(), f"runs:/{run_id}/model", run_id=run_id)
    with proxy(tracking.uri) as server:
        registry.read(name(), number, {"MLFLOW_TRACKING_URI": server.uri})
        seen = [request.headers.get("X-MLFLOW-WORKSPACE") for request in server.requests]

    assert registry.read(name(), number).digest == signed_digest(folder)
    assert registry.address(name(), number) == place
    assert seen.count("default") == (1 if workspace else 0)  # it says that it has none


def test_a_place_without_runs_is_read_from_a_server_that_has_no_workspaces(
    workspaces_server: WorkspacesServer,
    tracking: ArtifactsLab,
    of_run: tuple[str, str],
    folder: Path,
    name: Callable[..., str],
) -> None:
    environ = {"MLFLOW_TRACKING_URI": tracking.uri, "MLFLOW_WORKSPACE": "default"}
    registry = ArtifactsLab(workspaces_server.uri, "", environ)
    number = registry.register(name(), "s3://elsewhere/m")
    with proxy(
        workspaces_server.uri,
        after=lambda request: _told(of_run[1]) if "get-download-uri" in request.path else None,
    ) as server:
        moved = ArtifactsLab(server.uri, "", environ)
        assert moved.read(name(), number).digest == signed_digest(folder)


def _told(place: str) -> Answer:
    return Answer(200, json.dumps({"artifact_uri": place}).encode())


def test_the_files_of_a_workspace_are_read_in_it_alone(
    workspaces_server: WorkspacesServer, folder: Path, name: Callable[..., str]
) -> None:
    workspaces_server.add_workspace("team-files")
    environ = {"MLFLOW_WORKSPACE": "team-files"}
    lab = ArtifactsLab(workspaces_server.uri, "", environ)
    with mock.patch.dict("os.environ", environ):
        model_id, place = lab.log_model(folder)
        number = lab.register(name(), f"models:/{model_id}", model_id=model_id)

    assert lab.read(name(), number).digest == signed_digest(folder)
    assert "team-files" in place
    with pytest.raises(RegistryError):
        lab.read(name(), number, {"MLFLOW_WORKSPACE": "default"})


def test_a_server_below_a_path_passes_files_on(
    tracking: ArtifactsLab, of_run: tuple[str, str], folder: Path, name: Callable[..., str]
) -> None:
    run_id, place = of_run
    number = tracking.register(name(), place, run_id=run_id)
    with proxy(tracking.uri, rewrite=lambda path: path.removeprefix("/team/mlflow")) as gateway:
        behind = ArtifactsLab(f"{gateway.uri}/team/mlflow/", "", {})
        assert behind.read(name(), number).digest == signed_digest(folder)
        assert all(request.path.startswith("/team/mlflow/") for request in gateway.requests)


def test_who_may_read_the_model_reads_its_files_and_others_are_told(
    auth_server: AuthServer, folder: Path, name: Callable[..., str]
) -> None:
    admin = auth_server.credentials()
    lab = ArtifactsLab(auth_server.uri, "mlflow-artifacts:/guarded", admin)
    with mock.patch.dict("os.environ", admin):
        run_id, place = lab.log_run(folder)
        number = lab.register(name(), place, run_id=run_id)
    reader, stranger = name("-reader"), name("-stranger")
    auth_server.add_user(reader, {name(): "READ"})
    auth_server.add_user(stranger, {name(): "DENY"})

    assert lab.read(name(), number, auth_server.credentials(reader)).digest == signed_digest(folder)
    with pytest.raises(Forbidden, match="answered 403") as caught:
        lab.read(name(), number, auth_server.credentials(stranger))
    assert "READ" in str(caught.value.hint)
    with pytest.raises(Forbidden, match="answered 401") as unknown:
        lab.read(name(), number, {**admin, "MLFLOW_TRACKING_PASSWORD": "wrong and long enough"})
    assert "MLFLOW_TRACKING_PASSWORD" in str(unknown.value.hint)
    assert "wrong and long" not in unknown.value.message
