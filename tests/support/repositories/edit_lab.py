"""A clone of its own hub before a real server, with a model that a rollback can bring back."""

from pathlib import Path

import pytest

from tests.support.registries.lab import Hand, Lab
from tests.support.repositories.git_lab import GitLab

_OLD = "# who serves\nversions:\n  1: {stage: Production, aliases: [champion]}\n  2: {}\n"
NEW = "# who serves\nversions:\n  1: {stage: Archived}\n  2: {stage: Production}\n"


@pytest.fixture(name="lab")
def lab_fixture(mlflow_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Set up the clone of a hub, in front of the shared `mlflow server`."""
    (tmp_path / "hub").mkdir()
    hub = GitLab.isolated(tmp_path / "hub", monkeypatch)
    hub.commit({"registry-state/reconciler.yaml": "branch: main\n"}, "begin")
    hub.checkout("--detach")  # so that its `main` can be pushed to
    git = hub.clone(tmp_path / "clone")
    git.git("config", "user.name", "Ada")
    git.git("config", "user.email", "ada@example.com")
    return Lab(git, mlflow_uri, Hand(mlflow_uri))


@pytest.fixture(name="model")
def model_fixture(lab: Lab) -> str:
    """Register a model of three versions, whose second serves since the last commit."""
    model = lab.model(3)
    lab.declare(model, _OLD)
    lab.declare(model, NEW)
    lab.git.push()
    return model


def tree(root: Path) -> dict[str, bytes]:
    """Return every file below a folder, git's own included."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def file_of(lab: Lab, model: str) -> Path:
    """Return the path of a model's file."""
    return lab.git.root / "registry-state" / f"{model}.yaml"
