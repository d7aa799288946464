"""A change to one model's file: checked, shown, written, and on demand committed and proposed."""

import re
import shlex
import tempfile
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

import click

from reconciler import readiness
from reconciler.cli import output
from reconciler.cli.options import Command
from reconciler.cli.session import Session
from reconciler.errors import (
    ExitCode,
    OutOfStep,
    Problem,
    ReconcilerError,
    Refused,
    RegistryError,
    UsageError,
    first_code,
)
from reconciler.files import yaml_files
from reconciler.files.edits import edits_between
from reconciler.files.state_folder import SETTINGS_FILE
from reconciler.files.yaml_edit import apply_edits
from reconciler.live import read_live
from reconciler.names import nearest
from reconciler.promotion import alone, remarks
from reconciler.registry import Registry
from reconciler.render import documents, words
from reconciler.render.escape import visible
from reconciler.repository import git_commit
from reconciler.repository.git_repo import GitRepo
from reconciler.repository.github_cli import open_pull_request
from reconciler.state import Declaration, Live
from reconciler.timeline import Commit, Step, meaning

PATIENCE = 10.0  # seconds for a registry that is asked by the way

# What a change means is told of a commit; this one is still to be made.
_TO_COME = Commit("", (), datetime.fromtimestamp(0, timezone.utc), "", "", "", "", "")


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a change goes: `branch` is empty for one whose name follows from the change."""

    commit: bool
    branch: str | None
    push: bool
    pull_request: bool


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change to what one file declares, and how it is called in a commit."""

    before: Declaration
    after: Declaration
    title: str
    branch: str
    reason: str | None
    trailer: str | None = None


@dataclass
class Outcome:
    """What became of a proposal, step by step."""

    model: str
    file: str
    candidates: list[documents.Document] = field(default_factory=list)
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
            click.option("--commit", is_flag=True, help="Commit the file, and nothing else."),
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
            click.option("--reason", metavar="TEXT", help="Why; it goes into the commit."),
        )
    ):
        command = option(command)
    return command


def declared(session: Session, model: str) -> Declaration:
    """Return what the checkout declares for a model; raises `UsageError` when it does not."""
    found = session.desired.declarations.get(model)
    if found is None:
        near = nearest(model, session.desired.declarations)
        write = f"`reconciler import {shlex.quote(model)}` writes its file from the registry"
        hint = f"{near} {write}" if near else write
        raise UsageError(f"model `{model}` is not declared", hint=hint)
    return found


class Look:
    """The live registry, asked by the way: where it cannot be, that is said once and goes on.

    `live` is the model, None where that was not found out.
    """

    def __init__(self, session: Session, model: str, versions: tuple[int, ...]) -> None:
        self._registry: Registry | None = None
        self.live: Live | None = None
        self.is_missing = False
        try:
            _ = session.ref  # raises `Refused` for another registry than the pinned one
            self._registry = session.registry
            self._read(self._registry, model, versions)
        except (UsageError, RegistryError) as error:
            output.say(f"not checked against a registry: {visible(error.message)}")

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self._registry.requests if self._registry else 0

    def problems(self, after: Declaration, version: int) -> tuple[Problem, ...]:
        """Return what keeps a version from being what a declaration says of it."""
        if self.live is None and not self.is_missing:
            return ()
        return readiness.problems(alone(after, version), self.live, names=())

    def _read(self, registry: Registry, model: str, versions: tuple[int, ...]) -> None:
        needed = {model: versions}
        found, problems = read_live(registry, needed, everything=False, parallelism=1)
        live = found.get(model)
        if model in problems:
            raise RegistryError(problems[model].message)
        if live is not None and live.unreadable is not None:
            raise RegistryError(f"the versions cannot be listed: {live.unreadable}")
        self.live, self.is_missing = live, live is None


def propose(session: Session, change: Proposal, delivery: Delivery, outcome: Outcome) -> int:
    """Check a change, write it, deliver it, and print what became of it; return the exit code.

    Raises `ReconcilerError` where nothing is written.
    """
    path = session.path_of(change.before)
    old = path.read_bytes()
    new = apply_edits(old, edits_between(change.before, change.after), change.before.file)
    if new == old:
        outcome.next = "it is declared so already: nothing is written"
        return conclude(session, outcome)
    _validate(session, path, new)
    names = (f"a/{outcome.file}", f"b/{outcome.file}")
    outcome.diff = words.difference(old, new, names)
    outcome.meaning = meaning(
        Step(_TO_COME, outcome.model, change.before, change.after), session.desired.rules
    )
    way = _Way(session, change, delivery, outcome)
    try:
        path.write_bytes(new)
    except OSError as error:
        raise UsageError(f"{outcome.file} cannot be written: {error.strerror}") from error
    try:
        way.go()
    except ReconcilerError as error:
        outcome.errors += error.problems
    for remark in remarks(change.before, change.after):
        output.say(f"note: {visible(remark)}")
    return conclude(session, outcome)


def conclude(session: Session, outcome: Outcome) -> int:
    """Print what became of a proposal and return the exit code."""
    codes = [problem.code for problem in outcome.errors]
    code = first_code(codes) or (codes[0] if codes else ExitCode.OK)
    if session.options.json:
        output.document(_document(outcome, code))
    else:
        output.product(_text(outcome, session), session.options)
    output.complain(outcome.errors)
    return int(code)


