"""What a watch works on: the tip of the main line, as it was committed."""

from reconciler.api.planning.plan_requests import require_main_line
from reconciler.api.workspace import Workspace
from reconciler.errors import OutOfStep, Refused
from reconciler.repository.repository import GitRepo


def tip_of_main(workspace: Workspace, *, dry_run: bool) -> GitRepo:
    """Return the repository, whose checkout declares what the main line does.

    A dry run takes any checkout: it is how a rule is tried before it is committed.

    Raises `Refused` for files that are not committed, `OutOfStep` off the main line or behind it.
    """
    repo = workspace.repo
    if repo is None or repo.head is None:
        message = f"what is watched was merged in git, and {workspace.missing_history}"
        raise OutOfStep(message, hint="git commit")
    if dry_run:
        return repo
    if workspace.dirty:
        more = f" and {len(workspace.dirty) - 1} more" if workspace.dirty[1:] else ""
        raise Refused(
            f"{workspace.dirty[0]}{more} is not committed: only what is merged is watched",
            hint="commit it, or try it with `--dry-run`",
        )
    require_main_line(workspace)
    if workspace.main_line is not None:
        _require_tip(workspace, repo, repo.head, *workspace.main_line)
    return repo


def _require_tip(workspace: Workspace, repo: GitRepo, head: str, line: str, tip: str) -> None:
    if head == tip:
        return
    if not repo.is_ancestor(head, tip):
        raise OutOfStep(
            f"`{line}` does not contain commit {head[:12]}: only what is merged is watched",
            hint=f"git checkout {line.removeprefix('origin/')}; or try it with `--dry-run`",
        )
    if repo.run("diff", "--quiet", head, tip, "--", workspace.shown)[0]:
        raise OutOfStep(
            f"`{line}` has changed `{workspace.shown}` since this checkout",
            hint=f"git merge {line}",
        )
