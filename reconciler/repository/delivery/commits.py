"""Commits files, on a branch of its own where that is asked for, and pushes it."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from reconciler.core.matching import nearest
from reconciler.errors import OutOfStep, Refused, UsageError
from reconciler.repository.repository import GitRepo

# What git leaves in its folder until the operation ends. A rebase picks and merges on its way.
_UNDER_WAY: Final = {
    "rebase-merge": "rebase",
    "rebase-apply/applying": "am",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
}
_LONGEST: Final = 30.0  # seconds for a remote to say which branches it has


def branch_of(repo: GitRepo) -> str | None:
    """Return the branch that is checked out, None for a detached HEAD."""
    status, out, _ = repo.run("symbolic-ref", "--quiet", "--short", "HEAD")
    return out.strip() if status == 0 else None


def under_way(repo: GitRepo) -> str | None:
    """Return the git command that was begun and not ended, such as `merge`; None for none."""
    folder = Path(repo.run("rev-parse", "--absolute-git-dir")[1].removesuffix("\n"))
    return next((name for mark, name in _UNDER_WAY.items() if (folder / mark).exists()), None)


def ways_out(command: str) -> str:
    """Return how a git command that is under way is ended."""
    return f"`git {command} --continue` or `git {command} --abort`"


def unmerged(repo: GitRepo, folder: str) -> tuple[str, ...]:
    """Return the files below a folder whose conflicts are not resolved, sorted."""
    listed = repo.run("ls-files", "--unmerged", "-z", "--", folder)[1].split("\0")
    return tuple(sorted({entry.partition("\t")[2] for entry in listed if entry}))


def is_tracked(repo: GitRepo, path: str) -> bool:
    """Return whether git knows a file, committed or not."""
    return repo.run("ls-files", "--error-unmatch", "--", path)[0] == 0


def refuse_uncommitted(repo: GitRepo, path: str) -> NoReturn:
    """Raise `Refused` for a file that is not as the commit has it, with what to do about it."""
    quoted = shlex.quote(path)
    if repo.head is not None and repo.find(repo.head, path) is not None:
        raise Refused(
            f"{path} has changes that are not committed: they would go along",
            hint=f"commit them first, or undo them: `git checkout HEAD -- {quoted}`",
        )
    ignored = ("ls-files", "--others", "--ignored", "--exclude-standard", "--", path)
    if repo.run(*ignored)[1]:
        raise Refused(
            f"{path} was never committed, and git ignores it",
            hint=f"take it out of .gitignore, then `git add {quoted}` and commit it",
        )
    raise Refused(
        f"{path} was never committed: all of it would go along",
        hint=f"commit it first: `git add {quoted}`, then `git commit -- {quoted}`",
    )


def check_new_branch(repo: GitRepo, name: str) -> None:
    """Raise `UsageError` for what is not a branch name, `Refused` for one that is taken."""
    # Git reads these two as what is checked out, wherever a branch can be named.
    is_head = name in ("HEAD", "@")
    if is_head or name.startswith("-") or repo.run("check-ref-format", f"refs/heads/{name}")[0]:
        raise UsageError(f"`{name}` is not a branch name")
    top = f"refs/heads/{name.partition('/')[0]}"
    for other in repo.run("for-each-ref", "--format=%(refname)", top)[1].splitlines():
        taken = other.removeprefix("refs/heads/")
        if taken == name:
            raise Refused(
                f"there is a branch `{name}` already",
                hint=f"name another: `--branch NAME`; or delete it: `git branch -D {name}`",
            )
        if taken.startswith(f"{name}/") or name.startswith(f"{taken}/"):
            raise Refused(
                f"there is a branch `{taken}`, and git has no `{name}` beside it",
                hint="name another: `--branch NAME`",
            )


def remote_for(repo: GitRepo, branch: str | None) -> str:
    """Return the remote that a branch is pushed to; raises `UsageError` where none is known."""
    known = remotes(repo)
    keys = ["remote.pushDefault"]
    if branch is not None:
        keys = [f"branch.{branch}.pushRemote", *keys, f"branch.{branch}.remote"]
    named = [repo.run("config", "--get", key)[1].strip() for key in keys]
    remote = next(filter(None, named), None)
    if remote is None:
        remote = "origin" if "origin" in known else known[0] if len(known) == 1 else None
    if remote is None:
        hint = "git config remote.pushDefault NAME" if known else "git remote add origin URL"
        raise UsageError("it is not known which remote to push to", hint=hint)
    if remote not in known:
        raise UsageError(f"there is no remote `{remote}`", hint=nearest(remote, known))
    return remote


def remotes(repo: GitRepo) -> tuple[str, ...]:
    """Return the names of the clone's remotes."""
    return tuple(repo.run("remote")[1].split())


