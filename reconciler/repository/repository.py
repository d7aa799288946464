"""Talks to git: which commit is checked out, how commits relate, and what is not committed."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.errors import OutOfStep, UsageError
from reconciler.repository import worktree
from reconciler.repository.locate import repository_root
from reconciler.repository.objects import GitObject, Objects, Trees, is_plain

if TYPE_CHECKING:
    from git import Git

_ID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",  # reading leaves the index as it is
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",  # a commit means the same in every clone
}
# Inside a hook these name the repository that runs the hook; we ask about the one around a path.
_OF_THE_HOOK = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)
_environment_lock = threading.Lock()

# One process an answer is cheap for the first few; after that the whole ancestry is, at once.
_FEW = 16

NO_ANSWER: Final = -1  # the status of a git that was ended because it took too long
_TO_TIDY_UP = 5.0  # seconds for a git that is told to end: it removes its lock files


class _Answer(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def line(self) -> str:
        return self.out.rstrip("\n")

    @property
    def reason(self) -> str:
        first = self.err.strip().split("\n")[0].removeprefix("fatal: ")
        return first or f"status {self.status}"


class _Command:
    """Runs git in a folder, the same way whatever the user's language, hooks and terminal."""

    def __init__(self, git: Git, folder: Path) -> None:
        self._git = git
        self._start = [git.GIT_PYTHON_GIT_EXECUTABLE or "git", "-C", str(folder)]

    def at(self, folder: Path) -> _Command:
        return _Command(self._git, folder)

    def ask(self, *arguments: str) -> _Answer:
        with _outside_any_hook():
            status, out, err = self._git.execute(
                [*self._start, *arguments],
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                env=_ENVIRONMENT,
            )
        return _Answer(status, os.fsdecode(out), err)

    def ask_within(self, seconds: float, *arguments: str) -> _Answer:
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=seconds)
        except TimeoutExpired:
            _end(process)
            return _Answer(NO_ANSWER, "", f"no answer within {seconds:g} s")
        return _Answer(process.returncode, os.fsdecode(out), err.decode(errors="replace"))

    def tell(self, *arguments: str) -> str:
        """Return the answer to a question that git has no reason to refuse."""
        answer = self.ask(*arguments)
        if answer.status:
            raise OutOfStep(f"`git {arguments[0]}` failed: {answer.reason}")
        return answer.out

    def start(self, *arguments: str) -> Popen[bytes]:
        with _outside_any_hook():
            process = self._git.execute(
                [*self._start, *arguments], istream=PIPE, as_process=True, env=_ENVIRONMENT
            )
        inner = process.proc
        process.proc = None  # it would kill the process; we end it by closing its input
        if inner is None:
            raise OutOfStep(f"`git {arguments[0]}` did not start")
        return inner


def _end(process: Popen[bytes]) -> None:
    """End a process without reading its pipes: what it started may live on and hold them open."""
    process.terminate()
    try:
        process.wait(_TO_TIDY_UP)
    except TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()


@contextmanager
def _outside_any_hook() -> Iterator[None]:
    with _environment_lock:
        hidden = {name: os.environ.pop(name) for name in _OF_THE_HOOK if name in os.environ}
        try:
            yield
        finally:
            os.environ.update(hidden)


def open_checkout(path: Path) -> GitRepo | None:
    """Return the repository around a path, None outside of any.

    Raises `OutOfStep` where there is one that cannot be read, with the command that helps.
    """
    place = path.absolute()
    folder = next(up for up in (place, *place.parents) if up.is_dir())
    # Its import looks for git, and fails without; a plan outside a repository needs neither.
    try:
        from git import Git, GitCommandNotFound  # noqa: PLC0415  see above
    except ImportError as error:
        _refuse_without_git(folder, error)
        return None
    command = _Command(Git(), folder)
    try:
        answer = command.ask("rev-parse", "--is-bare-repository", "--is-inside-work-tree")
    except GitCommandNotFound as error:
        _refuse_without_git(folder, error)
        return None
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


def _refuse_without_git(folder: Path, error: Exception) -> None:
    if repository_root(folder) is not None:
        raise OutOfStep(
            f"`{folder}` is in a git repository, and git is not installed or not on the PATH",
            hint="apt-get install git",
        ) from error


