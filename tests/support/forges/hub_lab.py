"""GitHub around one repository: what is pushed, opened, reviewed or asked for starts workflows."""

import re
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests import ROOT
from tests.support.forges.ci_lab import MAIN, CiLab
from tests.support.forges.forge_lab import SERVER
from tests.support.forges.forge_server import REPOSITORY, Commit, Grant, Pull
from tests.support.forges.github_dialect import may
from tests.support.registries.servers import Answer, Request, proxy
from tests.support.repositories.git_lab import GitLab
from tests.support.workflows.workflow_events import Environment, Event, Forge, starts
from tests.support.workflows.workflow_files import load, steps
from tests.support.workflows.workflow_runner import Run, Runner

PUBLISHED = "acme/mlflow-reconciler@v0.1.0"
HOURLY, WEEKLY = "17 * * * *", "41 3 * * 1"
_APP = "registry-app[bot]"
READER = ("reader", "reader-password-0123456789")
_WRITER = ("writer", "writer-password-0123456789")
_LINE = f"refs/heads/{MAIN}"
_GH = """\
#!{python} -I
import json, os, sys, urllib.request
assert sys.argv[1:3] == ["pr", "create"]
said = dict(zip(sys.argv[3::2], sys.argv[4::2]))
request = urllib.request.Request(
    os.environ["GITHUB_API_URL"] + "/repos/" + os.environ["GITHUB_REPOSITORY"] + "/pulls",
    json.dumps({{name.lstrip("-"): value for name, value in said.items()}}).encode(),
    {{"Authorization": "Bearer " + os.environ["GH_TOKEN"]}},
)
with urllib.request.urlopen(request) as answer:
    print(json.load(answer)["html_url"])
"""