class _Way:
    """The way of a change into git; what forbids it is found out before anything is written."""

    def __init__(
        self, session: Session, change: Proposal, delivery: Delivery, outcome: Outcome
    ) -> None:
        self._session = session
        self._change = change
        self._outcome = outcome
        self._delivery = delivery
        self._branch = delivery.branch
        if delivery.pull_request and self._branch is None:
            self._branch = ""
        if self._branch == "":
            self._branch = change.branch
        self._remote = ""
        self._path = ""
        commits = delivery.commit or delivery.push or self._branch is not None
        self._repo = self._checked(session.repo) if commits else None

    def _checked(self, repo: GitRepo | None) -> GitRepo:
        if repo is None:
            raise OutOfStep("this is not a git repository: nothing can be committed")
        self._path = repo.path_of(self._session.path_of(self._change.before))
        if self._path in self._session.dirty:
            raise Refused(
                f"{self._path} has changes that are not committed: they would go along",
                hint=f"commit them first, or undo them: `git checkout -- {self._path}`",
            )
        here = git_commit.branch_of(repo)
        if self._branch is not None:
            git_commit.check_new_branch(repo, self._branch)
        elif here is None:
            raise Refused("no branch is checked out: the commit would be lost", hint="--branch")
        if self._delivery.push or self._delivery.pull_request:
            self._remote = git_commit.remote_for(repo, here if self._branch is None else None)
        return repo

    def go(self) -> None:
        """Commit, push and open the pull request, as far as is asked; say what comes next."""
        repo, out = self._repo, self._outcome
        title, body = self._change.title, _body(self._change, out.meaning)
        if repo is None:
            out.next = f"review and commit it: {_by_hand(out.file, title)}"
            return
        if self._branch is not None:
            git_commit.start_branch(repo, self._branch)
        out.branch = git_commit.branch_of(repo)
        out.commit = git_commit.commit_file(repo, self._path, f"{title}\n\n{body}")
        out.next = "push it, and open a pull request"
        if not self._remote or out.branch is None:
            return
        git_commit.push_branch(repo, self._remote, out.branch)
        out.next = "open a pull request: its review is the approval"
        if self._delivery.pull_request:
            out.next = None
            out.pull_request = open_pull_request(
                repo.root,
                self._session.environ,
                branch=out.branch,
                base=self._base(),
                title=title,
                body=body,
            )
            out.next = "have it reviewed and merged; `reconciler apply` then carries it out"

    def _base(self) -> str | None:
        line = self._session.main_line
        return line[0].removeprefix("origin/") if line else None


def slug(text: str) -> str:
    """Return a text as a part of a branch's name."""
    return re.sub(r"[^\w-]+", "-", text).strip("-") or "model"


def title_of(text: str) -> str:
    """Return a text as the subject of a commit: one line."""
    return visible(text)


def _validate(session: Session, path: Path, data: bytes) -> None:
    """Raise `DeclarationError` when the state folder would be wrong with that file.

    No other file can become wrong by it: the model's name stays.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = session.folder / SETTINGS_FILE
        if settings.exists():
            (folder / SETTINGS_FILE).write_bytes(settings.read_bytes())
        copy = folder / path.relative_to(session.folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(data)
        yaml_files.load(folder, session.shown)


def _body(change: Proposal, said: tuple[str, ...]) -> str:
    parts = [change.reason] if change.reason else []
    parts.append("\n".join(f"- {visible(line)}" for line in said))
    parts += [change.trailer] if change.trailer else []
    return "\n\n".join(parts)


def _by_hand(file: str, title: str) -> str:
    return f"`git commit -m {shlex.quote(title)} -- {shlex.quote(file)}`"


def _text(outcome: Outcome, session: Session) -> str:
    lines = [*outcome.listing, *([""] if outcome.listing else [])]
    lines += [visible(line) for line in outcome.diff.splitlines()]
    lines += ["", *(visible(line) for line in outcome.meaning), ""] if outcome.meaning else []
    if outcome.commit:
        on = f" on `{visible(outcome.branch)}`" if outcome.branch else ""
        lines.append(f"committed {outcome.commit[:12]}{on}")
    if outcome.pull_request:
        lines.append(f"opened {visible(outcome.pull_request)}")
    if outcome.next:
        lines.append(f"next: {visible(outcome.next)}" if outcome.meaning else outcome.next)
    effort = session.options.effort(outcome.requests)
    count = words.count(len(outcome.meaning), "change")
    requests = words.count(effort.requests, "request")
    lines.append(f"{count}, 1 model, {requests}, {effort.seconds:.2f} s")
    return "\n".join(lines) + "\n"


def _document(outcome: Outcome, code: ExitCode) -> documents.Document:
    return {
        "format_version": documents.FORMAT_VERSION,
        "model": outcome.model,
        "file": outcome.file,
        "diff": outcome.diff,
        "meaning": list(outcome.meaning),
        "commit": outcome.commit,
        "branch": outcome.branch,
        "pull_request": outcome.pull_request,
        "candidates": outcome.candidates,
        "errors": [documents.error(replace(p, model=outcome.model)) for p in outcome.errors],
        "exit": documents.ending(code),
    }
