"""Finds the places in source code that load models, below the paths that a caller names."""

from collections.abc import Collection

from reconciler.api.usage.scanning import scan_sources
from reconciler.api.workspace import Workspace
from reconciler.audit.usage.loads import Load


def code_loads(workspace: Workspace, paths: Collection[str]) -> tuple[Load, ...]:
    """Return each place below `paths`, and warn of what was not read.

    Raises `UsageError` for a path that names nothing.
    """
    scan = scan_sources(paths, workspace.caller.root)
    for sentence in scan.warnings:
        workspace.warn(sentence)
    return scan.loads
