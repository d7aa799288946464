"""A ref with notes: changed by compare-and-swap, fetched and pushed, whoever writes meanwhile.

Everything is prepared elsewhere and then put in place at once, so that a process which is killed
leaves what was there before.
"""

import os
import random
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from reconciler.core.matching import nearest
from reconciler.core.uris import safe_uri
from reconciler.errors import OutOfStep, UsageError
from reconciler.repository.command import NO_ANSWER
from reconciler.repository.repository import GitRepo

PATIENCE: Final = 120.0  # seconds for a remote to answer one question
NOBODY: Final = "mlflow-reconciler"
_TEMPORARY: Final = "refs/notes/reconciler-of-a-run"  # the start of the names of temporary refs
_NEVER: Final = "0" * 64
_ATTEMPTS: Final = 12
_LONGEST_PAUSE: Final = 2.0
_ANOTHER_WRITES: Final = ("lock", "failed to update ref")  # what a remote says meanwhile
_LEFT_OVER: Final = 24 * 3600  # seconds after which nobody works on a temporary ref any more


@dataclass(frozen=True, slots=True)
class NotesRef:
    """A ref by its full name, and what messages call its notes.

    `after_removal` says what is lost, or how it comes back, when a broken one is taken away. With
    `has_past` git's log of the ref keeps what it was before.
    """

    name: str
    called: str
    after_removal: str
    has_past: bool = True

    def tip(self, repo: GitRepo) -> str | None:
        """Return the commit of the clone's notes, None when it has none."""
        return tip_of(repo, self.name)

    def is_readable(self, repo: GitRepo) -> bool:
        """Return whether the clone has such notes, and they can be added to."""
        return self.tip(repo) is not None and _is_commit(repo, self.name)

    def check(self, repo: GitRepo) -> None:
        """Raise `OutOfStep` where the clone's ref holds no notes: none can be read or added."""
        if self.tip(repo) is not None and not _is_commit(repo, self.name):
            raise OutOfStep(
                f"`{self.name}` of this clone is broken: it holds no notes",
                hint=f"take it away: `git update-ref -d {self.name}`; {self.after_removal}",
            )

    def put(self, repo: GitRepo, commit: str | None, before: str | None) -> bool:
        """Put what was prepared in place; return false where another process was faster."""
        if commit is None:
            raise OutOfStep(f"`{self.name}` was not prepared", hint="try again")
        if commit == before:
            return True
        log = () if self.has_past else ("-c", "core.logAllRefUpdates=false")
        never = _NEVER[: len(commit)]
        update = (*log, "update-ref", "-m", f"reconciler: {self.called}", self.name)
        status, _, reason = repo.run(*update, commit, before or never)
        if status and self.tip(repo) == before and "lock" not in reason:
            raise OutOfStep(f"`{self.name}` cannot be written: {reason}")
        return status == 0

    def fetch(self, repo: GitRepo, remote: str, into: str, patience: float) -> bool:
        """Bring a remote's notes here as the ref `into`; return false when it has none."""
        status, out, reason = repo.run("ls-remote", "--quiet", remote, self.name, seconds=patience)
        if status == 0 and not out:
            return False
        if status == 0:
            fetch = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head")
            status, _, reason = repo.run(*fetch, remote, f"+{self.name}:{into}", seconds=patience)
        if status:
            raise OutOfStep(
                f"the {self.called} of `{safe_uri(remote)}` cannot be fetched: {reason}",
                hint=f"git fetch {safe_uri(remote)} {self.name}:{self.name}",
            )
        if not _is_commit(repo, into):
            raise OutOfStep(
                f"`{self.name}` of `{safe_uri(remote)}` is broken: it holds no notes",
                hint="whoever may push there takes it away, and pushes theirs",
            )
        return True

    def try_push(
        self, repo: GitRepo, remote: str, patience: float, *options: str
    ) -> "RefusedPush | None":
        """Push the ref once; return why the remote did not take it, None when it did."""
        push = ("push", "--quiet", "--no-verify", "--porcelain", *options)
        refspec = f"{self.name}:{self.name}"
        status, out, reason = repo.run(*push, remote, refspec, seconds=patience)
        if status == 0:
            return None
        return RefusedPush(_refusal(out) or reason, has_answered=status != NO_ANSWER)

    def tip_at(self, repo: GitRepo, remote: str, patience: float) -> str | None:
        """Return the commit of a remote's notes, None where it has none or does not say."""
        status, out, _ = repo.run("ls-remote", "--quiet", remote, self.name, seconds=patience)
        return None if status or not out else out.split()[0]

    def not_pushed(self, remote: str, reason: str) -> OutOfStep:
        """Return the error for notes that a remote did not take; they stay in the clone."""
        return OutOfStep(
            f"the {self.called} were not pushed to `{safe_uri(remote)}`: {reason}",
            hint=f"git push {safe_uri(remote)} {self.name}",
        )

    def never_free(self) -> OutOfStep:
        """Return the error for a ref that other processes changed at every attempt."""
        return OutOfStep(f"`{self.name}` is being written by others all the time", hint="try again")


