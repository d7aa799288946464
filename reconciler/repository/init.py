"""Makes a folder a git repository: the only thing done with git where there is none yet."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from reconciler.errors import OutOfStep, UsageError


def require_beginning(folder: Path, environ: Mapping[str, str]) -> None:
    """Raise `UsageError` where a folder is not empty, or git is not installed.

    Somebody's home, or the wrong folder, must not become a repository by a slip.
    """
    if any(folder.iterdir()):
        raise UsageError(
            f"`{folder}` is not a git repository, and not empty",
            hint="if it is to become one: `git init`, then again; else begin in an empty folder",
        )
    if shutil.which("git", path=environ.get("PATH")) is None:
        raise UsageError(
            "this is not a git repository, and git is not installed or not on the PATH",
            hint="apt-get install git",
        )


def start_repository(folder: Path, branch: str, environ: Mapping[str, str]) -> None:
    """Make a folder a repository whose first commit will be on `branch`."""
    # Two commands, because git learned `--initial-branch` late. Inside a hook GIT_DIR is another.
    inside = {name: value for name, value in environ.items() if name != "GIT_DIR"}
    for command in (["init", "--quiet"], ["symbolic-ref", "HEAD", f"refs/heads/{branch}"]):
        done = subprocess.run(  # noqa: S603  our own words, and a branch that was checked
            ["git", *command],  # noqa: S607  whichever git is the user's
            cwd=folder,
            env=inside,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            reason = done.stderr.strip().removeprefix("fatal: ") or f"status {done.returncode}"
            raise OutOfStep(f"`git {command[0]}` failed in `{folder}`: {reason}")
