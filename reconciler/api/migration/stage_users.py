"""What would be without its version once no file declares a stage: consumers, policies, code."""

from collections.abc import Collection, Iterator

from reconciler.api.workspace import Workspace
from reconciler.core.policies import Expression, Soak, Transitions
from reconciler.core.state import STAGES
from reconciler.errors import ExitCode, Problem, UsageError
from reconciler.files.state_folder import SETTINGS_FILE
from reconciler.policy.cel.references import uses


def stage_users(workspace: Workspace, scan: Collection[str]) -> list[Problem]:
    """Return a refusal for each consumer, policy and place in code that depends on a stage."""
    if scan:
        raise UsageError("`scan` is not built yet")
    return [*_consumers(workspace), *_policies(workspace)]


def _consumers(workspace: Workspace) -> Iterator[Problem]:
    for name, declaration in workspace.desired.declarations.items():
        for consumer in declaration.consumers:
            if consumer.loads in STAGES:
                yield Problem(
                    f"consumer `{consumer.name}` of `{name}` loads the stage `{consumer.loads}`",
                    ExitCode.REFUSED,
                    file=declaration.file,
                    line=consumer.line,
                    model=name,
                    hint="have it load the alias, and say so in `loads`",
                )


def _policies(workspace: Workspace) -> Iterator[Problem]:
    for policy in workspace.desired.settings.policies:
        requires = policy.requires
        reads = isinstance(requires, Expression) and any(
            uses(requires.source, path) for path in ("version.stage", "incumbent.stage")
        )
        if policy.on.stages or reads or isinstance(requires, (Transitions, Soak)):
            yield Problem(
                f"policy `{policy.name}` depends on a stage",
                ExitCode.REFUSED,
                file=f"{workspace.shown}/{SETTINGS_FILE}",
                line=policy.line,
                hint="write it for the alias, or remove it",
            )