@dataclass(frozen=True, slots=True)
class RefusedPush:
    """Why a remote did not take a push; one that `has_answered` may take the next one."""

    reason: str
    has_answered: bool

    @property
    def is_passing(self) -> bool:
        """Whether another push was under way."""
        return self.has_answered and any(words in self.reason for words in _ANOTHER_WRITES)


def check_remote(repo: GitRepo, remote: str) -> None:
    """Raise `UsageError` for a name that is neither a remote of the clone nor a URL or path."""
    known = git(repo, "remote").split()
    # Git would read what begins with a dash as an option, and some name a program to run.
    is_place = any(mark in remote for mark in "/:") and not remote.startswith("-")
    if remote not in known and not is_place:
        listed = ", ".join(f"`{name}`" for name in known)
        way = f"there is {listed}" if known else "git remote add NAME URL"
        hint = nearest(remote, known) or way
        raise UsageError(f"`{remote}` is not a remote of this repository", hint=hint)


@contextmanager
def temporary_ref(repo: GitRepo, tip: str | None = None) -> Iterator[str]:
    """Give a ref of this run alone, at `tip`; it is gone afterwards."""
    # When it was made is in its name: the commit that it points to may be older.
    ref = f"{_TEMPORARY}/{int(time.time())}-{os.getpid()}-{uuid.uuid4().hex}"
    try:
        if tip is not None:
            git(repo, "update-ref", ref, tip)
        yield ref
    finally:
        repo.run("update-ref", "-d", ref)


def clean_up(repo: GitRepo) -> None:
    """Remove the temporary refs that killed processes left behind long ago."""
    _, listed, _ = repo.run("for-each-ref", "--format=%(refname)", _TEMPORARY)
    for ref in listed.split():
        made = ref.removeprefix(f"{_TEMPORARY}/").partition("-")[0]
        if made.isdecimal() and int(made) < time.time() - _LEFT_OVER:
            repo.run("update-ref", "-d", ref)


def attempts() -> Iterator[int]:
    """Yield a few times, with a pause between that grows and differs from process to process."""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(random.uniform(0.01, min(_LONGEST_PAUSE, 0.05 * 2**attempt)))  # noqa: S311  no secret
        yield attempt


def tip_of(repo: GitRepo, ref: str) -> str | None:
    """Return what a ref points to, None where there is no such ref."""
    status, out, _ = repo.run("rev-parse", "--verify", "--quiet", ref)
    return out.strip() if status == 0 else None


def identity(repo: GitRepo, name: str = NOBODY) -> tuple[str, ...]:
    """Return the options that give git an author where nobody configured one."""
    missing = {"user.name": name, "user.email": f"{NOBODY}@localhost"}
    return tuple(
        option
        for key, value in missing.items()
        if repo.run("config", "--get", key)[0]
        for option in ("-c", f"{key}={value}")
    )


def written_blob(repo: GitRepo, text: str) -> str:
    """Write a text into git, and return its blob."""
    return git(repo, "hash-object", "-w", "--stdin", feed=text.encode()).strip()


def lines_of(note: bytes) -> list[str]:
    """Return the lines of a note, without those that are empty."""
    text = note.decode("utf-8", errors="replace")
    return [line for line in text.split("\n") if line.strip()]


def git(repo: GitRepo, *arguments: str, feed: bytes | None = None) -> str:
    """Return what git prints; raises `OutOfStep` where it fails."""
    status, out, reason = repo.run(*arguments, feed=feed)
    if status:
        command = next(word for word in arguments if not word.startswith("-") and "=" not in word)
        raise OutOfStep(f"`git {command}` failed: {reason}")
    return out


def _is_commit(repo: GitRepo, ref: str) -> bool:
    """Return whether a ref is a commit that is here: git takes any object for a ref."""
    status, kind, _ = repo.run("cat-file", "-t", ref)
    return status == 0 and kind.strip() == "commit"


def _refusal(out: str) -> str:
    """Return why a remote refused, from what `git push --porcelain` prints."""
    lines = (line.split("\t") for line in out.splitlines() if line.startswith("!"))
    return next((parts[-1] for parts in lines), "")
