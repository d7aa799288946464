"""Reads the live models for the report and the steps, and what of them cannot be read."""

from dataclasses import replace

from reconciler.api.workspace import Workspace
from reconciler.core.state import Live
from reconciler.errors import Problem
from reconciler.planning.live_state import read_live
from reconciler.planning.preconditions import unlistable


def live_models(
    workspace: Workspace, *, everything: bool
) -> tuple[dict[str, Live], tuple[Problem, ...]]:
    """Return the declared live models, or all, and a problem for each that cannot be read.

    Raises `Refused` for another registry than the pinned one.
    """
    _ = workspace.ref  # it is what refuses
    declared = workspace.desired.declarations
    needed = {name: tuple(one.versions) for name, one in declared.items()}
    live, unread = read_live(
        workspace.registry, needed, everything=everything, listing=workspace.listing
    )
    problems = [
        replace(problem, file=declared[name].file, line=declared[name].line)
        for name, problem in unread.items()
    ]
    problems += [
        unlistable(model, declared.get(name))
        for name, model in live.items()
        if model.unreadable is not None and not model.is_prompt
    ]
    return live, tuple(problems)
