"""Proposes an edit by a pull request, made beside what is checked out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.authoring.draft import Draft
from reconciler.authoring.file_edits import FileEdit
from reconciler.authoring.proposal import slug
from reconciler.errors import OutOfStep, ReconcilerError
from reconciler.forges.error_mapping import AlreadyOpen, Lost
from reconciler.ports.forge import Forge, PullRequest
from reconciler.repository.delivery.branch_commit import (
    RemoteBranch,
    RemoteBranches,
    blob_of,
    commit_beside,
    delete_branch,
    push_new_branch,
)
from reconciler.repository.repository import GitRepo

_LONGEST_SLUG: Final = 50  # characters, of which each may be four bytes


@dataclass(frozen=True, slots=True)
class ProposalPlace:
    """Where a proposal goes: on top of `parent`, to a remote, to be merged into `base`."""

    forge: Forge
    remote: str
    parent: str
    base: str


@dataclass(frozen=True, slots=True)
class ProposalText:
    """The branch and the words of a pull request; `trailers` go to the end of the commit.

    The first line of `body` is the marker by which the pull request is found again.
    """

    branch: str
    title: str
    body: str
    trailers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MadeProposal:
    """The pull request of an edit, and the branch that it is of."""

    branch: RemoteBranch
    pull: PullRequest


def rollback_branch(model: str, version: int, target: int) -> str:
    """Return the branch of a rollback that is proposed: short enough for every file system."""
    return f"rollback/{slug(model)[:_LONGEST_SLUG]}-v{version}-to-v{target}"


def propose(repo: GitRepo, draft: Draft, place: ProposalPlace, text: ProposalText) -> MadeProposal:
    """Commit a draft on a new branch, push that and open its pull request.

    A branch of the same content that an earlier job left is taken instead. Raises `OutOfStep` where
    the files of `parent` are not those that the draft was made of, or the branch is not taken,
    `ForgeError` where the pull request is not.
    """
    files = _contents(repo, place.parent, draft.files)
    commit = commit_beside(repo, place.parent, files, _message(draft, text.trailers))
    branches = RemoteBranches(repo, place.remote)
    left = branches.with_content_of(commit, text.branch)
    branch = left or RemoteBranch(branches.free_name(text.branch), commit)
    if left is None:
        push_new_branch(repo, place.remote, branch)
    try:
        pull = _opened(place, text, branch.name)
    except (AlreadyOpen, Lost):  # deleting its branch would close it
        raise
    except ReconcilerError:
        if left is None:  # every run would leave another one
            delete_branch(repo, place.remote, branch)
        raise
    return MadeProposal(branch, pull)


def _opened(place: ProposalPlace, text: ProposalText, branch: str) -> PullRequest:
    # Another job may have been faster while this one made and pushed the commit.
    others = place.forge.open_pull_requests(text.body.partition("\n")[0])
    if others:
        raise OutOfStep(
            f"another job proposed the same meanwhile: {others[-1].url}",
            hint="let one job run at a time: `concurrency` on GitHub, `resource_group` on GitLab",
        )
    return place.forge.open_pull_request(branch, place.base, text.title, text.body)


def _contents(repo: GitRepo, parent: str, edits: Sequence[FileEdit]) -> Mapping[str, bytes | None]:
    contents: dict[str, bytes | None] = {}
    for edit in edits:
        path = repo.path_of(edit.path)
        made_of = None if edit.is_new else blob_of(repo, path, edit.before)
        if repo.blob_id(parent, path) != made_of:
            raise OutOfStep(
                f"{edit.shown} is not as commit {repo.short(parent)} has it",
                hint="check that commit out, and make the edit again",
            )
        contents[path] = None if edit.is_removal else edit.after
    return contents


def _message(draft: Draft, trailers: Sequence[str]) -> str:
    """Return the commit's message; trailers are one paragraph, the last."""
    message = draft.proposal.message(draft.meaning)
    between = "\n" if draft.proposal.trailer else "\n\n"
    return between.join([message, *(["\n".join(trailers)] if trailers else [])]) + "\n"
