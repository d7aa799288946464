"""The files of versions on real servers: one digest, however a model is reached."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from reconciler.core.artifacts.model_files import model_files
from reconciler.registries.connect import connect
from tests.support.registries.artifacts_lab import FILES, ArtifactsLab, signed_digest, write_files


@pytest.fixture(name="folder", scope="module")
def folder_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("model") / "files")


@pytest.fixture(name="proxied", scope="module")
def proxied_fixture(mlflow_uri: str) -> ArtifactsLab:
    return ArtifactsLab(mlflow_uri, "mlflow-artifacts:/some/where", {})


@pytest.fixture(name="local")
def local_fixture(sqlite_uri: str, tmp_path: Path) -> ArtifactsLab:
    return ArtifactsLab(sqlite_uri, (tmp_path / "arti facts").as_uri(), {})


@pytest.mark.parametrize(
    "files",
    [
        {path: content for path, content in FILES.items() if path.isascii()},
        pytest.param(FILES, marks=pytest.mark.needs_mlflow("3.0", "names beyond ASCII of files")),
    ],
    ids=["ascii", "any"],
)
def test_a_run_of_any_server_has_the_digest_of_model_signing(
    files: Mapping[str, bytes], proxied: ArtifactsLab, name: Callable[..., str], tmp_path: Path
) -> None:
    folder = write_files(tmp_path / "files", files)
    run_id, place = proxied.log_run(folder)
    versions = [
        proxied.register(name(), at, run_id=run_id) for at in (place, f"runs:/{run_id}/model")
    ]

    found = [proxied.read(name(), version) for version in versions]

    assert {files.digest for files in found} == {signed_digest(folder)}
    assert {file.path: file.size for file in found[0].files} == {
        path: len(content) for path, content in files.items()
    }


@pytest.mark.needs_mlflow("3.0", "logged models")
def test_one_digest_through_a_logged_model_its_versions_copies_and_another_server(
    proxied: ArtifactsLab,
    local: ArtifactsLab,
    folder: Path,
    name: Callable[..., str],
    tmp_path: Path,
) -> None:
    signed = signed_digest(folder)
    model_id, place = proxied.log_model(folder)
    by_id = proxied.register(name(), f"models:/{model_id}", model_id=model_id)
    by_place = proxied.register(name(), place, model_id=model_id)
    proxied.client.copy_model_version(f"models:/{name()}/{by_id}", name("-copy"))
    proxied.client.copy_model_version(f"models:/{name('-copy')}/1", name("-again"))

    versions = ((name(), by_id), (name(), by_place), (name("-copy"), 1), (name("-again"), 1))
    digests = {proxied.read(model, version).digest for model, version in versions}
    assert {proxied.address(model, version) for model, version in versions} == {place}
    target = proxied.download(f"models:/{name()}/{by_id}", tmp_path / "downloaded")
    of_meta = target / "registered_model_meta"

    assert digests == {signed}
    assert of_meta.exists()
    assert signed_digest(target) != signed == signed_digest(target, of_meta.name)
    there, _ = local.log_model(target)
    local.register(name(), f"models:/{there}", model_id=there)
    assert local.read(name(), 1).digest == signed


def test_a_local_store_is_read_by_path_and_by_uri(local: ArtifactsLab, folder: Path) -> None:
    run_id, place = local.log_run(folder)
    sources = (place, f"runs:/{run_id}/model", str(folder), folder.as_uri())
    versions = [local.register("m", source, run_id=run_id) for source in sources]

    assert {local.read("m", version).digest for version in versions} == {signed_digest(folder)}


@pytest.mark.needs_mlflow("3.0", "logged models")
def test_a_swapped_file_is_another_digest_and_the_record_is_the_same(
    proxied: ArtifactsLab, folder: Path, name: Callable[..., str], tmp_path: Path
) -> None:
    """The attack: one call, which everybody has who may log."""
    model_id, _ = proxied.log_model(folder)
    version = proxied.register(name(), f"models:/{model_id}", model_id=model_id)
    before = proxied.read(name(), version)
    record = proxied.client.get_model_version(name(), str(version))
    write_files(tmp_path, {"weights.bin": FILES["weights.bin"][:-1] + b"X"})

    proxied.client.log_model_artifact(model_id, str(tmp_path / "weights.bin"))

    after = proxied.read(name(), version)
    assert dict(proxied.client.get_model_version(name(), str(version))) == dict(record)
    assert [file.path for file in after.files if file not in before.files] == ["weights.bin"]
    assert (after.size, after.digest == before.digest) == (before.size, False)


@pytest.mark.needs_mlflow("3.0", "names beyond ASCII of files")
def test_a_listing_is_what_reading_finds(
    proxied: ArtifactsLab, folder: Path, name: Callable[..., str]
) -> None:
    """An empty file has size 0, which MLflow leaves out of its answer."""
    run_id, place = proxied.log_run(folder)
    version = proxied.register(name(), place, run_id=run_id)
    registry = connect(proxied.uri, {}, timeout=20.0)
    artifacts = registry.artifacts(name(), version)
    before = registry.requests
    told: list[int] = []

    listed, files = artifacts.listing(), artifacts.read(told.append)

    assert [(file.path, file.size) for file in listed] == [(f.path, f.size) for f in files.files]
    assert sum(told) == files.size == sum(map(len, FILES.values()))
    assert model_files(files.files) == files
    assert registry.requests - before == 1 + 5 + len(FILES)  # the place, the folders, the files
    registry.close()


@pytest.mark.needs_mlflow("3.0", "logged models")
@pytest.mark.parametrize("store", ["proxied", "local"])
def test_a_folder_of_a_run_is_what_mlflow_loads_from_there(
    store: str, request: pytest.FixtureRequest, name: Callable[..., str], tmp_path: Path
) -> None:
    """Of the models that the run logged by that name the last one, over the run's own files."""
    lab: ArtifactsLab = request.getfixturevalue(store)
    first, last, own = (
        write_files(tmp_path / kind, {"MLmodel": kind.encode(), "code/x.py": b"1"})
        for kind in ("first", "last", "own")
    )
    write_files(own, {"code/of_the_run.py": b"2", "only/here": b"3"})
    run_id, _ = lab.log_run(own)
    for folder in (first, last):
        lab.log_model(folder, run_id=run_id)
    source = f"runs:/{run_id}/model"
    versions = [lab.register(name(), at, run_id=run_id) for at in (source, f"{source}/code")]

    whole, below = (lab.read(name(), version) for version in versions)
    addresses = [lab.address(name(), version) for version in versions]
    assert addresses[1] == f"{addresses[0]}/code"
    assert "/m-" in addresses[0], "the logged model's, which MLflow 3 writes"

    downloaded = lab.download(source, tmp_path / "downloaded")
    assert whole.digest == signed_digest(downloaded, "registered_model_meta")
    assert [file.path for file in whole.files] == [
        *("MLmodel", "code/of_the_run.py", "code/x.py", "only/here"),
    ]
    assert (downloaded / "MLmodel").read_bytes() == b"last"
    assert [file.path for file in below.files] == ["of_the_run.py", "x.py"]
