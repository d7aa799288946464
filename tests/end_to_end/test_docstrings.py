"""The examples in the docstrings of the public names are true, on a real registry and real git."""

import doctest
import inspect
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


@pytest.fixture(name="r")
def opened(
    sqlite_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> reconciler.Reconciler:
    """Open a repository where v3 of `fraud` serves after v2, and a tag is still to be applied."""
    seeds = MlflowSeeds(sqlite_uri, artifacts=tmp_path / "artifacts")
    for number in range(1, 5):
        seeds.log_version("fraud", metrics={"auc": number / 10}, signature=Signature())
    git = GitLab.isolated(tmp_path, monkeypatch)
    monkeypatch.chdir(git.root)
    r = reconciler.open(registry_uri=sqlite_uri, warn=lambda _: None)
    for text in (_BEFORE, _SERVED):
        git.commit({_FILE: text}, "promote")
        assert r.apply(record=True).code == 0
    git.commit({_FILE: _PENDING}, "tag")
    return r


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
