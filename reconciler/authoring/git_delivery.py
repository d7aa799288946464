"""How edited files get into a commit, on a branch, to a remote, into a pull request."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import OutOfStep, Refused
from reconciler.repository.delivery import commits
from reconciler.repository.delivery.gh import open_pull_request
from reconciler.repository.repository import GitRepo


@dataclass(frozen=True, slots=True)
class Destination:
    """How far files go; without a branch they are committed to the one that is checked out."""

    branch: str | None = None
    push: bool = False
    pull_request: bool = False


@dataclass(frozen=True, slots=True)
class Clone:
    """Where files are committed, the environment of `gh`, and the branch pull requests go to."""

    repo: GitRepo
    environ: Mapping[str, str]
    main_line: str | None


class GitDelivery:
    """Brings files into git; what forbids that is found out before anything is written.

    `commit_id`, `branch` and `pull_request` say how far they got, and `next` what is left to do.

    Raises `OutOfStep` where git is amid a rebase or merge, `Refused` for files that were not
    committed before, a branch that exists or none to commit to, `UsageError` without a remote.
    """

    def __init__(
        self,
        clone: Clone,
        files: Sequence[Path],
        destination: Destination,
        uncommitted: Sequence[str],
    ) -> None:
        self._clone = clone
        self._destination = destination
        self._paths = tuple(clone.repo.path_of(file) for file in files)
        self._remote = self._checked(clone.repo, uncommitted)
        self.commit_id: str | None = None
        self.branch: str | None = None
        self.pull_request: str | None = None
        self.next: str | None = None

    def _checked(self, repo: GitRepo, uncommitted: Sequence[str]) -> str | None:
        """Return the remote to push to, None where nothing is pushed."""
        command = commits.under_way(repo)
        if command is not None:
            raise OutOfStep(
                f"a {command} is in progress, and a commit would become a part of it",
                hint=f"end it first: {commits.ways_out(command)}",
            )
        for path in self._paths:
            if path in uncommitted:
                commits.refuse_uncommitted(repo, path)
        here, new = commits.branch_of(repo), self._destination.branch
        if new is not None:
            commits.check_new_branch(repo, new)
        elif here is None:
            raise Refused("no branch is checked out: the commit would be lost", hint="--branch")
        if not (self._destination.push or self._destination.pull_request):
            return None
        return commits.remote_for(repo, here if new is None else None)

    def go(self, message: str) -> None:
        """Commit the files, push and open the pull request, as far as is asked.

        Raises `ReconcilerError` where it does not get that far.
        """
        repo, new = self._clone.repo, self._destination.branch
        if new is None:
            self.commit_id = commits.commit_files(repo, self._paths, message)
        else:
            self.commit_id = commits.commit_on_branch(repo, new, self._paths, message)
        self.branch = commits.branch_of(repo)
        self.next = "push it, and open a pull request"
        if not commits.remotes(repo):
            self.next = "`reconciler apply` carries it out, once the main line has it"
        if self._remote is None or self.branch is None:
            return
        commits.push_branch(repo, self._remote, self.branch)
        self.next = "open a pull request: its review is the approval"
        if self._destination.pull_request:
            self.next = None
            self.pull_request = self._opened(self.branch, message)
            self.next = "have it reviewed and merged; `reconciler apply` then carries it out"

    def _opened(self, branch: str, message: str) -> str:
        """Open the pull request and return its URL."""
        title, _, body = message.partition("\n")
        return open_pull_request(
            self._clone.repo.root,
            self._clone.environ,
            branch=branch,
            is_only_remote=len(commits.remotes(self._clone.repo)) == 1,
            base=self._clone.main_line,
            title=title,
            body=body.lstrip("\n"),
        )


def by_hand(repo: GitRepo | None, files: Sequence[str], title: str) -> str:
    """Return how edited files are committed by hand, with what comes before the command."""
    if repo is None:
        return "review and commit it where git has it"
    new = [file for file in files if not commits.is_tracked(repo, file)]
    add = f"git add {shlex.join(new)} && " if new else ""
    commit = f"git commit -m {shlex.quote(title)} -- {shlex.join(files)}"
    return f"review and commit it: `{add}{commit}`"
