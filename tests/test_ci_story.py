"""One story from an empty folder to a rollback; its commands are those of the workflow files."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ci_lab import CiLab, ci_lab
from tests.forge_server import Pull
from tests.git_lab import GitLab
from tests.lab import Lab, Result, lab_fixture  # noqa: F401  a fixture
from tests.workflow_files import ACTION, ROOT, run_step, script_of, step_of

_GH = "#!/bin/sh\necho https://forge.example/acme/registry/pull/{number}\n"


@dataclass
class Jobs:
    """Runs a workflow's step as a runner does: its own shell, in a check-out of the remote."""

    ci: CiLab
    folder: Path
    runs: int = 0

    def check_out(self, ref: str) -> GitLab:
        self.runs += 1
        clone = self.ci.remote.clone(self.folder / f"job-{self.runs}")
        clone.git("checkout", "--quiet", "--detach", ref)
        return clone

    def action(
        self, command: str, ref: str, event: str, pull: Pull | None = None, **inputs: str
    ) -> Result:
        """Run `uses: ./` with that command on a commit."""
        clone = self.check_out(ref)
        step = step_of(ACTION, "run")
        for name in ("outputs", "summary"):
            (self.ci.folder / name).unlink(missing_ok=True)
        done = subprocess.run(
            script_of(step, clone.home),
            cwd=clone.root,
            env={
                **{name: value for name, value in clone.env.items() if "DATE" not in name},
                **self.ci.around(event, pull),
                "MLFLOW_TRACKING_URI": self.ci.lab.uri,
                "FOLDER": str(Path(sys.executable).parent),
                "RECONCILER_STATE": "registry-state",
                **dict.fromkeys(("PR", "MODEL", "DIGEST", "REGISTRY_URI"), ""),
                "COMMAND": command,
                **inputs,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def propose(self, branch: str, *arguments: str) -> Pull:
        """Open a pull request with what a command edits."""
        self.ci.branch(branch)
        edited = self.ci.lab.run(*arguments)
        assert edited.code == 0, edited.text
        self.ci.lab.git.commit(message=branch)
        self.ci.lab.git.push()
        return self.ci.open()

    def validate_and_plan(self, pull: Pull) -> Result:
        assert self.action("validate", pull.head, "pull_request", pull).code == 0
        return self.action("plan", pull.head, "pull_request", pull)

    def roll_back(self, model: str, number: int) -> str:
        """Run the step of `rollback.yml`, and return the branch that it pushed."""
        clone = self.check_out("main")
        clone.git("checkout", "--quiet", "main")
        gh = self.folder / "tools" / "gh"
        gh.parent.mkdir()
        gh.write_text(_GH.format(number=number))
        gh.chmod(0o755)
        step = step_of(ROOT / ".github" / "workflows" / "rollback.yml", "propose")
        env = {
            **dict.fromkeys(step.keys["env"], ""),
            **{name: value for name, value in clone.env.items() if "DATE" not in name},
            "PATH": f"{gh.parent}:{clone.env['PATH']}",
            "FOLDER": str(Path(sys.executable).parent),
            "GIT_AUTHOR_NAME": "ann",
            "GIT_AUTHOR_EMAIL": "1+ann@users.noreply.github.com",
            "MLFLOW_TRACKING_URI": self.ci.lab.uri,
            "MODEL": model,
            "REASON": "it recommends hats",
            "RECONCILER_STATE": "registry-state",
        }
        (self.ci.folder / "outputs").unlink(missing_ok=True)
        assert run_step(step, self.ci.folder, clone.root, env) == f"pr={number}\n"
        return clone.git("branch", "--show-current")


@pytest.fixture
def ci(lab: Lab, tmp_path: Path) -> Iterator[CiLab]:
    with ci_lab(lab, tmp_path) as found:
        yield found


def test_from_an_empty_folder_to_a_rollback(ci: CiLab, tmp_path: Path) -> None:
    jobs, model = Jobs(ci, tmp_path), ci.lab.model(3)
    what_is_live_is_declared_and_recorded(jobs, model)
    a_promotion_is_shown_approved_and_applied(jobs, model)
    of_two_merges_the_older_comes_too_late(jobs, model)
    another_head_than_the_shown_one_is_applied_by_hand_alone(jobs, model)
    tampering_opens_an_issue_until_it_is_put_right(jobs, model)
    the_form_rolls_back(jobs, model)


def what_is_live_is_declared_and_recorded(jobs: Jobs, model: str) -> None:
    ci, hand = jobs.ci, jobs.ci.lab.hand
    hand.stage(model, 1, "Production")
    hand.alias(model, "champion", 1)
    assert ci.lab.run("import", model).code == 0
    ci.settle()
    ci.lab.git.commit(message="Declare what is live")
    ci.push()
    first = jobs.action("apply", "main", "push")
    assert first.code == 0, first.stderr
    assert ci.outputs["changes"] == "0"
    assert hand.recorded(model) == ci.head


def a_promotion_is_shown_approved_and_applied(jobs: Jobs, model: str) -> None:
    ci = jobs.ci
    pull = jobs.propose("promote", "promote", model, "2", "--alias", "champion")
    assert jobs.validate_and_plan(pull).code == 0
    (shown,) = ci.comments(pull, "plan")
    assert "v1 → v2" in shown
    ci.state.push(pull, ci.lab.git.commit({"why.md": "better"}, "say why"))
    ci.lab.git.push()
    assert jobs.validate_and_plan(pull).code == 0
    (again,) = ci.comments(pull, "plan")
    assert again != shown
    ci.state.review(pull, "bob")
    ci.merge(pull, "promote")
    applied = jobs.action("apply", "main", "push")
    assert applied.code == 0, applied.stderr
    assert ci.lab.hand.values(model)["@champion"] == 2
    (told,) = ci.comments(pull, "apply")
    assert "3 applied" in told
    history = ci.lab.run("history", model, "--fetch-notes", "origin", "--format", "json")
    (row,) = [one for one in history.document["changes"] if one["commit"] == ci.head]
    assert row["approvals"]["verified"] == ["bob"]


def of_two_merges_the_older_comes_too_late(jobs: Jobs, model: str) -> None:
    ci = jobs.ci
    file = ci.lab.git.root / "registry-state" / f"{model}.yaml"
    declared = file.read_text(encoding="utf-8").rstrip()
    for step in ("first", "second"):
        ci.branch(step)
        ci.declare(model, f"{declared}\ntags: {{step: {step}}}\n")
        ci.lab.git.push()
        pull = ci.open()
        assert jobs.validate_and_plan(pull).code == 0
        ci.merge(pull, step)
    newer = jobs.action("apply", "main", "push")
    assert newer.code == 0, newer.stderr
    older = jobs.action("apply", "main~1", "push")
    assert older.code == 0
    assert "superseded" in older.stdout + older.stderr
    assert ci.lab.hand.values(model)["tag step"] == "second"


def another_head_than_the_shown_one_is_applied_by_hand_alone(jobs: Jobs, model: str) -> None:
    ci, hand = jobs.ci, jobs.ci.lab.hand
    pull = jobs.propose("unseen", "promote", model, "3", "--alias", "champion")
    assert jobs.validate_and_plan(pull).code == 0
    ci.state.push(pull, ci.lab.git.commit({"more.md": "unseen"}, "unseen"))
    ci.merge(pull, "unseen")
    refused = jobs.action("apply", "main", "push")
    assert refused.code == 5
    assert hand.values(model)["@champion"] == 2
    digest = re.search(r"--digest (sha256:\w+)", refused.stderr)
    assert digest is not None
    by_hand = jobs.action("apply", "main", "workflow_dispatch", MODEL=model, DIGEST=digest[1])
    assert by_hand.code == 0, by_hand.stderr
    assert hand.values(model)["@champion"] == 3


def tampering_opens_an_issue_until_it_is_put_right(jobs: Jobs, model: str) -> None:
    hand = jobs.ci.lab.hand
    hand.alias(model, "champion", 1)
    assert jobs.action("drift", "main", "schedule").code == 2
    (issue,) = jobs.ci.state.issues.values()
    assert issue.is_open
    hand.alias(model, "champion", 3)
    assert jobs.action("drift", "main", "schedule").code == 0
    assert not issue.is_open


def the_form_rolls_back(jobs: Jobs, model: str) -> None:
    ci = jobs.ci
    number = ci.state.used + 1
    branch = jobs.roll_back(model, number)
    pull = ci.state.open(ci.remote.git("rev-parse", branch))
    assert pull.number == number
    planned = jobs.action("plan", pull.head, "workflow_dispatch", PR=str(number))
    assert planned.code == 0, planned.stderr
    assert "v3 → v2" in ci.comments(pull, "plan")[0]
    ci.lab.git.git("fetch", "--quiet", "origin")
    ci.merge(pull, f"origin/{branch}")
    applied = jobs.action("apply", "main", "push")
    assert applied.code == 0, applied.stderr
    held = ci.lab.hand.values(model)
    assert (held["@champion"], held["v2 stage"]) == (2, "Production")
