"""What `actions/checkout` does with `fetch-depth: 0`, with a real git."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.workflows.workflow_events import Forge
from tests.support.workflows.workflow_expressions import UnknownError

_NOWHERE = "file:///no-credential-was-kept"
_COMMIT = re.compile("[0-9a-f]{40}")
_KNOWN = {"ref", "path", "fetch-depth", "persist-credentials", "token"}


def check_out(
    forge: Forge, github: Mapping[str, Any], workspace: Path, options: Mapping[str, str]
) -> None:
    """Check out the event's commit, or the one that `ref` names, below the workspace.

    As with a private repository nothing is fetched afterwards without a kept credential.
    """
    assert set(options) <= _KNOWN, options
    if options.get("fetch-depth") != "0":
        raise UnknownError("a checkout without the whole history")
    folder = workspace / options.get("path", ".")
    folder.mkdir(exist_ok=True)
    git = _Git(folder, forge.environ)
    git("init", "--quiet")
    git("remote", "add", "origin", forge.remote.as_uri())
    ref, commit = options.get("ref", ""), ""
    if not ref:
        ref, commit = github["ref"], github["sha"]
    elif _COMMIT.fullmatch(ref):
        ref, commit = "", ref
    _fetch(git, ref, commit)
    _switch(git, ref, commit)
    if options["persist-credentials"] == "false":
        git("remote", "set-url", "origin", _NOWHERE)
    elif not forge.may_push(options.get("token") or github["token"]):
        git("remote", "set-url", "--push", "origin", _NOWHERE)


class _Git:
    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder, self.environ = folder, environ

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=dict(self.environ),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
        return done.stdout.strip()


def _fetch(git: _Git, ref: str, commit: str) -> None:
    fetch = ("fetch", "--quiet", "--no-tags", "--prune", "origin")
    everything = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
    if ref.startswith("refs/pull/"):
        everything.append(f"+{commit or ref}:{_remote(ref)}")
    git(*fetch, *everything)
    if commit and ref.startswith("refs/heads/") and git("rev-parse", _remote(ref)) != commit:
        # The branch has moved on: it is put back to where the event saw it.
        git(*fetch[:3], "origin", f"+{commit}:{_remote(ref)}")
    elif commit and not ref:
        git(*fetch[:3], "origin", commit)


def _switch(git: _Git, ref: str, commit: str) -> None:
    if not ref:
        git("checkout", "--quiet", "--force", commit)
    elif ref.startswith("refs/pull/"):
        git("checkout", "--quiet", "--force", _remote(ref))
    else:
        branch = ref.removeprefix("refs/heads/")
        git("checkout", "--quiet", "--force", "-B", branch, f"refs/remotes/origin/{branch}")


def _remote(ref: str) -> str:
    if ref.startswith("refs/pull/"):
        return ref.replace("refs/", "refs/remotes/", 1)
    return f"refs/remotes/origin/{ref.removeprefix('refs/heads/')}"
