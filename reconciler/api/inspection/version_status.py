"""Where the versions of chosen models stand."""

from collections.abc import Collection
from dataclasses import replace

from reconciler.api.answers import Status
from reconciler.api.inspection.version_names import readings
from reconciler.api.planning.plan_requests import compared, plan_request
from reconciler.api.workspace import Workspace
from reconciler.core.matching import is_glob, nearest, select
from reconciler.errors import UsageError
from reconciler.planning.status import rows, syncs


def version_status(
    workspace: Workspace, models: Collection[str] | None, only: Collection[str]
) -> Status:
    """Return the status of the models that globs choose, None for all, reduced to some kinds.

    Raises `UsageError` for a glob or a name without a model, and for a kind that does not exist.
    """
    kinds = syncs(only)
    named = None if models is None or any(map(is_glob, models)) else frozenset(models)
    if named is None:
        workspace.read_ahead()
    request = replace(plan_request(workspace), models=named)
    found = compared(workspace, request)
    versions = rows(found.plan, found.live, workspace.desired)
    plan = found.plan
    if models is not None:
        declared = workspace.desired.declarations
        for name in models:
            if name in found.live and found.live[name].is_prompt and name not in declared:
                raise UsageError(f"`{name}` is a prompt, not a model")
        # A server refuses a name that no model can have; such a name is not an unreadable model.
        known = [
            row.model
            for row in versions
            if row.model in {*declared, *found.live} or not set("/:") & set(row.model)
        ]
        chosen = _chosen(models, known, declared)
        versions = tuple(row for row in versions if row.model in chosen)
        kept = tuple(model for model in plan.models if model.model in chosen)
        plan = replace(plan, models=kept)
    shown = [row for row in versions if row.sync in kinds]
    return Status(shown, plan, workspace.requests)


def _chosen(
    models: Collection[str], known: Collection[str], declared: Collection[str]
) -> frozenset[str]:
    for name in models:
        if name not in known and not is_glob(name):
            message = f"model `{name}` is neither declared nor in the registry"
            raise UsageError(message, hint=_meant(name, declared))
    return select(tuple(models), frozenset(known))


def _meant(name: str, declared: Collection[str]) -> str | None:
    """Return a hint for a name that no model has: it may name a version."""
    for model, version in readings(name):
        if version is not None:
            return (
                f"`reconciler show {name}` shows a version, `reconciler status {model}` its model"
            )
    return nearest(name, declared)
