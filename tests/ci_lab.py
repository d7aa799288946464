"""A team's desk with a forge: pull requests are planned, merged and applied as CI jobs do it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.forge_lab import SERVER
from tests.forge_server import REPOSITORY, TOKEN, ForgeState, Given, Pull, serve
from tests.git_lab import GitLab
from tests.github_dialect import GITHUB
from tests.lab import Lab, Result

MAIN = "main"


@dataclass
class CiLab:
    """One repository on GitHub, as its jobs see it."""

    lab: Lab
    state: ForgeState
    api: str
    folder: Path
    remote: GitLab

    def declare(self, model: str, content: str | None, message: str = "declare") -> str:
        return self.lab.declare(model, content, message)

    def branch(self, name: str = "change") -> None:
        self.lab.git.git("checkout", "--quiet", "-b", name, MAIN)

    def open(self, author: str = "ann") -> Pull:
        """Open a pull request from the branch that is checked out."""
        return self.state.open(self.head, author=author)

    @property
    def head(self) -> str:
        return self.lab.git.git("rev-parse", "HEAD")

    def merge(self, pull: Pull, name: str = "change") -> str:
        """Merge a pull request, and stand on the merge."""
        git = self.lab.git
        git.git("checkout", "--quiet", MAIN)
        git.git(
            "merge", "--quiet", "--no-ff", "-m", f"Merge pull request #{pull.number} from x", name
        )
        self.push()
        self.state.merge(pull, self.head)
        return self.head

    def push(self) -> None:
        self.lab.git.git("push", "--quiet", "origin", MAIN)

    def plan(
        self, pull: Pull | None = None, *arguments: str, event: str = "pull_request"
    ) -> Result:
        """Run the plan job, of a pull request where there is one."""
        document: dict[str, Any] = {}
        if pull is not None:
            repo = {"full_name": REPOSITORY}
            base = self.lab.git.git("rev-parse", MAIN)
            document["pull_request"] = {
                "number": pull.number,
                "head": {"sha": pull.head, "ref": "change", "repo": repo},
                "base": {"sha": base, "ref": MAIN, "repo": repo},
            }
        return self._run("plan", arguments, event if pull is not None else "push", document)

    def apply(self, *arguments: str, event: str = "push") -> Result:
        """Run the apply job on what is checked out."""
        return self._run("apply", arguments, event, {"before": "0" * 40})

    def drift(self, *arguments: str) -> Result:
        """Run the drift job."""
        return self._run("drift", arguments, "schedule", {})

    @property
    def outputs(self) -> Mapping[str, str]:
        """What the last job set as its step's outputs."""
        lines = (self.folder / "outputs").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def summary(self) -> str:
        return (self.folder / "summary").read_text(encoding="utf-8")

    def comments(self, pull: Pull) -> list[str]:
        return [remark.body for remark in pull.remarks]

    def check(self) -> Given:
        """Return the latest check."""
        return self.state.checks[-1]

    def _run(
        self, command: str, arguments: tuple[str, ...], event: str, document: Mapping[str, Any]
    ) -> Result:
        for name in ("outputs", "summary"):
            (self.folder / name).unlink(missing_ok=True)
        (self.folder / "event.json").write_text(json.dumps(document), encoding="utf-8")
        env = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.api,
            "GITHUB_SERVER_URL": SERVER,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(self.folder / "event.json"),
            "GITHUB_SHA": self.head,
            "GITHUB_REF_NAME": MAIN,
            "GITHUB_RUN_ID": "77",
            "GITHUB_ACTOR": "ann",
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_OUTPUT": str(self.folder / "outputs"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "RECONCILER_ARTIFACTS": str(self.folder / "artifacts"),
        }
        return self.lab.run("ci", command, *arguments, env=env)


@contextmanager
def ci_lab(lab: Lab, folder: Path) -> Iterator[CiLab]:
    """Put a forge and a remote beside a desk."""
    remote = GitLab.new(folder / "far", "--bare")
    lab.git.git("remote", "add", "origin", str(remote.root))
    state = ForgeState("github-actions[bot]")
    with serve(state, GITHUB) as server:
        yield CiLab(lab, state, f"{server.uri}/api/v3", folder, remote)
