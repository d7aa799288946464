"""This project's own workflows, run from their files: the reconciler is that of the check-out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import ROOT
from tests.support.forges.ci_lab import V1, CiLab, ci_lab
from tests.support.forges.hub_lab import WEEKLY, Hub, guarded, left_out
from tests.support.registries.lab import Lab
from tests.support.workflows.workflow_files import ACTION, OURS

_NAMES = ("plan", "apply", "drift", "promote", "rollback")
_FILES = tuple(ROOT / ".github" / "workflows" / f"{name}.yml" for name in _NAMES)
_ELSEWHERE = {
    "ci.yml",  # runs these tests, and those of other servers
    "release.yml",  # needs a release: test_release.py
}
_NO_DIGEST = "no version that serves has a digest"
_LEFT_OUT = ["action.yml: Install the reconciler"]  # from a package index: test_workflow_shell.py


@pytest.fixture
def hub(lab: Lab, tmp_path: Path) -> Iterator[Hub]:
    with ci_lab(lab, tmp_path) as ci, guarded(lab.uri) as registry:
        yield Hub(ci, tmp_path / "github", registry)


def begin(ci: CiLab) -> str:
    """Commit the workflows and the action, and declare a model that is served."""
    model = ci.lab.model(3)
    ci.settle()
    files = {f".github/workflows/{path.name}": path.read_bytes() for path in _FILES}
    ci.lab.git.write({**files, "action.yml": ACTION.read_bytes()})
    ci.declare(model, V1)
    return model


def test_every_workflow_is_run_here_or_elsewhere() -> None:
    assert {path.name for path in OURS} == {path.name for path in _FILES} | _ELSEWHERE


def test_our_own_workflows_promote_watch_and_roll_back(hub: Hub) -> None:
    ci, hand = hub.ci, hub.ci.lab.hand
    model = begin(ci)
    assert hub.push()["apply"].code == 0
    assert hand.values(model)["@champion"] == 1
    asked = {"state": "registry-state", "model": model, "reason": "it is better"}
    promoted = hub.fill_in("promote", version="2", alias="champion", **asked)["promote"]
    assert promoted.jobs == {"promote": "success", "plan": "success"}, promoted.log
    (pull,) = ci.state.pulls.values()
    (shown,) = ci.comments(pull, "plan")
    assert "v1 → v2" in shown
    assert hub.from_fork(pull)["plan"].jobs == {"validate": "success", "plan": "skipped"}
    assert "a fork gets no registry credential" in hub.ran[-1].summary
    applied = hub.merge(pull)["apply"]
    assert applied.code == 0, applied.log
    assert hand.values(model)["@champion"] == 2
    assert hub.clock()["drift"].code == 0
    assert _NO_DIGEST not in hub.ran[-1].log
    assert hub.clock(cron=WEEKLY)["drift"].code == 0
    assert _NO_DIGEST in hub.ran[-1].log
    back = hub.fill_in("rollback", block="true", **asked)["rollback"]
    assert back.jobs == {"rollback": "success", "plan": "success"}, back.log
    pull = ci.state.pulls[max(ci.state.pulls)]
    assert hub.review(pull, "bob")["plan"].jobs == {"validate": "success", "plan": "success"}
    assert hub.merge(pull)["apply"].code == 0
    assert hand.values(model)["@champion"] == 1
    assert left_out(hub.ran, *_FILES, ACTION) == _LEFT_OUT
