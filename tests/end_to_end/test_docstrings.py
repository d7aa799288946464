"""The examples in the docstrings of the public names are true, on a real registry and real git."""

import doctest
import inspect
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

import reconciler
from reconciler.core.facts import Signature
from tests.support.registries.servers import MlflowSeeds
from tests.support.repositories.git_lab import GitLab

_FILE = "registry-state/fraud.yaml"
_BEFORE = "versions:\n  2: {stage: Production, aliases: [champion]}\n"
_SERVED = """\
versions:
  3: {stage: Production, aliases: [champion]}
  2: {stage: Archived}
"""
_PENDING = _SERVED + "tags: {reviewed: yes}\n"
# A base class, and what only a CI job gets.
_OF_JOBS = {"Answer", "CiJobs", "JobPlan", "JobDrift"}


@dataclass(frozen=True)
class Served:
    """A repository and its registry in one folder, and a copy of what was in them at first."""

    git: GitLab
    registry: Path
    copy: Path

    def restore(self) -> None:
        """Put all back: who has the database open sees the first content again."""
        for folder in ("repo", "artifacts"):
            shutil.rmtree(self.git.root.parent / folder)
            shutil.copytree(self.copy / folder, self.git.root.parent / folder, symlinks=True)
        copied = closing(sqlite3.connect(self.copy / self.registry.name))
        with copied as first, closing(sqlite3.connect(self.registry)) as database:
            first.backup(database)


@pytest.fixture(scope="module")
def served(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """Set up a repository where v3 of `fraud` serves after v2, and a tag is still to be applied."""
    folder = tmp_path_factory.mktemp("served")
    registry = Path(shutil.copy(sqlite_template, folder / "registry.db"))
    seeds = MlflowSeeds(f"sqlite:///{registry}", artifacts=folder / "artifacts")
    for number in range(1, 5):
        seeds.log_version("fraud", metrics={"auc": number / 10}, signature=Signature())
    with pytest.MonkeyPatch.context() as patch:
        git = GitLab.isolated(folder, patch)
        patch.chdir(git.root)
        r = reconciler.open(registry_uri=f"sqlite:///{registry}", warn=lambda _: None)
        for text in (_BEFORE, _SERVED):
            git.commit({_FILE: text}, "promote")
            assert r.apply(record=True).code == 0
        git.commit({_FILE: _PENDING}, "tag")
    copy = tmp_path_factory.mktemp("copy") / "of"
    shutil.copytree(folder, copy, symlinks=True)
    return Served(git, registry, copy)


@pytest.fixture(name="r")
def opened(served: Served, monkeypatch: pytest.MonkeyPatch) -> reconciler.Reconciler:
    """Open the repository as it was set up, which takes half a second and is done once."""
    served.restore()
    for name in ("HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, served.git.env[name])
    monkeypatch.chdir(served.git.root)
    registry_uri = f"sqlite:///{served.registry}"
    return reconciler.open(registry_uri=registry_uri, warn=lambda _: None)


def _documented() -> dict[str, object]:
    """Return what has an example: the public names, and the methods of `Reconciler`."""
    names: dict[str, object] = {name: getattr(reconciler, name) for name in reconciler.__all__}
    methods = inspect.getmembers(reconciler.Reconciler, inspect.isfunction)
    names |= {f"r.{name}": method for name, method in methods if not name.startswith("_")}
    return {name: value for name, value in names.items() if name not in _OF_JOBS}


@pytest.mark.parametrize("name", _documented())
def test_the_example_of_a_public_name_is_true(r: reconciler.Reconciler, name: str) -> None:
    value = _documented()[name]
    found = doctest.DocTestParser().get_doctest(
        inspect.getdoc(value) or "", {"r": r, "reconciler": reconciler}, name, None, None
    )
    assert found.examples, "an example is missing"
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(found, out=said.append)
    assert "".join(said) == ""
