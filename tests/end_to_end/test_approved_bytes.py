"""What was reviewed is what serves, down to the file: one is replaced through MLflow's own API."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.tracking._tracking_service.utils import _use_tracking_uri

from tests.support.plans.bytes_lab import hashed
from tests.support.registries.api_lab import cli, opened
from tests.support.registries.lab import Lab

pytestmark = pytest.mark.needs_mlflow("3.0", "logged models, and artifacts that it serves")

_FILES = {"MLmodel": b"flavors: {}\n", "data/weights.bin": b"\0" * 3_000}
_NEWER = {"MLmodel": b"flavors: {}\n", "data/weights.bin": b"\1" * 3_000}


class Store:
    """The logged models of one registered model, whose files only their server can read."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.model = lab.model(0)
        self._folder = folder
        self._client: Any = MlflowClient(lab.uri, lab.uri)
        self._experiment = self._client.create_experiment(self.model, "mlflow-artifacts:/approved")
        self._ids: dict[int, str] = {}
        self.digests: dict[int, str] = {}

    def register(self, files: Mapping[str, bytes]) -> int:
        """Log a model with these files, and register it as the next version."""
        logged = self._client.create_logged_model(self._experiment, "m")
        number = len(self._ids) + 1
        self._ids[number] = logged.model_id
        self.put(number, files)
        self._client.finalize_logged_model(logged.model_id, "READY")
        created = self._client.create_model_version(
            self.model, f"models:/{logged.model_id}", model_id=logged.model_id
        )
        assert int(created.version) == number
        self.digests[number] = hashed(files).digest
        return number

    def put(self, version: int, files: Mapping[str, bytes]) -> None:
        """Write files below a version's folder, as everybody may who may log to it."""
        for path, data in files.items():
            file = self._folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            below = Path(path).parent.as_posix()
            self._client.log_model_artifact(
                self._ids[version], str(file), None if below == "." else below
            )

    def declare(self, *, serving: int) -> None:
        """Commit that a version serves, each with the digest that it was registered with."""
        lines = ["versions:"]
        for version, digest in sorted(self.digests.items(), reverse=True):
            stage = "Production, aliases: [champion]" if version == serving else "Archived"
            lines.append(f"  {version}: {{digest: '{digest}', stage: {stage}}}")
        self.lab.declare(self.model, "\n".join(lines) + "\n", f"v{serving} serves")

    def record(self, version: int) -> dict[str, Any]:
        path = "model-versions/get"
        return self.lab.hand.call("GET", path, name=self.model, version=str(version))

    def served(self, file: str) -> bytes:
        """Return a file of the model that a reader of `@champion` loads."""
        with _use_tracking_uri(self.lab.uri):
            folder = download_artifacts(f"models:/{self.model}@champion")
        return Path(folder, file).read_bytes()


@pytest.fixture(name="store")
def store_fixture(lab: Lab, tmp_path: Path) -> Store:
    """Return a model of which v1 serves, applied from git with a record of its files, and a v2."""
    lab.git.git("config", "user.name", "Ada")
    lab.git.git("config", "user.email", "ada@example.com")
    store = Store(lab, tmp_path / "logged")
    store.register(_FILES)
    store.register(_NEWER)
    store.declare(serving=1)
    done = lab.run("apply", "--yes", "--record")
    assert done.code == 0, done.text
    return store


def saved_digest(lab: Lab) -> str:
    digest: str = json.loads((lab.git.root / "plan.json").read_text())["digest"]
    return digest


def test_a_version_whose_file_was_replaced_is_not_put_into_use(store: Store) -> None:
    lab, model = store.lab, store.model
    store.declare(serving=2)
    shown = lab.run("plan", "--out", "plan.json")
    assert shown.code == 0
    assert "bytes  v2 as approved, 2 files, 3.0 KB" in shown.stdout
    before = store.record(2)
    store.put(2, {"data/weights.bin": b"\2" * 3_000})
    assert store.record(2) == before, "nothing that MLflow has of the version tells of it"

    held = lab.hand.holds(model)
    for command in (("apply", "plan.json"), ("apply", "--yes"), ("plan",)):
        done = lab.run(*command)
        assert (done.code, lab.hand.holds(model)) == (3, held), done.text
        assert f"`{model}` v2 does not have the approved bytes: its digest is sha256:" in done.text
    told = lab.run("apply", "--yes", "--expect", saved_digest(lab))
    assert (told.code, lab.hand.holds(model)) == (5, held), "another plan than the approved one"
    assert f"`{model}` v2 does not have the approved bytes" in told.stderr, "and the reason"
    document = lab.run("plan", "--format", "json").document
    (row,) = document["models"]
    assert (row["outcome"], document["changes"], document["exit"]["code"]) == ("error", [], 3)
    (check,) = row["bytes"]
    assert (check["outcome"], check["files"], check["size"]) == ("different", 2, 3_012)

    store.put(2, {"data/weights.bin": _NEWER["data/weights.bin"]})
    done = lab.run("apply", "plan.json", "--format", "json")
    assert (done.code, done.document["models"][0]["bytes"][0]["outcome"]) == (0, "same")
    assert lab.hand.values(model)["@champion"] == 2


def test_what_serves_flips_and_a_rollback_to_the_untouched_version_works(store: Store) -> None:
    lab, model = store.lab, store.model
    store.declare(serving=2)
    assert lab.run("apply", "--yes", "--record").code == 0
    store.put(2, {"data/weights.bin": b"\2" * 2_999, "extra.py": b"import os\n"})
    assert store.served("data/weights.bin") == b"\2" * 2_999, "readers of the alias got it at once"

    assert lab.run("rollback", model, "--commit").code == 0
    done = lab.run("apply", "--yes", "--record")
    assert (done.code, lab.hand.values(model)["@champion"]) == (0, 1), done.text
    assert store.served("data/weights.bin") == _FILES["data/weights.bin"]

    store.declare(serving=2)
    again = lab.run("apply", "--yes")
    assert (again.code, lab.hand.values(model)["@champion"]) == (3, 1)
    assert "does not have the approved bytes: `data/weights.bin` changed, `extra.py` added" in (
        again.text
    )
    (row,) = lab.run("plan", "--format", "json").document["models"]
    assert row["bytes"][0]["differences"] == [
        {"path": "data/weights.bin", "kind": "changed", "before": 3_000, "after": 2_999},
        {"path": "extra.py", "kind": "added", "before": None, "after": 10},
    ]


def test_the_api_says_the_same_as_the_command(store: Store) -> None:
    lab = store.lab
    store.declare(serving=2)
    store.put(2, {"extra.py": b"import os\n"})
    assert opened(lab).plan().to_dict() == cli(lab, "plan")
    report = opened(lab).apply()
    assert (report.code, report.plan.judged.models[0].outcome) == (3, "error")


def test_reading_can_be_left_to_apply(store: Store) -> None:
    lab, settings = store.lab, "digests: {verify: [apply]}\n"
    lab.git.commit({"registry-state/reconciler.yaml": settings})
    store.declare(serving=2)
    shown = lab.run("plan", "--out", "plan.json")
    assert shown.code == 0
    assert "bytes  v2 not read: `digests: verify` in the settings does not name `plan`" in (
        shown.stdout
    )
    store.put(2, {"extra.py": b"import os\n"})
    assert lab.run("plan").code == 0
    held = lab.hand.holds(store.model)
    for command in (("apply", "plan.json"), ("apply", "--yes")):
        done = lab.run(*command)
        assert (done.code, lab.hand.holds(store.model)) == (3, held), done.text