def commit_on_branch(repo: GitRepo, name: str, paths: Sequence[str], message: str) -> str:
    """Commit files on a new branch, and return the commit; the branch is checked out.

    Raises `OutOfStep` where git does not do it: then what was checked out is so again, the new
    branch is gone, and the files stay as they are in the work tree.
    """
    before, head = branch_of(repo), repo.resolve("HEAD")
    _, _, reason = repo.run("checkout", "--quiet", "-b", name)
    # Not the status: a hook that runs afterwards decides that.
    if branch_of(repo) != name:
        raise OutOfStep(
            f"{_edited(paths)}, and the branch `{name}` was not created: {reason}",
            hint=_undo(paths),
        )
    try:
        return commit_files(repo, paths, message)
    except OutOfStep as error:
        where = _go_back(repo, name, before, head)
        raise OutOfStep(f"{error.message}; {where}", hint=error.hint) from error


def _go_back(repo: GitRepo, name: str, before: str | None, head: str) -> str:
    """Leave a new branch without a commit, delete it, and return what is checked out now."""
    where = (before,) if before is not None else ("--detach", head)
    if repo.resolve("HEAD") == head:
        repo.run("checkout", "--quiet", *where)
    if branch_of(repo) == name:
        return f"the branch `{name}` is checked out; `git checkout {' '.join(where)}` goes back"
    gone = repo.run("branch", "--quiet", "--delete", name)[0] == 0
    rest = "" if gone else f", and the branch `{name}` is left: `git branch -D {name}`"
    return f"`{before or head[:12]}` is checked out as before{rest}"


def commit_files(repo: GitRepo, paths: Sequence[str], message: str) -> str:
    """Commit files as they are in the work tree, nothing else that is staged; return the commit.

    Hooks, signing and the identity are those of the user's own git.
    """
    new = [path for path in paths if not is_tracked(repo, path)]
    if new:
        repo.run("add", "--intent-to-add", "--", *new)  # `commit --only` knows no other
    how = ("--quiet", "--only", "--cleanup=whitespace", f"--message={message}")
    status, _, reason = repo.run("commit", *how, "--", *paths)
    if status:
        again = f"mend that and commit it: `git commit -- {shlex.join(paths)}`"
        raise OutOfStep(
            f"{_edited(paths)}, and git did not commit {_it(paths)}: {reason}",
            hint=f"{again}; or {_undo(paths)}",
        )
    return repo.resolve("HEAD")


def _edited(paths: Sequence[str]) -> str:
    return f"{', '.join(f'`{path}`' for path in paths)} {'are' if paths[1:] else 'is'} edited"


def _it(paths: Sequence[str]) -> str:
    return "them" if paths[1:] else "it"


def _undo(paths: Sequence[str]) -> str:
    return f"undo the edit: `git checkout HEAD -- {shlex.join(paths)}`"


def is_pushed(repo: GitRepo, remote: str, branch: str) -> bool:
    """Return whether a remote has a branch of that name; false also where it cannot be asked."""
    ref = f"refs/heads/{branch}"
    ask = ("ls-remote", "--exit-code", "--heads", "--", remote, ref)
    return repo.run(*ask, seconds=_LONGEST)[0] == 0


def push_branch(repo: GitRepo, remote: str, branch: str) -> None:
    """Push HEAD to the branch of that name, which follows it from then on."""
    ref = f"HEAD:refs/heads/{branch}"
    status, out, reason = repo.run("push", "--porcelain", "--set-upstream", remote, ref)
    if status:
        lines = (line.split("\t") for line in out.splitlines() if line.startswith("!"))
        why = next((parts[-1] for parts in lines), reason)
        raise OutOfStep(
            f"it is committed, and `{remote}` did not take it: {why}",
            hint=f"git push --set-upstream {remote} {branch}",
        )
