"""Builds real git repositories in a temporary folder, the same commit ids on every run."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler.repository.repository import GitRepo, open_checkout

_BEGIN = 1_700_000_000  # the first commit's second; each later one is a minute after the last


@dataclass
class GitLab:
    """One checkout, and git as somebody without any configuration of their own runs it."""

    root: Path
    home: Path
    environ: dict[str, str] = field(default_factory=dict)
    commits: int = 0

    @classmethod
    def new(cls, folder: Path, *options: str) -> "GitLab":
        """Start an empty repository on `main` in `folder/repo`, with `folder/home` as HOME."""
        lab = cls(folder / "repo", folder / "home")
        lab.home.mkdir(parents=True, exist_ok=True)
        lab.root.mkdir()
        lab.git("init", "--quiet", "--initial-branch=main", *options)
        return lab

    @classmethod
    def isolated(cls, folder: Path, monkeypatch: pytest.MonkeyPatch) -> "GitLab":
        """Start one as `new` does, and have the reconciler's git run without configuration, too."""
        lab = cls.new(folder)
        for name in ("HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
            monkeypatch.setenv(name, lab.env[name])
        return lab

    @property
    def env(self) -> dict[str, str]:
        """The whole environment that git runs in."""
        stamp = f"{_BEGIN + 60 * self.commits} +0000"
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "GIT_CONFIG_GLOBAL": str(self.home / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.com",
            "GIT_AUTHOR_DATE": stamp,
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.com",
            "GIT_COMMITTER_DATE": stamp,
            **self.environ,
        }

    def git(self, *arguments: str) -> str:
        """Run git in the checkout and return what it prints."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, env=self.env, capture_output=True, check=False
        )
        if done.returncode:
            raise AssertionError(f"git {' '.join(arguments)}: {os.fsdecode(done.stderr)}")
        return os.fsdecode(done.stdout).rstrip("\n")

    def write(self, files: Mapping[str, str | bytes | None]) -> None:
        """Write files below the checkout; None removes one."""
        for name, content in files.items():
            path = self.root / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(
        self, files: Mapping[str, str | bytes | None] | None = None, message: str = "change"
    ) -> str:
        """Write files, commit everything, and return the commit's id."""
        self.write(files or {})
        self.git("add", "--all")
        return self._committed("commit", "--quiet", "--allow-empty", "--message", message)

    def branch(self, name: str, start: str = "HEAD") -> None:
        """Create a branch and check it out."""
        self.git("checkout", "--quiet", "-b", name, start)

    def checkout(self, name: str) -> None:
        """Check out a branch, or a commit with a detached HEAD."""
        self.git("checkout", "--quiet", name)

    def merge(self, name: str) -> str:
        """Merge a branch with a merge commit, and return that."""
        return self._committed("merge", "--quiet", "--no-ff", "--no-edit", name)

    def revert(self, commit: str) -> str:
        """Revert a commit, and return the one that does."""
        return self._committed("revert", "--no-edit", commit)

    def move(self, old: str, new: str) -> str:
        """Rename a file or a folder in one commit, and return that."""
        (self.root / new).parent.mkdir(parents=True, exist_ok=True)
        self.git("mv", old, new)
        return self.commit(message="move")

    def clone(
        self,
        folder: Path,
        *,
        depth: int | None = None,
        branch: str = "main",
        options: Sequence[str] = (),
    ) -> "GitLab":
        """Clone into `folder/repo`, cut off after `depth` commits; `origin` is this checkout."""
        folder.mkdir(parents=True, exist_ok=True)
        copy = GitLab(folder / "repo", self.home, dict(self.environ), self.commits + 1000)
        cut = [f"--depth={depth}"] if depth else []
        source = self.root.as_uri()  # a plain path would ignore the depth
        named = ("--branch", branch, source, str(copy.root))
        self.git("clone", "--quiet", *cut, *options, *named)
        return copy

    def push(self, *arguments: str) -> None:
        """Push what is checked out to `origin`."""
        self.git("push", "--quiet", "origin", "HEAD", *arguments)

    def _committed(self, *arguments: str) -> str:
        self.commits += 1
        self.git(*arguments)
        return self.git("rev-parse", "HEAD")


@contextmanager
def opened(lab: GitLab, path: Path | None = None) -> Iterator[GitRepo]:
    """Open the lab's checkout, as seen from `path`, and end its process afterwards."""
    repo = open_checkout(path or lab.root)
    assert repo is not None
    try:
        yield repo
    finally:
        repo.close()
