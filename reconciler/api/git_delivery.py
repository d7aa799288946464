"""How far a change to model files goes: into a commit, a branch, a remote, a pull request."""

import shlex
from dataclasses import dataclass, field

import click

from reconciler.api.workspace import Workspace
from reconciler.cli.options import Command
from reconciler.core.state import Declaration
from reconciler.errors import OutOfStep, Problem, Refused, UsageError
from reconciler.render import json_documents
from reconciler.render.escape import visible
from reconciler.repository import commits
from reconciler.repository.gh import open_pull_request
from reconciler.repository.repository import GitRepo


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a change goes: `branch` is empty for one whose name follows from the change."""

    commit: bool
    branch: str | None
    push: bool
    pull_request: bool


@dataclass(frozen=True, slots=True)
class Proposal:
    """What files declare before and after a change, and how it is called in a commit."""

    changes: tuple[tuple[Declaration, Declaration], ...]
    title: str
    branch: str
    reason: str | None
    trailer: str | None = None


@dataclass
class Outcome:
    """What became of a proposal, step by step."""

    model: str
    file: str
    candidates: list[json_documents.Document] = field(default_factory=list)
    listing: list[str] = field(default_factory=list)
    diff: str = ""
    meaning: tuple[str, ...] = ()
    next: str | None = None
    commit: str | None = None
    branch: str | None = None
    pull_request: str | None = None
    errors: tuple[Problem, ...] = ()
    requests: int = 0


def delivery_options(command: Command) -> Command:
    """Add the options that say how far a change goes."""
    for option in reversed(
        (
            click.option("--commit", is_flag=True, help="Commit the edit, and nothing else."),
            click.option(
                "--branch",
                metavar="[NAME]",
                is_flag=False,
                flag_value="",
                help="Commit on a new branch.",
            ),
            click.option("--push", is_flag=True, help="Commit, and push."),
            click.option(
                "--pr", "pull_request", is_flag=True, help="Commit on a new branch, push, use `gh`."
            ),
            click.option(
                "--reason", metavar="TEXT", callback=_text, help="Why; it goes into the commit."
            ),
        )
    ):
        command = option(command)
    return command


def _text(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Return a text that a file and a commit can hold; raises `UsageError` for other bytes."""
    try:
        return value if value is None else value.encode().decode()
    except UnicodeEncodeError as error:
        raise UsageError("`--reason` is not UTF-8 text", hint="write it in another way") from error


class GitDelivery:
    """The way of a change into git; what forbids it is found out before anything is written."""

    def __init__(
        self, workspace: Workspace, change: Proposal, delivery: Delivery, outcome: Outcome
    ) -> None:
        self._workspace = workspace
        self._change = change
        self._outcome = outcome
        self._delivery = delivery
        self._branch = delivery.branch
        if delivery.pull_request and self._branch is None:
            self._branch = ""
        if self._branch == "":
            self._branch = change.branch
        self._remote = ""
        self._paths: tuple[str, ...] = ()
        self.commits = delivery.commit or delivery.push or self._branch is not None
        self._repo = self._checked(workspace.repo) if self.commits else None

    def _checked(self, repo: GitRepo | None) -> GitRepo:
        if repo is None:
            raise OutOfStep(
                "this is not a git repository: nothing can be committed",
                hint="run it in a clone, or start a repository here: `git init`",
            )
        command = commits.under_way(repo)
        if command is not None:
            raise OutOfStep(
                f"a {command} is in progress, and a commit would become a part of it",
                hint=f"end it first: {commits.ways_out(command)}",
            )
        files = (self._workspace.path_of(before) for before, _ in self._change.changes)
        self._paths = tuple(repo.path_of(file) for file in files)
        for path in self._paths:
            if path in self._workspace.dirty:
                commits.refuse_uncommitted(repo, path)
        here = commits.branch_of(repo)
        if self._branch is not None:
            commits.check_new_branch(repo, self._branch)
        elif here is None:
            raise Refused("no branch is checked out: the commit would be lost", hint="--branch")
        if self._delivery.push or self._delivery.pull_request:
            self._remote = commits.remote_for(repo, here if self._branch is None else None)
        return repo

    def go(self) -> None:
        """Commit, push and open the pull request, as far as is asked; say what comes next."""
        repo, out = self._repo, self._outcome
        title, body = self._change.title, _body(self._change, out.meaning)
        if repo is None:
            out.next = f"review and commit it{self._by_hand()}"
            return
        message = f"{title}\n\n{body}"
        if self._branch is None:
            out.commit = commits.commit_files(repo, self._paths, message)
        else:
            out.commit = commits.commit_on_branch(repo, self._branch, self._paths, message)
        out.branch = commits.branch_of(repo)
        out.next = "push it, and open a pull request"
        if not self._remote or out.branch is None:
            return
        commits.push_branch(repo, self._remote, out.branch)
        out.next = "open a pull request: its review is the approval"
        if self._delivery.pull_request:
            out.next = None
            out.pull_request = open_pull_request(
                repo.root,
                self._workspace.environ,
                branch=out.branch,
                is_only_remote=len(commits.remotes(repo)) == 1,
                base=self._base(),
                title=title,
                body=body,
            )
            out.next = "have it reviewed and merged; `reconciler apply` then carries it out"

    def _by_hand(self) -> str:
        """Return how the files are committed by hand, with what comes before the command."""
        repo, files = self._workspace.repo, [before.file for before, _ in self._change.changes]
        if repo is None:
            return " where git has it"
        new = [file for file in files if not commits.is_tracked(repo, file)]
        add = f"git add {shlex.join(new)} && " if new else ""
        return f": `{add}git commit -m {shlex.quote(self._change.title)} -- {shlex.join(files)}`"

    def _base(self) -> str | None:
        line = self._workspace.main_line
        return line[0].removeprefix("origin/") if line else None


def _body(change: Proposal, said: tuple[str, ...]) -> str:
    parts = [change.reason] if change.reason else []
    parts.append("\n".join(f"- {visible(line)}" for line in said))
    parts += [change.trailer] if change.trailer else []
    return "\n\n".join(parts)
