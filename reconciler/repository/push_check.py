"""Asks a remote whether it would take a push, without pushing anything."""

import subprocess
import tempfile
from collections.abc import Mapping
from typing import Final

from reconciler.core.uris import safe_uri
from reconciler.errors import OutOfStep
from reconciler.repository.repository import GitRepo

_LONGEST: Final = 30.0  # seconds
# No ref of that name is ever made: one that is there would be refused for what it holds.
_NEW: Final = "HEAD:refs/notes/reconciler-probe"
_QUESTIONS: Final = (
    ("ls-remote", "--quiet"),
    ("push", "--dry-run", "--quiet", "--no-verify", "--no-recurse-submodules"),
)


def check_push(
    repo: GitRepo, remote: str, environ: Mapping[str, str], *, seconds: float = _LONGEST
) -> None:
    """Raise `OutOfStep` when a remote cannot be reached, or does not let this user push at all.

    What only the push itself can show, such as a hook that refuses, is not found out.
    """
    if repo.head is None:
        return  # there is nothing to push yet
    folder = repo.run("rev-parse", "--absolute-git-dir")[1].removesuffix("\n")
    for question, what in zip(_QUESTIONS, ("HEAD", _NEW), strict=True):
        command = ["git", "--git-dir", folder, *question, "--", remote, what]
        reason = _reason(command, environ, seconds)
        if reason is not None:
            raise OutOfStep(
                f"the apply records could not be pushed to `{safe_uri(remote)}`: {reason}",
                hint="mend the remote, or apply without --record-push",
            )


def _reason(command: list[str], environ: Mapping[str, str], seconds: float) -> str | None:
    """Return why a command failed, None when it did not."""
    # A file, not a pipe: what git started may outlive it, and would hold a pipe open.
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603  no shell, and every text is an argument of its own
            command,
            env={**environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            return f"no answer within {seconds:g} s"
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        said.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines()
    if status == 0:
        return None
    return lines[0].removeprefix("fatal: ") if lines else f"status {status}"
