"""A team's desk with a forge: pull requests are planned, merged and applied as CI jobs do it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.support.forges.forge_lab import SERVER
from tests.support.forges.forge_server import REPOSITORY, TOKEN, ForgeState, Given, Pull, serve
from tests.support.forges.github_dialect import GITHUB
from tests.support.forges.gitlab_dialect import GITLAB
from tests.support.registries.lab import Lab, Result
from tests.support.registries.servers import Proxy
from tests.support.repositories.git_lab import GitLab

MAIN = "main"
V1 = "versions: {1: {stage: Production, aliases: [champion]}, 2: {stage: Staging}}"
V2 = "versions: {1: {stage: Archived}, 2: {stage: Production, aliases: [champion]}}"

System = Literal["github", "gitlab"]
How = Literal["merge", "squash", "rebase"]

_SOURCES = {
    "pull_request": "merge_request_event",
    "pull_request_review": "merge_request_event",
    "merge_group": "merge_request_event",
    "workflow_dispatch": "web",
}


@dataclass
class CiLab:
    """One repository on a forge, as its jobs see it."""

    lab: Lab
    state: ForgeState
    server: Proxy
    folder: Path
    remote: GitLab
    system: System = "github"

    def declare(self, model: str, content: str | None, message: str = "declare") -> str:
        return self.lab.declare(model, content, message)

    def settle(self, settings: str = "") -> None:
        """Write the settings, to be committed with what is declared next."""
        content = f"branch: {MAIN}\n{settings}"
        self.lab.git.write({"registry-state/reconciler.yaml": content})

    def serving(self) -> str:
        """Return a new model that serves v1, applied from the main line."""
        name = self.lab.model(3)
        self.settle()
        self.declare(name, V1)
        self.push()
        assert self.apply().code == 0
        return name

    def branch(self, name: str = "change") -> None:
        self.lab.git.git("checkout", "--quiet", "-b", name, MAIN)

    def stand(self, name: str) -> None:
        self.lab.git.git("checkout", "--quiet", name)

    def promote(self, model: str, content: str = V2, branch: str = "change") -> Pull:
        """Open a pull request that changes a model's file, from a new branch of the main line."""
        self.branch(branch)
        self.declare(model, content, "promote")
        return self.open()

    def open(self, author: str = "ann") -> Pull:
        """Open a pull request from the branch that is checked out."""
        return self.state.open(self.head, author=author)

    @property
    def head(self) -> str:
        return self.lab.git.git("rev-parse", "HEAD")

    def merge(self, pull: Pull, name: str = "change", how: How = "merge") -> str:
        """Merge a pull request, and stand on the merge."""
        git = self.lab.git
        if how == "rebase":
            git.git("rebase", "--quiet", "--force-rebase", MAIN, name)
        git.git("checkout", "--quiet", MAIN)
        before = self.head
        if how == "squash":
            git.git("merge", "--quiet", "--squash", name)
            git.git("commit", "--quiet", "-m", f"Promote (#{pull.number})")
        elif how == "rebase":
            git.git("merge", "--quiet", "--ff-only", name)
        else:
            message = f"Merge pull request #{pull.number} from x"
            git.git("merge", "--quiet", "--no-ff", "-m", message, name)
        self.push()
        self.state.merge(pull, self.head)
        pull.landed = git.git("rev-list", "--first-parent", f"{before}..HEAD").split()
        return self.head

    def push(self) -> None:
        self.lab.git.git("push", "--quiet", "origin", MAIN)

    def plan(
        self, pull: Pull | None = None, *arguments: str, event: str = "pull_request"
    ) -> Result:
        """Run the plan job, of a pull request where there is one."""
        if pull is None:
            return self._run("plan", arguments, "push", None)
        return self._run("plan", arguments, event, pull)

    def plan_by_hand(self, pull: Pull, *arguments: str) -> Result:
        """Run the plan job by hand from the main line, on the pull request's head."""
        self.stand(pull.head)
        return self._run("plan", ("--pr", str(pull.number), *arguments), "workflow_dispatch", None)

    def plan_queued(self, pull: Pull, name: str = "change") -> Result:
        """Run the plan job on what a merge queue would make of the main line."""
        git = self.lab.git
        git.git("checkout", "--quiet", "--detach", MAIN)
        git.git("merge", "--quiet", "--no-ff", "-m", "queued", name)
        return self._run("plan", (), "merge_group", pull)

    def apply(
        self, *arguments: str, event: str = "push", env: Mapping[str, str] | None = None
    ) -> Result:
        """Run the apply job on what is checked out."""
        return self._run("apply", arguments, event, None, env)

    def drift(self, *arguments: str) -> Result:
        """Run the drift job."""
        return self._run("drift", arguments, "schedule", None)

    @property
    def outputs(self) -> Mapping[str, str]:
        """What the last job set as its step's outputs."""
        lines = (self.folder / "outputs").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def summary(self) -> str:
        return (self.folder / "summary").read_text(encoding="utf-8")

    def comments(self, pull: Pull, kind: str = "") -> list[str]:
        """Return the comments of ours on a pull request, or those of one kind."""
        begin = f"<!-- reconciler:{kind}"
        return [remark.body for remark in pull.remarks if remark.body.startswith(begin)]

    def check(self) -> Given:
        """Return the latest check."""
        return self.state.checks[-1]

    def _run(
        self,
        command: str,
        arguments: tuple[str, ...],
        event: str,
        pull: Pull | None,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        for name in ("outputs", "summary"):
            (self.folder / name).unlink(missing_ok=True)
        env = {**self.around(event, pull), **(env or {})}
        return self.lab.run("ci", command, *arguments, env=env)

    def around(self, event: str, pull: Pull | None = None) -> dict[str, str]:
        """Return the environment that the forge gives to a job."""
        given = self._github if self.system == "github" else self._gitlab
        artifacts = {"RECONCILER_ARTIFACTS": str(self.folder / "artifacts")}
        return {**given(event, pull), **artifacts}

    def _github(self, event: str, pull: Pull | None) -> dict[str, str]:
        path = self.folder / "event.json"
        path.write_text(json.dumps(self._event(event, pull)), encoding="utf-8")
        by_hand = event == "workflow_dispatch"
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": f"{self.server.uri}/api/v3",
            "GITHUB_SERVER_URL": SERVER,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(path),
            # By hand a workflow runs for the branch that was chosen, whatever is checked out.
            "GITHUB_SHA": self.lab.git.git("rev-parse", MAIN) if by_hand else self.head,
            "GITHUB_REF_NAME": MAIN,
            "GITHUB_RUN_ID": "77",
            "GITHUB_ACTOR": "ann",
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_OUTPUT": str(self.folder / "outputs"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
        }

    def _event(self, event: str, pull: Pull | None) -> dict[str, Any]:
        base = self.lab.git.git("rev-parse", MAIN)
        if pull is None:
            return {"before": "0" * 40}
        if event == "merge_group":
            queue = f"refs/heads/gh-readonly-queue/{MAIN}/pr-{pull.number}-{base}"
            group = {"head_sha": self.head, "head_ref": queue, "base_sha": base}
            return {"merge_group": {**group, "base_ref": f"refs/heads/{MAIN}"}}
        repo = {"full_name": REPOSITORY}
        return {
            "pull_request": {
                "number": pull.number,
                "head": {"sha": pull.head, "ref": "change", "repo": repo},
                "base": {"sha": base, "ref": MAIN, "repo": repo},
            }
        }

    def _gitlab(self, event: str, pull: Pull | None) -> dict[str, str]:
        merge = {
            "CI_MERGE_REQUEST_IID": str(pull.number) if pull else "",
            "CI_MERGE_REQUEST_PROJECT_ID": "7",
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "7",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": MAIN,
            "CI_MERGE_REQUEST_EVENT_TYPE": "merge_train" if event == "merge_group" else "detached",
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": self.lab.git.git("rev-parse", MAIN),
        }
        return {
            "GITLAB_CI": "true",
            "CI_PIPELINE_SOURCE": _SOURCES.get(event, event),
            "CI_PROJECT_PATH": REPOSITORY,
            "CI_API_V4_URL": f"{self.server.uri}/api/v4",
            "CI_SERVER_URL": SERVER,
            "CI_COMMIT_SHA": self.head,
            "CI_JOB_URL": f"{SERVER}/{REPOSITORY}/-/jobs/77",
            "GITLAB_USER_LOGIN": "ann",
            "GITLAB_TOKEN": TOKEN,
            **(merge if pull else {"CI_COMMIT_BRANCH": MAIN}),
        }


@contextmanager
def ci_lab(lab: Lab, folder: Path, system: System = "github") -> Iterator[CiLab]:
    """Put a forge and a remote beside a desk."""
    remote = GitLab.new(folder / "far", "--bare")
    lab.git.git("remote", "add", "origin", str(remote.root))
    me, routes = ("github-actions[bot]", GITHUB)
    if system == "gitlab":
        me, routes = ("project_7_bot_c0ffee", GITLAB)
    state = ForgeState(me)
    with serve(state, routes) as server:
        yield CiLab(lab, state, server, folder, remote, system)
