"""Talks to git: which commit is checked out, how commits relate, and what is not committed."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Final

from reconciler.errors import OutOfStep, UsageError
from reconciler.repository import partial_clone, worktree
from reconciler.repository.command import WHOLE_CLONE, GitAnswer, GitCommand, git_in
from reconciler.repository.locate import repository_root
from reconciler.repository.objects import GitObject, Objects, Trees, is_plain

_ID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")

# One process an answer is cheap for the first few; after that the whole ancestry is, at once.
_FEW: Final = 16
# A repository may stay open for days. What is forgotten is asked again: a commit costs one line to
# a process that is running, a pair a look into an ancestry.
_COMMITS_KEPT: Final = 16_384  # more than a registry has models, each recorded at another commit
# This checkout's, the main line's and two more: 100,000 commits take 15 MB in each.
_ANCESTRIES_KEPT: Final = 4


def open_checkout(path: Path, environ: Mapping[str, str] | None = None) -> "GitRepo | None":
    """Return the repository around a path, None outside of any.

    Git runs in `environ`, without one in that of this process. Raises `OutOfStep` where there is a
    repository that cannot be read, with the command that helps.
    """
    place = path.absolute()
    folder = next(up for up in (place, *place.parents) if up.is_dir())
    command = git_in(folder, environ)
    if command is None:
        _refuse_without_git(folder)
        return None
    answer = command.ask("rev-parse", "--is-bare-repository", "--is-inside-work-tree")
    if answer.status:
        if "not a git repository (or any" in answer.err:
            return None
        raise _unreadable(folder, answer)
    if answer.out.split() != ["false", "true"]:
        raise OutOfStep(
            f"`{folder}` is in a repository without a work tree",
            hint="git worktree add ../checkout",
        )
    root = Path(command.tell("rev-parse", "--show-toplevel").removesuffix("\n"))
    return GitRepo(root, command.at(root))


def _refuse_without_git(folder: Path) -> None:
    if repository_root(folder) is not None:
        raise OutOfStep(
            f"`{folder}` is in a git repository, and git is not installed or not on the PATH",
            hint="apt-get install git",
        )


def _unreadable(folder: Path, answer: GitAnswer) -> OutOfStep:
    advice = re.search(r"git config --global --add safe\.directory .+", answer.err)
    if advice is None:
        return OutOfStep(f"git cannot read the repository of `{folder}`: {answer.reason}")
    return OutOfStep(
        f"git does not trust the repository of `{folder}`: it belongs to another user",
        hint=advice[0],
    )


class GitRepo:
    """A checkout: the commit it stands on when it is opened, its history, its work tree.

    Commits are full ids, paths are relative to `root` and written with `/`.
    """

    def __init__(self, root: Path, command: GitCommand) -> None:
        self.root = root
        self._command = command
        self.head: str | None = (
            command.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}").line or None
        )
        shallow = command.tell("rev-parse", "--is-shallow-repository")
        self.is_shallow = shallow == "true\n"
        self._lacks = False
        self._objects = Objects(
            lambda: command.start("cat-file", "--batch"),
            lambda: self.remedy,
        )
        self._trees = Trees(self._objects)
        self._kind = lru_cache(_COMMITS_KEPT)(self._kind_of)
        self._base = lru_cache(_COMMITS_KEPT)(self._best_base)
        self._ancestry = lru_cache(_ANCESTRIES_KEPT)(self._all_ancestors)

    @property
    def remedy(self) -> str | None:
        """What makes a partial clone whole that lacks what was asked for; None for another one."""
        return WHOLE_CLONE if self._lacks else None

    def close(self) -> None:
        """End the process that reads objects; it ends with the interpreter otherwise."""
        self._objects.close()

    def short(self, commit: str) -> str:
        """Return a commit as it is shown to people."""
        return commit[:12]

    def path_of(self, path: Path) -> str:
        """Return a path relative to the root; `.` is the root itself."""
        try:
            return path.resolve().relative_to(self.root.resolve()).as_posix()
        except ValueError:
            message = f"`{path}` is not in the repository `{self.root}`"
            raise UsageError(message) from None

    def run(
        self, *arguments: str, seconds: float | None = None, feed: bytes | None = None
    ) -> tuple[int, str, str]:
        """Run git in the root and return its status, what it prints and what it complains about.

        Where it takes longer than `seconds` it is ended, and the status is `NO_ANSWER`. `feed` is
        what it reads from its input.
        """
        answer = self._command.ask(*arguments, seconds=seconds, feed=feed)
        return answer.status, answer.out, answer.reason if answer.status else answer.err

    # --- commits

    def resolve(self, ref: str) -> str:
        """Return the commit that a branch, tag or id names; raises `UsageError` for none."""
        answer = self._command.ask("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        if answer.status == 0 and _ID.fullmatch(answer.line):
            return answer.line
        names = self._command.tell("for-each-ref", "--format=%(refname:short)").split()
        near = [name for name in names if name.endswith(f"/{ref}")]
        near += [name for name in get_close_matches(ref, names) if name not in near]
        alike = " or ".join(f"`{name}`" for name in near)
        fetch = "this clone may not have it: `git fetch`"
        raise UsageError(
            f"`{ref}` is not a branch, tag or commit here",
            hint=f"did you mean {alike}?" if near else fetch,
        )

    def author(self, commit: str) -> str:
        """Return who wrote a commit, as `name <address>`."""
        return self._command.tell("log", "-1", "--format=%an <%ae>", commit).strip()

    def fork(self, ref: str) -> str:
        """Return where this checkout and `ref` part; raises `OutOfStep` where that is not known."""
        other = self.resolve(ref)
        base = self.merge_base(other, self.head) if self.head else None
        if base is None:
            raise OutOfStep(
                f"`{ref}` and this checkout have no commit in common",
                hint="git fetch --unshallow" if self.is_shallow else f"git merge {ref}",
            )
        return base

    @property
    def has_remote(self) -> bool:
        """Return whether the clone has branches of an `origin`."""
        place = "refs/remotes/origin"
        return bool(self._command.tell("for-each-ref", "--count=1", "--format=x", place))

    def main_line(self, branch: str | None) -> tuple[str, str] | None:
        """Return the main line's name and tip, None where it is not known.

        `branch` is the one that the settings name; without, it is what `origin` says.
        """
        if branch is None:
            default = "refs/remotes/origin/HEAD"
            places = [self._command.ask("symbolic-ref", "--quiet", default).line]
        else:
            places = [f"refs/remotes/origin/{branch}", f"refs/heads/{branch}"]
        for place in filter(None, places):
            answer = self._command.ask("rev-parse", "--verify", "--quiet", f"{place}^{{commit}}")
            if answer.status == 0:
                name = place.removeprefix("refs/remotes/").removeprefix("refs/heads/")
                return name, answer.line
        return None

    def knows(self, commit: str) -> bool:
        """Return whether this clone has a commit under that full id."""
        try:
            return self._kind(commit) == "commit"
        except KeyError:
            return False

    def _kind_of(self, name: str) -> str:
        """Return an object's kind; raises `KeyError` for none, which a fetch may bring yet."""
        git_object = self._objects.get(name) if _ID.fullmatch(name) else None
        if git_object is None:
            raise KeyError(name)
        return git_object.kind

    def is_signed(self, commit: str) -> bool:
        """Return whether a commit carries a signature, of whatever worth."""
        git_object = self._objects.get(commit) if _ID.fullmatch(commit) else None
        header = git_object.data.partition(b"\n\n")[0] if git_object is not None else b""
        return b"\ngpgsig" in header

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Return whether `newer` contains `older`; a commit contains itself."""
        return self.merge_base(older, newer) == older

    def merge_base(self, commit: str, other: str) -> str | None:
        """Return the best common ancestor, None when there is none in this clone."""
        return self._base(commit, other) if self.knows(commit) and self.knows(other) else None

    def _best_base(self, commit: str, other: str) -> str | None:
        if commit == other:
            return commit
        if self._base.cache_info().misses > _FEW and commit in self._ancestry(other):
            return commit
        answer = self._command.ask("merge-base", commit, other)
        if answer.status > 1:
            raise OutOfStep(f"`git merge-base` failed: {answer.reason}")
        return answer.line or None

    def _all_ancestors(self, commit: str) -> frozenset[str]:
        return frozenset(self._command.tell("rev-list", commit, "--").split())

    def first_parents(self, commit: str) -> tuple[str, ...]:
        """Return the first-parent line from a commit back, newest first."""
        return tuple(self._command.tell("rev-list", "--first-parent", commit, "--").split())

    def touched(self, commit: str, folder: str) -> Mapping[str, frozenset[str]]:
        """Return the paths that each commit of the first-parent line changed below a folder."""
        # Whatever somebody's own settings for merges and signatures are.
        log = ("-c", "log.diffMerges=first-parent", "log", "--no-show-signature")
        form = ("--first-parent", "-m", "--name-only", "--no-renames", "-z")
        where = ("--", *(() if folder == "." else (folder,)))
        told = self._command.tell(*log, *form, "--format=format:%x01%H", commit, *where)
        touched: dict[str, frozenset[str]] = {}
        for entry in told.split("\x01")[1:]:
            name, _, paths = entry.partition("\n")
            touched[name] = frozenset(filter(None, paths.split("\0")))
        return touched

    def renamed(self, old: str, new: str, folder: str) -> Mapping[str, str]:
        """Return the files below a folder that git takes for renamed: path now → path before."""
        form = ("-r", "-z", "--find-renames", "--diff-filter=R", "--name-status")
        where = ("--", *(() if folder == "." else (folder,)))
        told = self._command.tell("diff-tree", *form, old, new, *where)
        tokens = iter(told.split("\0"))
        return {now: before for _, before, now in zip(tokens, tokens, tokens, strict=False)}

    # --- what a commit had

    def complete(self, folder: str, *tips: str) -> str | None:
        """Fetch at once what a partial clone left out of a folder's history up to some commits.

        Return what to tell a person about it, None where nothing was missing.
        """
        fetched = partial_clone.complete(self._command, folder, tips)
        self._lacks = self._lacks or fetched.missing > 0
        return fetched.sentence(folder)

    def tree_id(self, commit: str, folder: str) -> str | None:
        """Return what identifies a folder's content at a commit, None when it was not there."""
        return self._trees.find(commit, folder)

    def tree(self, commit: str, folder: str) -> Mapping[str, str]:
        """Return the model files below a folder at a commit: path below the folder → blob."""
        tree = self._trees.find(commit, folder)
        return {} if tree is None else self._trees.files(tree)

    def files(self, tree: str) -> Mapping[str, str]:
        """Return the model files of a tree that `tree_id` named: path → blob."""
        return self._trees.files(tree)

    def find(self, commit: str, path: str) -> GitObject | None:
        """Return the file at a path of a commit, None when there is none."""
        git_object = self._objects.get(f"{commit}:{path}") if is_plain(path) else None
        return git_object if git_object is not None and git_object.kind == "blob" else None

    def blob_id(self, commit: str, path: str) -> str | None:
        """Return what identifies the file at a path of a commit, None when there is none."""
        return self._trees.blob(commit, path)

    def blob(self, blob: str) -> bytes:
        """Return the content of a blob that `tree` named."""
        git_object = self._objects.get(blob)
        if git_object is None:
            raise OutOfStep(f"object {blob} cannot be read", hint="git fsck")
        return git_object.data

    # --- what is not committed

    def dirty(self, folder: Path) -> tuple[str, ...]:
        """Return the model files that are not as the checked out commit has them, sorted.

        Staged, modified, deleted, untracked and git-ignored ones: what the commit alone would
        not declare.
        """
        below = self.path_of(folder)
        committed = self.tree(self.head, below) if self.head else {}
        return worktree.changed(folder, below, committed, self._command.tell)

    def require_whole(self, folder: Path) -> None:
        """Raise `OutOfStep` where a sparse checkout left out model files of the folder."""
        left_out = self.sparse(folder)
        if left_out:
            raise OutOfStep(
                f"the sparse checkout left out {left_out[0]}"
                + (f" and {len(left_out) - 1} more" if left_out[1:] else ""),
                hint=f"git sparse-checkout add {self.path_of(folder)}",
            )

    def sparse(self, folder: Path) -> tuple[str, ...]:
        """Return the model files that a sparse checkout left out, sorted.

        `git sparse-checkout add FOLDER` brings them back.
        """
        return worktree.left_out(folder, self.path_of(folder), self._command.tell)
