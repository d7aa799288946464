"""Makes a commit beside what is checked out, and pushes it as a new branch.

Neither the work tree nor the index nor HEAD changes, and no branch of the clone.
"""

import os
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from reconciler.core.uris import safe_uri
from reconciler.errors import OutOfStep
from reconciler.repository.notes.notes_ref import git, identity, temporary_ref
from reconciler.repository.repository import GitRepo

_LONGEST: Final = 120.0  # seconds for a remote to answer one question
_FILE: Final = "100644"
_FOLDER: Final = "040000"
_NUMBERED: Final = re.compile(r"-([2-9]|[1-9][0-9]+)")


class RemoteBranch(NamedTuple):
    """A branch of a remote, and its commit."""

    name: str
    commit: str


class _Entry(NamedTuple):
    """One entry of a folder: its mode, its kind and its object."""

    mode: str
    kind: str
    object_id: str


def blob_of(repo: GitRepo, path: str, content: bytes) -> str:
    """Return the blob that git would make of a file's content, line ends as it keeps them."""
    return git(repo, "hash-object", "--stdin", f"--path={path}", feed=content).strip()


def commit_beside(
    repo: GitRepo, parent: str, files: Mapping[str, bytes | None], message: str
) -> str:
    """Commit files on top of `parent`, and return the commit, which no branch has yet.

    `files` are their contents by path; None removes a file. A file keeps its mode. Hooks of the
    clone do not run; the commit is signed where the user's git signs every commit.
    """
    blobs: dict[tuple[str, ...], str | None] = {}
    for path, content in files.items():
        write = ("hash-object", "-w", "--stdin", f"--path={path}")
        blob = None if content is None else git(repo, *write, feed=content).strip()
        blobs[tuple(path.split("/"))] = blob
    tree = _tree_with(repo, f"{parent}^{{tree}}", blobs) or _written(repo, {})
    _, signs, _ = repo.run("config", "--type=bool", "--get", "commit.gpgSign")
    sign = ("--gpg-sign",) if signs.strip() == "true" else ()
    command = ("commit-tree", *sign, "-p", parent, "-F", "-", tree)
    return git(repo, *identity(repo), *command, feed=message.encode()).strip()


class RemoteBranches:
    """The branches of a remote; raises `OutOfStep` where it cannot be asked."""

    def __init__(self, repo: GitRepo, remote: str) -> None:
        self._repo = repo
        self._remote = remote
        ask = ("ls-remote", "--quiet", "--heads", "--", remote)
        status, out, reason = repo.run(*ask, seconds=_LONGEST)
        if status:
            raise OutOfStep(f"`{safe_uri(remote)}` cannot be asked for its branches: {reason}")
        rows = (line.split("\t") for line in out.splitlines())
        self._tips = {ref.removeprefix("refs/heads/"): commit for commit, ref in rows}

    def with_content_of(self, commit: str, name: str) -> RemoteBranch | None:
        """Return the branch of that name, also with a number, that has all that a commit has.

        A job that was ended before it opened the pull request left such a one.
        """
        wanted = _tree_id(self._repo, commit)
        alike = (RemoteBranch(*tip) for tip in sorted(self._tips.items()) if _is_of(tip[0], name))
        return next((branch for branch in alike if self._content(branch) == wanted), None)

    def free_name(self, name: str) -> str:
        """Return the name, or it with the first number that no branch has, such as `NAME-2`.

        Raises `OutOfStep` where there is a branch in place of its folder.
        """
        folders = name.split("/")[:-1]
        for depth in range(1, len(folders) + 1):
            taken = "/".join(folders[:depth])
            if taken in self._tips:
                remote = safe_uri(self._remote)
                raise OutOfStep(
                    f"`{remote}` has a branch `{taken}`, and git has no `{name}` beside it",
                    hint=f"rename it: `git push {remote} {taken}:refs/heads/NAME :{taken}`",
                )
        number, free = 1, name
        while free in self._tips or any(tip.startswith(f"{free}/") for tip in self._tips):
            number += 1
            free = f"{name}-{number}"
        return free

    def _content(self, branch: RemoteBranch) -> str | None:
        with temporary_ref(self._repo) as ref:
            fetch = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--")
            refspec = f"+refs/heads/{branch.name}:{ref}"
            status, _, _ = self._repo.run(*fetch, self._remote, refspec, seconds=_LONGEST)
            return None if status else _tree_id(self._repo, ref)