@dataclass
class Hub:
    """A repository on GitHub; `variables` are its own, and `ran` is every run so far."""

    ci: CiLab
    folder: Path
    registry: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    ran: list[Run] = field(default_factory=list)
    runner: Runner = field(init=False)

    def __post_init__(self) -> None:
        state, remote = self.ci.state, self.ci.remote
        state.may, state.pushed = may, self._brought
        remote.git("symbolic-ref", "HEAD", _LINE)
        home, tools = self.folder / "home", self.folder / "tools"
        home.mkdir(parents=True)
        tools.mkdir()
        (home / "gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")
        (tools / "gh").write_text(_GH.format(python=sys.executable))
        (tools / "gh").chmod(0o755)
        forge = Forge(
            remote=remote.root,
            api=f"{self.ci.server.uri}/api/v3",
            server=SERVER,
            repository=REPOSITORY,
            environ={
                "PATH": f"{tools}:{remote.env['PATH']}",
                "HOME": str(home),
                "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
                "GIT_CONFIG_NOSYSTEM": "1",
                "MLFLOW_DISABLE_TELEMETRY": "true",
            },
            environments=self._environments(),
            token=lambda permissions: self._token("github-actions[bot]", permissions),
            app_token=lambda: self._token(_APP, {"contents": "write", "pull-requests": "write"}),
            may_push=lambda token: (
                (state.tokens[token].permissions or {}).get("contents") == "write"
            ),
            actions={PUBLISHED: ROOT},
            installed=Path(sys.executable).parent,
        )
        self.runner = Runner(forge, self.folder)

    def _environments(self) -> Mapping[str, Environment]:
        def holding(who: tuple[str, str], *refs: str, **more: str) -> Environment:
            names = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
            secrets = {**dict(zip(names, who, strict=True)), **more}
            where = {"MLFLOW_TRACKING_URI": self.registry} if self.registry else {}
            return Environment(where, secrets, refs or None)

        return {
            "": Environment(self.variables),
            "production": holding(_WRITER, _LINE),
            "production-read": holding(READER),
            "propose": holding(READER, _LINE, RECONCILER_APP_PRIVATE_KEY="key"),
        }

    def _token(self, login: str, permissions: Mapping[str, str]) -> str:
        tokens = self.ci.state.tokens
        token = f"short-lived-token-{len(tokens):06}"
        tokens[token] = Grant(login, dict(permissions))
        return token

    def _brought(self, branch: str, number: int) -> list[Commit]:
        """Return what a pushed branch brings, and give the pull request its ref."""
        remote = self.ci.remote
        remote.git("update-ref", f"refs/pull/{number}/head", f"refs/heads/{branch}")
        rows = remote.git("log", "--reverse", "--format=%H %ae %ce", f"{MAIN}..{branch}")
        found = []
        for row in rows.splitlines():
            sha, author, committer = row.split()
            found.append(Commit(sha, _login(author), _login(committer), author))
        return found

    # --- what happens

    def push(self) -> dict[str, Run]:
        """Push the main line, as it is checked out."""
        self.ci.push()
        return self.pushed()

    def pushed(self, commit: str = MAIN, *, attempt: int = 1) -> dict[str, Run]:
        """Run what a push to the main line starts, for its tip or one that was pushed before."""
        sha = self.ci.remote.git("rev-parse", commit)
        line = self.ci.remote.git("rev-list", "--first-parent", "--max-count=2", sha).split()
        payload = {"ref": _LINE, "before": (*line, "0" * 40)[1], "after": sha}
        return self._happens(Event("push", payload, _LINE, sha, attempt=attempt), sha)

    def open(self) -> tuple[Pull, dict[str, Run]]:
        """Open a pull request from the branch that is checked out."""
        self.ci.lab.git.push()
        pull = self.ci.open()
        return pull, self.push_to(pull, "opened")

    def push_to(self, pull: Pull, action: str = "synchronize") -> dict[str, Run]:
        """Push what is checked out to a pull request."""
        if pull.head != self.ci.head:
            self.ci.state.push(pull, self.ci.head)
        head = f"refs/pull/{pull.number}/head"
        self.ci.lab.git.git("push", "--quiet", "origin", "HEAD", f"HEAD:{head}")
        return self._about(pull, "pull_request", action=action)

    def review(self, pull: Pull, login: str, state: str = "APPROVED") -> dict[str, Run]:
        """Review a pull request's head."""
        self.ci.state.review(pull, login, state)
        review = {"state": state.lower(), "user": {"login": login}}
        return self._about(pull, "pull_request_review", action="submitted", review=review)

    def queue(self, pull: Pull) -> dict[str, Run]:
        """Put a pull request into the merge queue, which tries it on top of the main line."""
        git, base = self._fetched(pull), self.ci.remote.git("rev-parse", MAIN)
        git.git("checkout", "--quiet", "--detach", MAIN)
        git.git("merge", "--quiet", "--no-ff", "-m", "queued", pull.head)
        sha, name = (
            git.git("rev-parse", "HEAD"),
            f"gh-readonly-queue/{MAIN}/pr-{pull.number}-{base}",
        )
        git.git("push", "--quiet", "origin", f"HEAD:refs/heads/{name}")
        ref = f"refs/heads/{name}"
        group = {"head_sha": sha, "head_ref": ref, "base_sha": base, "base_ref": _LINE}
        payload = {"action": "checks_requested", "merge_group": group}
        ran = self._happens(Event("merge_group", payload, ref, sha), sha)
        self.ci.remote.git("update-ref", "-d", ref)
        return ran

    def merge(self, pull: Pull) -> dict[str, Run]:
        """Merge a pull request."""
        self.merge_unseen(pull)
        return self.pushed()

    def merge_unseen(self, pull: Pull) -> str:
        """Merge a pull request whose jobs have to wait, and return the merge."""
        self._fetched(pull)
        return self.ci.merge(pull, pull.head)

    def _fetched(self, pull: Pull) -> GitLab:
        self.ci.lab.git.git("fetch", "--quiet", "origin", f"refs/pull/{pull.number}/head")
        return self.ci.lab.git

    def clock(self, commit: str = MAIN, cron: str = HOURLY) -> dict[str, Run]:
        """Run what a schedule starts, for the main line's tip or what that was when it did."""
        sha = self.ci.remote.git("rev-parse", commit)
        return self._happens(Event("schedule", {"schedule": cron}, _LINE, sha), sha)

    def fill_in(self, workflow: str, **inputs: str) -> dict[str, Run]:
        """Fill in a workflow's form, and run what its pull request starts, where one does."""
        pulls, sha = set(self.ci.state.pulls), self.ci.remote.git("rev-parse", MAIN)
        event = Event("workflow_dispatch", {"inputs": inputs, "ref": _LINE}, _LINE, sha)
        ran = self._happens(event, sha, only=workflow)
        for number in set(self.ci.state.pulls) - pulls:
            pull = self.ci.state.pulls[number]
            if pull.author == _APP:  # what a job's own token opens starts nothing
                ran |= self._about(pull, "pull_request", action="opened")
        return ran

    def _about(
        self, pull: Pull, name: str, *, repository: str = REPOSITORY, **payload: object
    ) -> dict[str, Run]:
        base = self.ci.remote.git("rev-parse", MAIN)
        head = {"sha": pull.head, "ref": "topic", "repo": {"full_name": repository}}
        onto = {"sha": base, "ref": MAIN, "repo": {"full_name": REPOSITORY}}
        about = {"number": pull.number, "head": head, "base": onto}
        trial = "7" * 40  # nobody's commit, as `tests.support.forges.github_dialect` has it
        event = Event(
            name,
            {**payload, "number": pull.number, "pull_request": about},
            f"refs/pull/{pull.number}/merge",
            trial,
        )
        return self._happens(event, pull.head)

    def from_fork(self, pull: Pull) -> dict[str, Run]:
        """Run what a pull request starts whose branch is in somebody's fork."""
        return self._about(pull, "pull_request", repository="eve/registry", action="opened")

    def _happens(self, event: Event, commit: str, only: str | None = None) -> dict[str, Run]:
        """Run the workflows of a commit that an event starts."""
        repository: dict[str, Any] = {"full_name": REPOSITORY, "default_branch": MAIN}
        if event.name != "schedule":
            payload = {**event.payload, "repository": repository}
            event = replace(event, payload=payload)
        ran = {}
        for path in self._workflows(commit):
            if only in (None, path.stem) and starts(load(path)["on"], event):
                ran[path.stem] = self.runner.run(path, event)
        self.ran += ran.values()
        assert not any(secret in run.log for run in ran.values() for _, secret in (READER, _WRITER))
        return ran

    def _workflows(self, commit: str) -> Iterator[Path]:
        """Take the workflows out of a commit."""
        git, where = self.ci.remote.git, ".github/workflows/"
        for name in git("ls-tree", "--name-only", commit, where).splitlines():
            path = self.folder / "workflows" / commit / Path(name).name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(git("show", f"{commit}:{name}") + "\n", encoding="utf-8")
            yield path


