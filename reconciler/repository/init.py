"""Makes a folder a git repository: the only thing done with git where there is none yet."""

from collections.abc import Mapping
from pathlib import Path

from reconciler.errors import UsageError
from reconciler.repository.command import GitCommand, git_in


def require_beginning(folder: Path, environ: Mapping[str, str]) -> None:
    """Raise `UsageError` where a folder is not empty, or git is not installed.

    Somebody's home, or the wrong folder, must not become a repository by a slip.
    """
    if any(folder.iterdir()):
        raise UsageError(
            f"`{folder}` is not a git repository, and not empty",
            hint="if it is to become one: `git init`, then again; else begin in an empty folder",
        )
    _installed(folder, environ)


def start_repository(folder: Path, branch: str, environ: Mapping[str, str]) -> None:
    """Make a folder a repository whose first commit will be on `branch`."""
    git = _installed(folder, environ)
    # Two commands, because git learned `--initial-branch` late.
    git.tell("init", "--quiet")
    git.tell("symbolic-ref", "HEAD", f"refs/heads/{branch}")


def _installed(folder: Path, environ: Mapping[str, str]) -> GitCommand:
    git = git_in(folder, environ)
    if git is None:
        raise UsageError(
            "this is not a git repository, and git is not installed or not on the PATH",
            hint="apt-get install git",
        )
    return git
