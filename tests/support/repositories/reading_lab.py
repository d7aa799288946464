"""A checkout and its registry, with the command line and the API of both."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import reconciler
from reconciler import Reconciler
from tests.support.registries.lab import Hand, Lab, Result
from tests.support.registries.servers import MlflowSeeds
from tests.support.repositories.git_lab import GitLab

_V1 = "versions: {1: {stage: Production, aliases: [champion]}, 2: {stage: Staging}}"
_V2 = "versions: {1: {stage: Archived}, 2: {stage: Production, aliases: [champion]}}"


@dataclass
class Desk:
    """A checkout, its registry, and the API of it; `warned` is what the API had to say."""

    lab: Lab
    model: str = ""
    warned: list[str] = field(default_factory=list)

    @property
    def r(self) -> Reconciler:
        """The API of this checkout and this registry."""
        return self.open(registry_uri=self.lab.uri)

    def open(self, state: str = "registry-state", *, registry_uri: str | None = None) -> Reconciler:
        """Return the API of another folder or registry, or of no registry."""
        return reconciler.open(
            state,
            registry_uri=registry_uri,
            root=self.lab.git.root,
            environ={},
            warn=self.warned.append,
        )

    def command(self, *arguments: str) -> Result:
        """Run a command as it would be typed there."""
        return self.lab.run(*arguments)


@pytest.fixture(name="desk")
def desk_fixture(mlflow_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Set up a desk with a model of two versions; a test may change all of it."""
    return _set_up(tmp_path, mlflow_uri, monkeypatch)


@pytest.fixture(name="shared", scope="module")
def shared_fixture(mlflow_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Set up a desk that the tests of a module only read from."""
    with pytest.MonkeyPatch.context() as patch:
        yield _set_up(tmp_path_factory.mktemp("shared"), mlflow_uri, patch)


def _set_up(folder: Path, uri: str, patch: pytest.MonkeyPatch) -> Desk:
    """Apply v1, then v2, which was promoted by a pull request; v1 has a run, v2 none."""
    lab = Lab(GitLab.isolated(folder, patch), uri, Hand(uri))
    lab.git.commit({"registry-state/reconciler.yaml": "branch: main\n"}, "settings")
    model = lab.model(0)
    seeds = MlflowSeeds(uri)
    seeds.log_version(model, metrics={"auc": 0.9}, tags={"risk": "high"})
    seeds.create_version(model, source="s3://key:secret@bucket/2")
    lab.hand.tag(model, 2, "risk", "low")
    lab.hand.describe(model, 2, "Better")
    for content, message in ((_V1, "Serve v1 (#1)"), (_V2, "Serve v2 (#2)")):
        lab.declare(model, content, message)
        assert lab.run("apply", "--yes", "--record", "--model", model).code == 0
    return Desk(lab, model)