def _login(address: str) -> str | None:
    """Return whose account an e-mail address is."""
    found = re.fullmatch(r"\d+\+(.+)@users\.noreply\.github\.com", address)
    return found[1] if found else None


def _reads(request: Request) -> bool:
    return request.method == "GET" or request.path.partition("?")[0].endswith("/search")


@contextmanager
def guarded(upstream: str) -> Iterator[str]:
    """Put a registry behind two users: one who reads, and one who may write, too."""

    def refusal(request: Request) -> Answer | None:
        who = request.headers.get("Authorization", "")
        if who not in map(_basic, (READER, _WRITER)):
            return Answer(401, b"You are not authenticated.")
        return None if _reads(request) or who == _basic(_WRITER) else Answer(403, b"Forbidden")

    with proxy(upstream, before=refusal) as server:
        yield server.uri


def _basic(who: tuple[str, str]) -> str:
    return f"Basic {b64encode(':'.join(who).encode()).decode()}"


def left_out(runs: Sequence[Run], *files: Path) -> list[str]:
    """Return the names of the steps of files whose shell no run has executed."""
    executed = {
        (one.step.file.name, one.step.run) for run in runs for one in run.done if not one.replaced
    }
    return [
        f"{step.file.name}: {step.keys['name']}"
        for step in steps(*files)
        if step.run and (step.file.name, step.run) not in executed
    ]
