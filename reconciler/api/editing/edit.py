"""The answer of `promote` and `rollback`: a change that is shown first, and written on request."""

from collections.abc import Sequence
from dataclasses import replace

from typing_extensions import Self

from reconciler.api.answers import Answer
from reconciler.api.editing import candidates as candidate_list
from reconciler.api.editing.proposing import MadeProposal, ProposalPlace, ProposalText, propose
from reconciler.api.workspace import Workspace
from reconciler.authoring.draft import Draft
from reconciler.authoring.file_edits import require_written, write_edits
from reconciler.authoring.git_delivery import Clone, Destination, GitDelivery, by_hand
from reconciler.authoring.proposal import check_text
from reconciler.authoring.rollback import Candidate
from reconciler.errors import (
    ExitCode,
    OutOfStep,
    Problem,
    ReconcilerError,
    Refused,
    UsageError,
    first_code,
)
from reconciler.render import json_documents, phrases
from reconciler.render.escape import visible
from reconciler.render.json_documents import Document
from reconciler.repository.repository import GitRepo


class Edit(Answer):
    """A change to a model's file; nothing is written before `write` or `commit`.

    `diff` and `meaning` say what it changes, both empty where all of it is declared already;
    `notes` what it leaves as it is. `candidates` are the versions that a rollback may go back to,
    and `target` is the one that it takes. Where it is `refused`, `problems` say why, and there is
    nothing to write. Afterwards `written` says that the files have it, `commit_id`, `branch` and
    `pull_request` where it is in git, and `next` what is left to do.

    >>> r.promote("fraud", 4).write().written
    True
    """

    def __init__(
        self,
        workspace: Workspace,
        draft: Draft | None,
        *,
        model: str = "",
        file: str = "",
        candidates: Sequence[Candidate] = (),
        target: Candidate | None = None,
        problems: Sequence[Problem] = (),
        refused: bool = False,
    ) -> None:
        self._workspace = workspace
        self._draft = draft
        self._found = tuple(problems)
        self._uncommitted: tuple[str, ...] = ()
        self.model = model
        self.file = file
        self.candidates = tuple(candidates)
        self.target = target
        self.refused = refused
        self.written = False
        self.commit_id: str | None = None
        self.branch: str | None = None
        self.pull_request: str | None = None
        self.next: str | None = None
        if draft is None and not refused:
            self.next = self._nothing_to_write()
        self.requests = workspace.requests
        self._complain(())

    @property
    def diff(self) -> str:
        """The unified difference of the files; empty where nothing is to be written."""
        return self._draft.diff if self._draft else ""

    @property
    def meaning(self) -> tuple[str, ...]:
        """What the change means, a sentence each."""
        return self._draft.meaning if self._draft else ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the change leaves as it is, and somebody may not expect."""
        return self._draft.remarks if self._draft else ()

    @property
    def needs_commit(self) -> bool:
        """Whether its reason is kept in a commit's message alone."""
        proposal = self._draft.proposal if self._draft else None
        return proposal is not None and proposal.reason is not None and not proposal.keeps_reason

    def write(self) -> Self:
        """Write the files, and return the edit; done once, and where nothing changes not at all.

        Raises `Refused` for an edit that is refused, `OutOfStep` where a file changed meanwhile,
        `UsageError` where one cannot be written; nothing is written then.
        """
        draft = self._deliverable()
        if draft is not None and not self.written:
            with self._workspace:
                self._write(draft, self._dirty())
                proposal = draft.proposal
                self.next = by_hand(self._workspace.repo, proposal.files, proposal.title)
        return self

    def commit(
        self,
        message: str | None = None,
        branch: str | None = None,
        *,
        push: bool = False,
        pull_request: bool = False,
    ) -> Self:
        """Write the files where that is not done, commit them and nothing else; return the edit.

        `message` replaces the one that says what the edit means. `branch` is a new branch to commit
        on; an empty one is named after the edit. `push` pushes it, and `pull_request` opens a pull
        request with `gh`, from a new branch.

        What forbids that is raised before anything is written: `Refused` for an edit that is
        refused, changes that are not committed, or a branch that exists; `OutOfStep` amid a
        rebase or merge; `UsageError` without a remote to push to. Where git or `gh` fails
        afterwards, that is raised and in `problems`, and the files stay written.
        """
        check_text("message", message)
        draft = self._deliverable()
        if draft is None:
            return self
        if self.commit_id is not None:
            raise UsageError(f"the edit is committed already, as {self.commit_id[:12]}")
        if branch == "" or (pull_request and branch is None):
            branch = draft.proposal.branch
        with self._workspace:
            self._commit(draft, Destination(branch, push=push, pull_request=pull_request), message)
        return self

    def propose(self, place: ProposalPlace, text: ProposalText) -> MadeProposal | None:
        """Propose the edit by a pull request; None where there is nothing to change.

        The commit is made beside what is checked out: no file, index or branch of the clone
        changes. Raises `Refused` for an edit that is refused, `OutOfStep` and `ForgeError` where
        git or the forge do not take it.
        """
        draft = self._deliverable()
        if draft is None:
            return None
        with self._workspace:
            made = propose(self._repo, draft, place, text)
        self.commit_id, self.branch = made.branch.commit, made.branch.name
        self.pull_request = made.pull.url
        self.next = "have it reviewed and merged; `reconciler apply` then carries it out"
        return made

    def _commit(self, draft: Draft, destination: Destination, message: str | None) -> None:
        uncommitted = self._uncommitted if self.written else self._dirty()
        delivery = self._delivery(draft, destination, uncommitted)
        self._write(draft, uncommitted)
        self._complain(())
        try:
            delivery.go(message or draft.proposal.message(draft.meaning))
        except ReconcilerError as error:
            self._complain(error.problems)
            raise
        finally:
            self.commit_id, self.branch = delivery.commit_id, delivery.branch
            self.pull_request, self.next = delivery.pull_request, delivery.next

    def document(self) -> Document:
        """Return the command's `--format json` document, its `exit` included."""
        errors = [replace(problem, model=self.model) for problem in self.problems]
        return self._document(
            {"model": self.model, "file": self.file},
            {"candidates": candidate_list.document(self.candidates, self.target)},
            errors,
        )

    def _document(
        self,
        first: Document,
        last: Document | None = None,
        errors: Sequence[Problem] | None = None,
    ) -> Document:
        """Return a document with the change and its commit between what is the command's own."""
        problems = self.problems if errors is None else errors
        return {
            "format_version": json_documents.FORMAT_VERSION,
            **first,
            "diff": self.diff,
            "meaning": list(self.meaning),
            "notes": list(self.notes),
            "commit": self.commit_id,
            "branch": self.branch,
            "pull_request": self.pull_request,
            **(last or {}),
            "errors": [json_documents.error(problem) for problem in problems],
            "exit": json_documents.ending(self.code),
        }

    def to_text(self, seconds: float | None = None) -> str:
        """Return what the command prints; `seconds` replaces the time in its last line."""
        return self._text(candidate_list.listing(self.candidates, self.target), 1, seconds)

    def _text(self, listing: Sequence[str], models: int, seconds: float | None) -> str:
        lines = [*listing, *([""] if listing else [])]
        lines += [visible(line) for line in self.diff.splitlines()]
        lines += ["", *(visible(line) for line in self.meaning), ""] if self.meaning else []
        if self.commit_id:
            on = f" on `{visible(self.branch)}`" if self.branch else ""
            lines.append(f"committed {self.commit_id[:12]}{on}")
        if self.pull_request:
            lines.append(f"opened {visible(self.pull_request)}")
        if self.next:
            lines.append(f"next: {visible(self.next)}" if self.meaning else self.next)
        effort = self._effort(seconds)
        changes = phrases.count(len(self.meaning), "change")
        requests = phrases.count(effort.requests, "request")
        lines.append(f"{changes}, {phrases.models(models)}, {requests}, {effort.seconds:.2f} s")
        return "\n".join(lines) + "\n"

    def _complain(self, failures: Sequence[Problem]) -> None:
        """Set the problems: those that the edit was made with, and what failed since."""
        self.problems = (*self._found, *failures)
        codes = [problem.code for problem in self.problems]
        self.code = int(first_code(codes) or (codes[0] if codes else ExitCode.OK))

    def _deliverable(self) -> Draft | None:
        """Return what there is to write, None for nothing; raises `Refused` for a refusal."""
        if self.refused:
            reason = self.problems[0]
            raise Refused(reason.message, hint=reason.hint, problems=self.problems)
        return self._draft

    def _nothing_to_write(self) -> str:
        left = f"; {self.file} is not committed" if self.file in self._dirty() else ""
        return f"it is declared so already: nothing is written{left}"

    def _dirty(self) -> tuple[str, ...]:
        repo = self._workspace.repo
        return repo.dirty(self._workspace.folder) if repo else ()

    @property
    def _repo(self) -> GitRepo:
        """The repository; raises `OutOfStep` without one."""
        if self._workspace.repo is None:
            raise OutOfStep(
                "this is not a git repository: nothing can be committed",
                hint="run it in a clone, or start a repository here: `git init`",
            )
        return self._workspace.repo

    def _delivery(
        self, draft: Draft, destination: Destination, uncommitted: Sequence[str]
    ) -> GitDelivery:
        workspace = self._workspace
        line = workspace.main_line if destination.pull_request else None
        base = line[0].removeprefix("origin/") if line else None
        clone = Clone(self._repo, workspace.environ, base)
        return GitDelivery(clone, [one.path for one in draft.files], destination, uncommitted)

    def _write(self, draft: Draft, uncommitted: tuple[str, ...]) -> None:
        if self.written:
            for one in draft.files:
                require_written(one)
            return
        write_edits(draft.files)
        self.written, self._uncommitted = True, uncommitted
