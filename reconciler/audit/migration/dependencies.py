"""What of the files still depends on stages: settings, policies, consumers, code. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from reconciler.audit.migration.stage_loads import StageLoad, declared_by_stage
from reconciler.core.declaring.implied import as_written
from reconciler.core.policies import Expression, Policy, Soak, Transitions
from reconciler.core.settings import Settings
from reconciler.core.state import ACTIVE_STAGES, STAGES, Declaration, stages
from reconciler.policy.cel.references import uses
from reconciler.policy.cel.tokenizer import tokenize

DependentThing: TypeAlias = Literal[
    "serving", "bridge", "exclusive", "policy", "version", "consumer", "code"
]
LineOf: TypeAlias = Callable[[tuple[str, ...]], int | None]

_STAGE_VARIABLES: Final = ("version.stage", "incumbent.stage")
_MOVES: Final = ("change.from", "change.to")


@dataclass(frozen=True, slots=True)
class StageDependency:
    """One thing that depends on a stage, and where it is; `line` is None for what is a default."""

    what: DependentThing
    file: str
    line: int | None
    message: str
    model: str | None = None


def settings_dependencies(
    settings: Settings, file: str, line_of: LineOf
) -> Iterator[StageDependency]:
    """Yield what of the settings depends on stages; `line_of` tells the line of a key, or None."""
    serving, line = settings.serving, line_of(("serving",))
    if serving.default.stage is not None:
        usual = "" if line else ", the default"
        message = f"what serves is the stage `{serving.default.stage}`{usual}"
        yield StageDependency("serving", file, line, message)
    for glob, named in serving.globs:
        if named.stage is not None:
            message = f"what serves of `{glob}` is the stage `{named.stage}`"
            at = line_of(("serving", "models", glob))
            yield StageDependency("serving", file, at, message)
    if settings.bridge:
        message = f"`bridge` makes stages of aliases: {settings.bridge}"
        yield StageDependency("bridge", file, line_of(("bridge",)), message)
    # Without the key it is the default, which no file can take away.
    if (line := line_of(("exclusive",))) is not None and settings.exclusive:
        names = ", ".join(f"`{stage}`" for stage in settings.exclusive)
        yield StageDependency("exclusive", file, line, f"`exclusive` names {names}")
    for policy in settings.policies:
        if reasons := tuple(_of_policy(policy)):
            message = f"policy `{policy.name}` {' and '.join(reasons)}"
            yield StageDependency("policy", file, policy.line, message)


def _of_policy(policy: Policy) -> Iterator[str]:
    """Yield why a policy depends on stages."""
    match policy.requires:
        case Transitions():
            yield "has the rule `transitions`, which orders stages"
        case Soak():
            yield "has the rule `soak`, which measures the time in a stage"
        case Expression(source):
            read = _stages_read(source)
            yield from [f"reads {', '.join(f'`{name}`' for name in read)}"] if read else []
            yield from _if_on(policy)
        case _:
            yield from _if_on(policy)


def _if_on(policy: Policy) -> Iterator[str]:
    if policy.on.stages:
        yield f"is on {', '.join(f'`{stage}`' for stage in policy.on.stages)}"


def _stages_read(source: str) -> tuple[str, ...]:
    """Return the variables with which a condition reads a stage.

    What a version moves from and to is a stage or not, and the name of one beside it tells.
    """
    names_stage = any(token.plain in STAGES for token in tokenize(source))
    moves = [path for path in _MOVES if names_stage and uses(source, path)]
    return (*(path for path in _STAGE_VARIABLES if uses(source, path)), *moves)


def model_dependencies(
    declaration: Declaration, stage_lines: Mapping[int, int], serving_line: int | None
) -> Iterator[StageDependency]:
    """Yield what of a model's file depends on stages; `stage_lines` are those of `stage` keys."""
    model, file = declaration.model, declaration.file
    if declaration.serving is not None and declaration.serving.stage is not None:
        message = f"what serves of `{model}` is the stage `{declaration.serving.stage}`"
        yield StageDependency("serving", file, serving_line, message, model)
    for version, stage in sorted(stages(as_written(declaration).fields).items(), reverse=True):
        if stage in ACTIVE_STAGES:
            message = f"v{version} of `{model}` is declared in `{stage}`"
            yield StageDependency("version", file, stage_lines.get(version), message, model)
    for load in declared_by_stage(declaration):
        message = f"`{load.name}` loads `{load.loads}` of `{model}`"
        yield StageDependency("consumer", file, load.line, message, model)


def code_dependencies(loads: Iterable[StageLoad]) -> Iterator[StageDependency]:
    """Yield the places in source code that load by stage."""
    for load in loads:
        yield StageDependency("code", load.file, load.line, f"`{load.text}`", load.model)
