"""A pin of the registry counts once main has it: a pull request redirects nobody's credentials."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forges.ci_lab import CiLab, How, ci_lab
from tests.support.forges.forge_server import Pull
from tests.support.registries.lab import Lab, Result
from tests.support.registries.servers import Proxy, proxy

_SETTINGS = "registry-state/reconciler.yaml"
_HELD = "the main line does not have this `registry:` of reconciler.yaml yet"


class Move:
    """A repository whose registry moves to another address, by a pull request of two commits."""

    def __init__(self, ci: CiLab, new: Proxy) -> None:
        self.ci = ci
        self.new = new
        ci.lab.environ = {"MLFLOW_TRACKING_URI": ""}
        self.pin(ci.lab.uri)
        self.model = ci.lab.model(2)
        ci.declare(self.model, "versions: {1: {stage: Production, aliases: [champion]}}")
        ci.push()
        assert ci.apply().code == 0

    def pin(self, uri: str, *, branch: str = "main") -> None:
        settings = f"branch: {branch}\nregistry: {uri}\n"
        self.ci.lab.git.commit({_SETTINGS: settings}, "move")

    def propose(self, *, branch: str = "main") -> Pull:
        self.ci.branch()
        self.pin(self.new.uri, branch=branch)
        self.ci.lab.git.commit({"README.md": "moved"}, "tell")
        return self.ci.open()

    def name(self, uri: str) -> None:
        """Name a registry in the environment of the jobs."""
        self.ci.lab.environ = {"MLFLOW_TRACKING_URI": uri}

    def refused(self, result: Result) -> None:
        assert result.code == 4, result.text
        assert f"pinned to {self.ci.lab.uri}, not to {self.new.uri}" in result.text
        assert "counts once the main line contains it" in result.text
        assert self.new.log == []


@pytest.fixture(name="move")
def move_fixture(lab: Lab, tmp_path: Path) -> Iterator[Move]:
    with ci_lab(lab, tmp_path) as ci, proxy(lab.uri) as new:
        yield Move(ci, new)


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_a_moved_registry_is_refused_in_the_pull_request_and_applied_on_main(
    move: Move, how: How
) -> None:
    pull = move.propose()
    held = move.ci.plan(pull)
    assert held.code == 0, held.text
    assert _HELD in held.stderr
    assert f"→ {move.ci.lab.uri}" in held.stdout
    move.name(move.new.uri)
    for result in (move.ci.plan(pull), move.ci.lab.run("plan"), move.ci.apply()):
        move.refused(result)

    move.ci.merge(pull, how=how)
    for job in (move.ci.apply(), move.ci.plan(), move.ci.drift(), move.ci.lab.run("plan")):
        assert job.code == 0, job.text
        assert _HELD not in job.stderr
    assert move.new.log != []
    move.name(move.ci.lab.uri)
    assert move.ci.apply().code == 4, "and the old one is what is refused now"
    move.name("")
    assert f"→ {move.new.uri}" in move.ci.lab.run("plan").stdout


def test_a_pull_request_does_not_say_that_its_branch_is_the_main_line(move: Move) -> None:
    pull = move.propose(branch="change")
    assert _HELD in move.ci.plan(pull).stderr
    assert move.new.log == []


def test_without_a_known_main_line_a_commit_is_enough(lab: Lab) -> None:
    with proxy(lab.uri) as new:
        lab.declare(lab.model(1), "versions: {1: {stage: Production}}")
        lab.environ = {"MLFLOW_TRACKING_URI": ""}
        for uri in (lab.uri, new.uri):
            lab.git.commit({_SETTINGS: f"registry: {uri}\n"}, "pin")
            assert lab.run("plan", "--format", "json").document["registry"]["uri"] == uri
        lab.git.write({_SETTINGS: f"registry: {lab.uri}\n"})
        assert lab.run("plan", "--format", "json").document["registry"]["uri"] == new.uri
