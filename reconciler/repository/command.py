"""Runs git, the same way whatever the user's language, hooks and terminal; GitPython starts it.

Each command gets its own environment: that of this process is not touched, and any thread can run
one at any time.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from subprocess import PIPE, Popen, TimeoutExpired
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.errors import OutOfStep

if TYPE_CHECKING:
    from pathlib import Path

    from git import Git

_ENVIRONMENT: Final = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",  # reading leaves the index as it is
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",  # a commit means the same in every clone
    "LANGUAGE": "C",  # messages are recognized by their words
    "LC_ALL": "C",
}
# Inside a hook these name the repository that runs the hook; we ask about the one around a path.
_OF_THE_HOOK: Final = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_WORK_TREE",
    }
)

WHOLE_CLONE: Final = "`git fetch --refetch --no-filter` (in CI: no `filter:`, and `fetch-depth: 0`)"
NO_ANSWER: Final = -1  # the status of a git that was ended because it took too long
_TO_TIDY_UP: Final = 5.0  # seconds for a git that is told to end: it removes its lock files


class GitAnswer(NamedTuple):
    """What a command ended with: its status, what it printed, what it complained about."""

    status: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """What it printed, without the end of the last line."""
        return self.out.rstrip("\n")

    @property
    def reason(self) -> str:
        """The first line of the complaint, or the status."""
        first = self.err.strip().split("\n")[0].removeprefix("fatal: ")
        return first or f"status {self.status}"


class GitCommand:
    """Git in one folder."""

    def __init__(self, git: Git, folder: Path, environ: Mapping[str, str]) -> None:
        self._git = git
        self._environ = environ
        # Not the working directory: GitPython runs elsewhere when it cannot enter the folder.
        self._start = [git.GIT_PYTHON_GIT_EXECUTABLE or "git", "-C", str(folder)]

    def at(self, folder: Path) -> GitCommand:
        """Return git in another folder."""
        return GitCommand(self._git, folder, self._environ)

    @property
    def is_installed(self) -> bool:
        """Whether there is a program of that name."""
        path = self._environ.get("PATH", os.defpath)
        return shutil.which(self._start[0], path=path) is not None

    def ask(
        self, *arguments: str, seconds: float | None = None, feed: bytes | None = None
    ) -> GitAnswer:
        """Run git to its end; after `seconds` it is ended, and the status is `NO_ANSWER`.

        An interruption ends it, too. `feed` is what it reads from its input.
        """
        process = self.start(*arguments)
        try:
            out, err = process.communicate(feed, timeout=seconds)
        except TimeoutExpired:
            return GitAnswer(NO_ANSWER, "", f"no answer within {seconds:g} s")
        finally:
            end(process)
        return GitAnswer(process.returncode, os.fsdecode(out), err.decode(errors="replace"))

    def tell(self, *arguments: str) -> str:
        """Return the answer to a question that git has no reason to refuse."""
        answer = self.ask(*arguments)
        if answer.status:
            is_partial = "promisor remote" in answer.err
            command = arguments[2] if arguments[0] == "-c" else arguments[0]
            message = f"`git {command}` failed: {answer.reason}"
            raise OutOfStep(message, hint=WHOLE_CLONE if is_partial else None)
        return answer.out

    def start(self, *arguments: str) -> Popen[bytes]:
        """Start git; whoever calls this ends it with `end`."""
        environ = {n: value for n, value in self._environ.items() if n not in _OF_THE_HOOK}
        # GitPython adds to the environment of this process; `env` takes away what is not to be in
        # it. Git takes a variable that is empty for one that is set.
        unwanted = [word for name in os.environ if name not in environ for word in ("-u", name)]
        command = ["env", *unwanted, *self._start] if unwanted else self._start
        handle = self._git.execute(
            [*command, *arguments],
            istream=PIPE,
            as_process=True,
            env={**environ, **_ENVIRONMENT},
        )
        process = handle.proc
        handle.proc = None  # it would end the process as soon as nobody holds the handle
        if process is None:
            raise OutOfStep(f"`git {arguments[0]}` did not start")
        return process


def git_in(folder: Path, environ: Mapping[str, str] | None = None) -> GitCommand | None:
    """Return git in a folder, None where it is not installed; `environ` is this process's own."""
    # Its import looks for git, and fails without; a plan outside a repository needs neither.
    try:
        from git import Git  # noqa: PLC0415  see above
    except ImportError:
        return None
    command = GitCommand(Git(), folder, os.environ if environ is None else environ)
    return command if command.is_installed else None


def end(process: Popen[bytes]) -> None:
    """End a process without reading its pipes: what it started may live on and hold them open."""
    try:
        process.terminate()
        with suppress(TimeoutExpired):
            process.wait(_TO_TIDY_UP)
    finally:  # also where the wait was interrupted
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                with suppress(OSError):  # what was not written yet finds nobody to read it
                    pipe.close()
