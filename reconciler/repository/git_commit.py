"""Commits one file, on a branch of its own where that is asked for, and pushes it."""

from reconciler.errors import OutOfStep, Refused, UsageError
from reconciler.names import nearest
from reconciler.repository.git_repo import GitRepo


def branch_of(repo: GitRepo) -> str | None:
    """Return the branch that is checked out, None for a detached HEAD."""
    status, out, _ = repo.run("symbolic-ref", "--quiet", "--short", "HEAD")
    return out.strip() if status == 0 else None


def check_new_branch(repo: GitRepo, name: str) -> None:
    """Raise `UsageError` for what is no name of a branch, `Refused` for one that exists."""
    if name.startswith("-") or repo.run("check-ref-format", "--branch", name)[0]:
        raise UsageError(f"`{name}` is no name of a branch")
    if repo.run("show-ref", "--verify", "--quiet", f"refs/heads/{name}")[0] == 0:
        raise Refused(
            f"there is a branch `{name}` already",
            hint=f"name another: `--branch NAME`; or delete it: `git branch -D {name}`",
        )


def remote_for(repo: GitRepo, branch: str | None) -> str:
    """Return the remote that a branch is pushed to; raises `UsageError` where none is known."""
    known = repo.run("remote")[1].split()
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


def start_branch(repo: GitRepo, name: str) -> None:
    """Create a branch where HEAD is, and check it out; files stay as they are."""
    status, _, reason = repo.run("checkout", "--quiet", "-b", name)
    if status:
        raise OutOfStep(f"the file is written, and the branch `{name}` was not created: {reason}")


def commit_file(repo: GitRepo, path: str, message: str) -> str:
    """Commit one file as it is in the work tree, nothing else that is staged; return the commit."""
    how = ("--quiet", "--only", "--cleanup=whitespace", f"--message={message}")
    status, _, reason = repo.run("commit", *how, "--", path)
    if status:
        raise OutOfStep(f"`{path}` is written, and git did not commit it: {reason}")
    return repo.resolve("HEAD")


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
