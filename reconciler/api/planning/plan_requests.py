"""From what a caller asks to a plan: which models, judged or not, and what forbids applying it."""

from collections.abc import Collection
from dataclasses import replace

from reconciler.api.workspace import Workspace
from reconciler.core.matching import select
from reconciler.core.plan import JudgedPlan
from reconciler.core.violations import Consent
from reconciler.errors import OutOfStep, UsageError
from reconciler.planning.checks import Compared, Judging
from reconciler.planning.planner import PlanRequest, Reading, compare, reconcile
from reconciler.policy.guards import checkout_violations
from reconciler.render import phrases


def plan_request(
    workspace: Workspace,
    *,
    models: Collection[str] | None = None,
    since: str | None = None,
    adopt: Collection[str] = (),
    planning: bool = True,
) -> PlanRequest:
    """Return what is to be planned; without `models` all of them.

    `adopt` are globs, too. Raises `UsageError` for globs that name nothing.
    """
    declared = workspace.desired.declarations
    chosen = None if models is None else select(tuple(models), declared)
    if since is not None:
        chosen = _narrowed(chosen, _changed_since(workspace, since))
    among = declared if chosen is None else chosen
    for glob in adopt:
        if not select((glob,), declared, "--adopt") & set(among):
            raise UsageError(f"--adopt `{glob}` matches none of the chosen models")
    return PlanRequest(
        models=chosen,
        adopt=select(tuple(adopt), among, "--adopt"),
        planning=planning,
        allow_superseded=workspace.allow_superseded,
    )


def judged(workspace: Workspace, request: PlanRequest, judging: Judging) -> Reading:
    """Return the judged plan, and what the registry holds."""
    _explain(workspace)
    checkout, listing = workspace.checkout, workspace.listing
    return reconcile(checkout, workspace.registry, workspace.ref, request, judging, listing=listing)


def compared(workspace: Workspace, request: PlanRequest) -> Compared:
    """Return what differs, not judged: to look at, and not to apply."""
    _explain(workspace)
    checkout, listing = workspace.checkout, workspace.listing
    return compare(checkout, workspace.registry, workspace.ref, request, listing=listing)


def with_checkout_violations(
    workspace: Workspace, plan: JudgedPlan, consents: Collection[Consent]
) -> JudgedPlan:
    """Return the plan with what forbids applying it from this checkout: dirty, off the main line.

    Raises `OutOfStep` without a commit to record.
    """
    folder = workspace.shown
    add = f'git add {folder} && git commit -m "Declare the models"'
    if workspace.repo is None:
        message = "apply records a commit, and this is not a git repository"
        raise OutOfStep(message, hint=f"git init && {add}")
    commit = plan.state.commit
    if workspace.history is None or commit is None:
        raise OutOfStep("apply records a commit, and there is none yet", hint=add)
    require_main_line(workspace)
    if not workspace.history.knows(commit):
        raise OutOfStep(
            f"the plan was made at commit {commit[:12]}, which is not in this clone",
            hint="git fetch",
        )
    off_main = None
    if not workspace.history.main_contains(commit):
        name = workspace.main_line[0] if workspace.main_line else "the main line"
        off_main = f"`{name}` does not contain commit {commit[:12]}"
    found = checkout_violations(plan.state.dirty, off_main, consents)
    return replace(plan, violations=(*plan.violations, *found))


def require_same_registry(workspace: Workspace, plan: JudgedPlan) -> None:
    """Raise `OutOfStep` for a plan of another state folder or registry than the workspace's."""
    if plan.state.path != workspace.shown:
        raise OutOfStep(
            f"the plan is of `{plan.state.path}`, and this run is in `{workspace.shown}`",
            hint=f"say `--state {plan.state.path}`",
        )
    if workspace.ref.key != plan.registry.key:
        raise OutOfStep(
            f"the plan is for {plan.registry.key}, and this run talks to {workspace.ref.key}",
            hint="plan again: `reconciler plan --out FILE`",
        )


def _explain(workspace: Workspace) -> None:
    """Tell the caller where the comparison is two-way, and with `-v` what it is made from."""
    warn = workspace.warn
    if workspace.missing_history:
        warn(
            f"{workspace.missing_history}: compared with the registry alone, nothing is removed "
            "or recorded"
        )
    if not workspace.caller.is_verbose:
        return
    name, tip = workspace.main_line or ("not known: every commit counts as on it", "")
    warn(f"state      {workspace.folder}, which manages models as `{workspace.owner}`")
    warn(f"declares   {phrases.models(len(workspace.desired.declarations))}")
    warn(f"main line  {name} {tip[:12]}")
    warn(f"registry   {workspace.ref.address}")


def require_main_line(workspace: Workspace) -> None:
    """Make sure that "on the main line" is not taken for granted by mistake."""
    if workspace.main_line is not None or workspace.repo is None:
        return
    branch = workspace.desired.settings.branch
    if branch is not None:
        raise OutOfStep(
            f"the main line `{branch}` is not in this clone",
            hint=f"`git fetch origin {branch}`, or correct `branch:` in reconciler.yaml",
        )
    if workspace.repo.has_remote:
        workspace.warn(
            "the main line is not known, so this commit counts as on it: write `branch:` into "
            "reconciler.yaml, or `git remote set-head origin --auto`"
        )


def _changed_since(workspace: Workspace, since: str) -> frozenset[str] | None:
    if workspace.repo is None or workspace.history is None:
        raise OutOfStep("--since compares with a commit, and there is none", hint="git commit")
    fork = workspace.repo.fork(since)
    return workspace.history.changed_since(fork, workspace.desired, workspace.dirty)


def _narrowed(
    chosen: frozenset[str] | None, changed: frozenset[str] | None
) -> frozenset[str] | None:
    if chosen is None or changed is None:
        return changed if chosen is None else chosen
    return chosen & changed
