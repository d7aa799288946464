"""Facts through MLflow's client: nothing is created, no other host is asked, nothing is told."""

import hashlib
from pathlib import Path

import pytest

from reconciler.core.facts import Column, Facts, Signature
from reconciler.core.state import Identity
from reconciler.registries.client import MlflowClientRegistry
from tests.support.registries.servers import MlflowSeeds, proxy

_SIGNATURE = Signature(inputs=(Column("x", "double"),))


def _facts(uri: str, source: str) -> Facts:
    """Return the facts of a version with this source and a run that does not exist."""
    seeds = MlflowSeeds(uri)
    seeds.create_model("m")
    seeds.create_version("m", run_id="run1", source=source)
    return MlflowClientRegistry(uri, {}).facts("m", 1, Identity("run1", source, 0))


def test_asking_for_a_run_creates_nothing(
    sqlite_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, database = tmp_path / "empty", tmp_path / "registry.db"
    folder.mkdir()
    monkeypatch.chdir(folder)
    MlflowSeeds(sqlite_uri).create_model("m")
    MlflowSeeds(sqlite_uri).create_version("m", run_id="run1", source=str(folder))
    before = hashlib.sha256(database.read_bytes()).digest()

    identity = Identity("run1", "models:/m-1", 0)
    facts = MlflowClientRegistry(sqlite_uri, {}).facts("m", 1, identity)

    assert facts.missing == (
        f"run run1 cannot be read: `{sqlite_uri}` holds no experiments",
        "the MLmodel file of v1 cannot be read: no such file (its source is `models:/m-1`)",
        f"logged model m-1 cannot be read: `{sqlite_uri}` holds no experiments",
    )
    assert hashlib.sha256(database.read_bytes()).digest() == before
    assert not list(folder.iterdir())


def test_a_registry_that_is_not_there_is_said_and_not_created(tmp_path: Path) -> None:
    registry = MlflowClientRegistry(f"sqlite:///{tmp_path}/registry.db", {})

    facts = registry.facts("m", 1, Identity("run1", "models:/m-1", 0))

    assert all("there is no database file" in sentence for sentence in facts.missing)
    assert len(facts.missing) == 3
    assert not list(tmp_path.iterdir())


def test_artifacts_on_another_host_are_not_asked_for(sqlite_uri: str) -> None:
    with proxy() as other:
        host = other.uri.removeprefix("http://")
        seeds = MlflowSeeds(sqlite_uri)
        seeds.create_model("m")
        registry = MlflowClientRegistry(sqlite_uri, {})
        for number, scheme in enumerate(("http", "mlflow-artifacts", "ftp", "HTTP"), start=1):
            seeds.create_version("m", source=f"{scheme}://ann:s3cret@{host}/artifacts")
            sentence = registry.facts("m", number, Identity(None, None, 0)).missing[1]
            assert f"its artifacts are on another host, `{scheme}://{host}/artifacts`" in sentence

        assert not other.requests


def test_files_of_a_tracking_server_that_is_not_named_say_what_to_name(sqlite_uri: str) -> None:
    facts = _facts(sqlite_uri, "mlflow-artifacts:/0/run1/artifacts/model")

    assert "is on a tracking server" in facts.missing[1]
    assert "MLFLOW_TRACKING_URI" in facts.unread["signature"].hint


@pytest.mark.parametrize("source", ["s3://bucket/model", "gs://bucket/model", "nonsense://x/y"])
def test_an_artifact_store_that_cannot_be_opened_is_said(sqlite_uri: str, source: str) -> None:
    facts = _facts(sqlite_uri, source)

    assert facts.missing[1].startswith("the MLmodel file of v1 cannot be read: ")


def test_a_file_that_is_too_large_or_none_is_not_read(sqlite_uri: str, tmp_path: Path) -> None:
    large, folder = tmp_path / "large", tmp_path / "folder"
    (folder / "MLmodel").mkdir(parents=True)
    large.mkdir()
    (large / "MLmodel").write_bytes(b"#" * (2**20 + 1))
    seeds, registry = MlflowSeeds(sqlite_uri), MlflowClientRegistry(sqlite_uri, {})
    seeds.create_model("m")
    for number, place in enumerate((large, folder), start=1):
        seeds.create_version("m", source=str(place))
        facts = registry.facts("m", number, Identity(None, None, 0))
        assert facts.signature is None
        assert f"the MLmodel file of v{number} cannot be read: " in facts.missing[1]


_BAR = """
class tqdm:
    def __init__(self, **_): print("0 %")
    def update(self, _): print("100 %")
    def refresh(self): pass
    def close(self): pass
"""


def test_reading_a_file_draws_no_progress_bar(
    sqlite_uri: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "tqdm").mkdir()
    (tmp_path / "tqdm" / "__init__.py").touch()
    (tmp_path / "tqdm" / "auto.py").write_text(_BAR)  # MLflow's client draws with it, if it can
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", raising=False)
    seeds = MlflowSeeds(sqlite_uri, artifacts=tmp_path / "artifacts")
    seeds.log_version("m", signature=_SIGNATURE)
    registry = MlflowClientRegistry(sqlite_uri, {})
    identity = registry.read(["m"])["m"].versions[1].identity
    capfd.readouterr()

    assert registry.facts("m", 1, identity).signature == _SIGNATURE
    assert capfd.readouterr() == ("", "")
