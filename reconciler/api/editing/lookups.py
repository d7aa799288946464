"""What an edit starts from: a model's declaration, its draft, and the registry if it answers."""

import shlex

from reconciler.api.workspace import Workspace
from reconciler.authoring.draft import Draft, StateFiles, drafted
from reconciler.authoring.proposal import Proposal
from reconciler.authoring.registry_probe import RegistryProbe
from reconciler.core.matching import nearest
from reconciler.core.state import Declaration
from reconciler.errors import DeclarationError, OutOfStep, UsageError
from reconciler.ports.registry import Registry
from reconciler.repository.delivery import commits
from reconciler.repository.repository import GitRepo


def declared(workspace: Workspace, model: str) -> Declaration:
    """Return what the checkout declares for a model; raises `UsageError` when it does not.

    Raises `OutOfStep` for a file with a conflict that is not resolved.
    """
    conflicts = commits.unmerged(workspace.repo, workspace.shown) if workspace.repo else ()
    try:
        found = workspace.desired.declarations.get(model)
    except DeclarationError as error:
        if workspace.repo is None or not conflicts:
            raise
        raise _conflict(workspace.repo, conflicts[0]) from error
    if workspace.repo is not None and found is not None and found.file in conflicts:
        raise _conflict(workspace.repo, found.file)
    if found is None:
        near = nearest(model, workspace.desired.declarations)
        write = f"`reconciler import {shlex.quote(model)}` writes its file from the registry"
        hint = f"{near} {write}" if near else write
        raise UsageError(f"model `{model}` is not declared", hint=hint)
    return found


def draft(workspace: Workspace, proposal: Proposal) -> Draft | None:
    """Return a proposal as contents of files, None where all of it is declared already."""
    return drafted(proposal, state_files(workspace), workspace.desired.settings)


def state_files(workspace: Workspace) -> StateFiles:
    """Return the files of the state folder."""
    return StateFiles(workspace.folder, workspace.shown, workspace.others)


def probe(
    workspace: Workspace, model: str, versions: tuple[int, ...], *, required: bool = False
) -> RegistryProbe:
    """Return what the registry has of a model, where it answers, or has to."""

    def connect() -> Registry:
        _ = workspace.ref  # raises `Refused` for another registry than the pinned one
        return workspace.registry

    return RegistryProbe(connect, model, versions, workspace.warn, required=required)


def _conflict(repo: GitRepo, file: str) -> OutOfStep:
    command = commits.under_way(repo)
    end = f", then {commits.ways_out(command)}" if command else ""
    return OutOfStep(
        f"{file} has a conflict that is not resolved",
        hint=f"resolve it, `git add {shlex.quote(file)}`{end}",
    )
