"""What would be without its version once no file declares a stage: as `--check` finds it."""

from collections.abc import Collection
from typing import Final

from reconciler.api.migration.stage_dependencies import stage_dependencies
from reconciler.api.usage.code_loads import code_loads
from reconciler.api.workspace import Workspace
from reconciler.audit.migration.dependencies import DependentThing, StageDependency
from reconciler.audit.migration.stage_loads import found_by_stage
from reconciler.errors import ExitCode, Problem

# What else depends on a stage is what the step takes out of the files.
_REMEDIES: Final[dict[DependentThing, str]] = {
    "serving": "`reconciler migrate stages --step serve-by-alias`",
    "policy": "write it for the alias, or remove it",
    "consumer": "have it load the alias, and say so in `loads`",
    "code": "`reconciler migrate rewrite PATH` prints a patch, or do it by hand",
}


def stage_users(workspace: Workspace, scan: Collection[str]) -> tuple[Problem, ...]:
    """Return a refusal for each policy, consumer and place in code that depends on a stage.

    `scan` are paths to code; raises `UsageError` for one that names nothing.
    """
    found = tuple(found_by_stage(code_loads(workspace, scan)))
    declarations = tuple(workspace.desired.declarations.values())
    depends = stage_dependencies(workspace, declarations, found)
    return tuple(_refusal(one) for one in depends if one.what in _REMEDIES)


def _refusal(one: StageDependency) -> Problem:
    return Problem(
        f"{one.message}: it depends on a stage",
        ExitCode.REFUSED,
        file=one.file,
        line=one.line,
        model=one.model,
        hint=_REMEDIES[one.what],
    )