def _unreadable(folder: Path, answer: _Answer) -> OutOfStep:
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

    def __init__(self, root: Path, command: _Command) -> None:
        self.root = root
        self._command = command
        self.head: str | None = (
            command.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}").line or None
        )
        shallow = command.tell("rev-parse", "--is-shallow-repository")
        self.is_shallow = shallow == "true\n"
        self._objects = Objects(lambda: command.start("cat-file", "--batch"))
        self._trees = Trees(self._objects)
        self._known: dict[str, bool] = {}
        self._bases: dict[tuple[str, str], str | None] = {}
        self._ancestors: dict[str, frozenset[str]] = {}

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

    def run(self, *arguments: str, seconds: float | None = None) -> tuple[int, str, str]:
        """Run git in the root and return its status, what it prints and what it complains about.

        Where it takes longer than `seconds` it is ended, and the status is `NO_ANSWER`.
        """
        ask = self._command.ask if seconds is None else partial(self._command.ask_within, seconds)
        answer = ask(*arguments)
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
            f"`{ref}` is no branch, tag or commit here",
            hint=f"did you mean {alike}?" if near else fetch,
        )

    def author(self, commit: str) -> str:
        """Return who wrote a commit, as `name <address>`."""
        return self._command.tell("log", "-1", "--format=%an <%ae>", commit).strip()

    def fork(self, ref: str) -> str:
        """Return where this checkout and `ref` part; raises `OutOfStep` where that is not known."""
        other = self.resolve(ref)
        found = self.merge_base(other, self.head) if self.head else None
        if found is None:
            raise OutOfStep(
                f"`{ref}` and this checkout have no commit in common",
                hint="git fetch --unshallow" if self.is_shallow else f"git merge {ref}",
            )
        return found

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
        if commit not in self._known:
            found = self._objects.get(commit) if _ID.fullmatch(commit) else None
            self._known[commit] = found is not None and found.kind == "commit"
        return self._known[commit]

    def is_signed(self, commit: str) -> bool:
        """Return whether a commit carries a signature, of whatever worth."""
        found = self._objects.get(commit) if _ID.fullmatch(commit) else None
        header = found.data.partition(b"\n\n")[0] if found is not None else b""
        return b"\ngpgsig" in header

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Return whether `newer` contains `older`; a commit contains itself."""
        return self.merge_base(older, newer) == older

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the best common ancestor, None when there is none in this clone."""
        if (one, other) not in self._bases:
            known = self.knows(one) and self.knows(other)
            self._bases[one, other] = self._merge_base(one, other) if known else None
        return self._bases[one, other]

    def _merge_base(self, one: str, other: str) -> str | None:
        if one == other:
            return one
        if len(self._bases) >= _FEW and one in self._ancestry(other):
            return one
        answer = self._command.ask("merge-base", one, other)
        if answer.status > 1:
            raise OutOfStep(f"`git merge-base` failed: {answer.reason}")
        return answer.line or None

    def _ancestry(self, commit: str) -> frozenset[str]:
        if commit not in self._ancestors:
            self._ancestors[commit] = frozenset(
                self._command.tell("rev-list", commit, "--").split()
            )
        return self._ancestors[commit]

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
        found: dict[str, frozenset[str]] = {}
        for entry in told.split("\x01")[1:]:
            name, _, paths = entry.partition("\n")
            found[name] = frozenset(filter(None, paths.split("\0")))
        return found

    # --- what a commit had

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
        found = self._objects.get(f"{commit}:{path}") if is_plain(path) else None
        return found if found is not None and found.kind == "blob" else None

    def blob(self, blob: str) -> bytes:
        """Return the content of a blob that `tree` named."""
        found = self._objects.get(blob)
        if found is None:
            raise OutOfStep(f"object {blob} cannot be read", hint="git fsck")
        return found.data

    # --- what is not committed

    def dirty(self, folder: Path) -> tuple[str, ...]:
        """Return the model files that are not as the checked out commit has them, sorted.

        Staged, modified, deleted, untracked and git-ignored ones: what the commit alone would
        not declare.
        """
        below = self.path_of(folder)
        committed = self.tree(self.head, below) if self.head else {}
        return worktree.changed(folder, below, committed, self._command.tell)

    def sparse(self, folder: Path) -> tuple[str, ...]:
        """Return the model files that a sparse checkout left out, sorted.

        `git sparse-checkout add FOLDER` brings them back.
        """
        return worktree.left_out(folder, self.path_of(folder), self._command.tell)
