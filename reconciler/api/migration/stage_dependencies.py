"""Finds what of a checkout depends on stages: settings, policies, versions, consumers, code."""

from collections.abc import Collection, Sequence

from reconciler.api.workspace import Workspace
from reconciler.audit.migration.dependencies import (
    StageDependency,
    code_dependencies,
    model_dependencies,
    settings_dependencies,
)
from reconciler.audit.migration.stage_loads import StageLoad
from reconciler.core.declaring.implied import as_written
from reconciler.core.state import ACTIVE_STAGES, Declaration, stages
from reconciler.files.key_lines import key_lines
from reconciler.files.state_folder import SETTINGS_FILE, contents
from reconciler.files.yaml_reader import LARGEST


def stage_dependencies(
    workspace: Workspace, declarations: Collection[Declaration], found: Sequence[StageLoad]
) -> tuple[StageDependency, ...]:
    """Return what depends on stages, by file and line; `found` are places in source code."""
    files = contents(str(workspace.folder), workspace.shown)
    shown = f"{workspace.shown}/{SETTINGS_FILE}"
    data = files.settings.read(LARGEST) if files.settings else b""
    depends = [*settings_dependencies(workspace.settings, shown, key_lines(data, shown))]
    models = {file.shown: file for file in files.models}
    for declaration in declarations:
        is_read = _names_stage(declaration) and declaration.file in models
        data = models[declaration.file].read(LARGEST) if is_read else b""
        lines = key_lines(data, declaration.file)
        versions = {v: lines(("versions", str(v), "stage")) for v in declaration.versions}
        at = {version: line for version, line in versions.items() if line is not None}
        depends += model_dependencies(declaration, at, lines(("serving",)))
    depends += code_dependencies(found)
    by_place = sorted(depends, key=lambda one: (one.what == "code", one.file, one.line or 0))
    return tuple(by_place)


def _names_stage(declaration: Declaration) -> bool:
    """Return whether the lines of a file are needed: it is read again for them."""
    written = stages(as_written(declaration).fields).values()
    return declaration.serving is not None or not {*ACTIVE_STAGES}.isdisjoint(written)