def push_new_branch(repo: GitRepo, remote: str, branch: RemoteBranch) -> None:
    """Push a commit as a new branch; raises `OutOfStep` where it exists, or is not taken."""
    name, ref = branch.name, f"refs/heads/{branch.name}"
    # An empty lease: a branch that is there already is refused, also where it could go on.
    push = ("push", "--quiet", "--porcelain", f"--force-with-lease={ref}:")
    status, out, reason = repo.run(*push, remote, f"{branch.commit}:{ref}", seconds=_LONGEST)
    if status == 0:
        return
    refused = (line.split("\t") for line in out.splitlines() if line.startswith("!"))
    why = next((parts[-1] for parts in refused), reason)
    if "stale info" in why:
        raise OutOfStep(
            f"`{safe_uri(remote)}` has had a branch `{name}` for a moment",
            hint="another job proposes the same: look at its pull request",
        )
    raise OutOfStep(
        f"`{safe_uri(remote)}` did not take the branch `{name}`: {why}",
        hint="the job has to be allowed to push branches: `contents: write` on GitHub, "
        "`write_repository` on GitLab",
    )


def delete_branch(repo: GitRepo, remote: str, branch: RemoteBranch) -> None:
    """Delete a branch of a remote, unless it has moved; one that stays does no harm."""
    ref = f"refs/heads/{branch.name}"
    push = ("push", "--quiet", f"--force-with-lease={ref}:{branch.commit}")
    repo.run(*push, remote, f":{ref}", seconds=_LONGEST)


def _is_of(branch: str, name: str) -> bool:
    rest = branch.removeprefix(name)
    return branch == name or (rest != branch and _NUMBERED.fullmatch(rest) is not None)


def _tree_id(repo: GitRepo, commit: str) -> str:
    return git(repo, "rev-parse", "--verify", f"{commit}^{{tree}}").strip()


def _tree_with(
    repo: GitRepo, tree: str | None, blobs: Mapping[tuple[str, ...], str | None]
) -> str | None:
    """Return a folder's tree with other blobs by path, None where nothing is left in it."""
    entries = {} if tree is None else _entries(repo, tree)
    for name in {path[0] for path in blobs}:
        below = {path[1:]: blob for path, blob in blobs.items() if path[0] == name}
        entry = _entry_with(repo, entries.pop(name, None), below)
        if entry is not None:
            entries[name] = entry
    return _written(repo, entries) if entries else None


def _entry_with(
    repo: GitRepo, entry: _Entry | None, below: Mapping[tuple[str, ...], str | None]
) -> _Entry | None:
    kind = None if entry is None else entry.kind
    if () in below:
        blob = below[()]
        mode = entry.mode if entry is not None and kind == "blob" else _FILE
        return None if blob is None else _Entry(mode, "blob", blob)
    folder = entry.object_id if entry is not None and kind == "tree" else None
    tree = _tree_with(repo, folder, below)
    return None if tree is None else _Entry(_FOLDER, "tree", tree)


def _entries(repo: GitRepo, tree: str) -> dict[str, _Entry]:
    found = {}
    for row in filter(None, git(repo, "ls-tree", "-z", tree).split("\0")):
        about, _, name = row.partition("\t")
        mode, kind, object_id = about.split(" ")
        found[name] = _Entry(mode, kind, object_id)
    return found


def _written(repo: GitRepo, entries: Mapping[str, _Entry]) -> str:
    rows = "".join(
        f"{one.mode} {one.kind} {one.object_id}\t{name}\0" for name, one in entries.items()
    )
    # What a partial clone or a submodule has elsewhere is not looked for.
    return git(repo, "mktree", "-z", "--missing", feed=os.fsencode(rows)).strip()
