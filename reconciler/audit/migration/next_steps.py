"""What comes next for a model on its way from stages to aliases, and for all of them. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from shlex import quote
from typing import Final

from typing_extensions import assert_never

from reconciler.audit.migration.model_migration import (
    STEPS,
    MigrationStep,
    ModelMigration,
    ProposedAlias,
)
from reconciler.audit.migration.stage_loads import StageLoad
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.state import ACTIVE_STAGES

_NAMED: Final = 8  # models that one command names
_MIGRATE: Final = "reconciler migrate stages"


@dataclass(frozen=True, slots=True)
class StepsTaken:
    """The steps that the settings show: the bridge in them, and whether a stage serves."""

    bridge: Bridge
    serves_by_stage: bool


def with_next_step(model: ModelMigration, taken: StepsTaken) -> ModelMigration:
    """Return a model with what comes next for it, in a word and in sentences."""
    step = _step(model, taken)
    todo = (*(f"{c.message}: {c.remedy}" for c in model.conflicts), *_sentences(model, step))
    return replace(model, step=step, todo=todo)


def _step(model: ModelMigration, taken: StepsTaken) -> MigrationStep | None:
    if not (model.by_stage or model.conflicts):
        return None
    if any(conflict.blocks for conflict in model.conflicts):
        return "conflict"
    if model.declared is None:
        return "import"
    if not model.proposed:
        return "consumers" if model.loads else "conflict"
    if not _is_bridged(model, taken):
        return "bridge"
    return "apply" if _is_pending(model, taken) else _later_step(model, taken)


def _is_pending(model: ModelMigration, taken: StepsTaken) -> bool:
    """Return whether the registry lacks an alias, or a stage that the bridge in effect adds."""
    live = model.live
    if live is None:
        return False
    return any(
        live.aliases.get(one.alias) != one.version
        or (taken.bridge.alias_of(one.stage) and one.version not in live.stages.get(one.stage, ()))
        for one in model.proposed
    )


def _is_bridged(model: ModelMigration, taken: StepsTaken) -> bool:
    """Return whether each proposed alias is declared, by the bridge or in the file itself.

    Once no stage serves, a file that only has the alias needs no bridge any more.
    """
    if all(taken.bridge.alias_of(one.stage) == one.alias for one in model.proposed):
        return True
    declared = model.declared
    return (
        declared is not None
        and not taken.serves_by_stage
        and not {one.stage for one in model.proposed} & set(declared.active)
        and all(declared.aliases.get(one.alias) == one.version for one in model.proposed)
    )


def _later_step(model: ModelMigration, taken: StepsTaken) -> MigrationStep | None:
    if model.loads:
        return "consumers"
    if taken.serves_by_stage:
        return "serve-by-alias"
    stages = {one.stage for one in model.proposed}
    if taken.bridge or (model.declared is not None and stages & set(model.declared.active)):
        return "drop-stages"
    if any(conflict.kind == "no-alias" for conflict in model.conflicts):
        return "conflict"
    return "clear" if model.live is not None and model.live.active else None


def _sentences(model: ModelMigration, step: MigrationStep | None) -> Iterator[str]:
    """Yield what to do for one model; what its conflicts ask for is not among it."""
    if step not in (None, "conflict", "consumers"):
        pairs = [f"@{one.alias} on v{one.version}" for one in model.proposed if one.version]
        gains = f": {', '.join(pairs)}" if pairs and step in ("bridge", "apply") else ""
        yield _words(step, [model.model]) + gains
    for load in model.loads:
        yield load_sentence(load, model.proposed)


def load_sentence(load: StageLoad, proposed: Sequence[ProposedAlias]) -> str:
    """Return what to do about a consumer that loads by stage."""
    alias = next((one.alias for one in proposed if one.stage == load.loads), None)
    where = f"{load.file}{f':{load.line}' if load.line else ''}"
    if load.name is not None:
        instead = f'`loads: "@{alias}"`' if alias else "an alias"
        return (
            f"{where}: `{load.name}` loads `{load.loads}`: write {instead} once it loads by alias"
        )
    if alias is None:
        return f"{where} loads by stage, and no alias is known for it: load by alias there"
    command = f"reconciler migrate rewrite {quote(load.file)}"
    return f"{where} loads `{load.loads}`: `{command}` prints a patch"


def overall_steps(models: Sequence[ModelMigration]) -> tuple[str, ...]:
    """Return what comes next in a sentence for each step, with the number of its models."""
    sentences = []
    for step in STEPS:
        names = [one.model for one in models if one.step == step and not _only_lacks_alias(one)]
        if names:
            sentences.append(f"{_count(names)}: {_words(step, names)}")
    for stage in reversed(ACTIVE_STAGES):
        names = [model.model for model in models if stage in _without_alias(model)]
        if names:
            sentences.append(
                f"{_count(names)}: `{stage}` has no alias: add it to `exclusive` and to `bridge`, "
                "or declare what is in it `Archived`"
            )
    return tuple(sentences)


def _only_lacks_alias(model: ModelMigration) -> bool:
    """Return whether nothing else is to be decided, which is said once for each stage."""
    return model.step == "conflict" and not any(one.blocks for one in model.conflicts)


def _without_alias(model: ModelMigration) -> set[str]:
    return {conflict.stage for conflict in model.conflicts if conflict.kind == "no-alias"}


def _count(names: Sequence[str]) -> str:
    return f"{len(names)} model{'' if len(names) == 1 else 's'}"


def _words(step: MigrationStep, names: Sequence[str]) -> str:
    """Return the command of a step, and what it does."""
    match step:
        case "conflict":
            return "decide what is in conflict, with the command that each one names"
        case "import":
            chosen = " ".join(map(quote, names)) if len(names) <= _NAMED else "MODEL..."
            return f"`reconciler import {chosen}` declares what is in use"
        case "bridge":
            return f"`{_MIGRATE} --step bridge` gives what is in a stage its alias"
        case "apply":
            return "merge, then `reconciler apply` writes what is declared"
        case "consumers":
            return "load by alias: `reconciler migrate rewrite PATH` prints a patch"
        case "serve-by-alias":
            return f"`{_MIGRATE} --step serve-by-alias` lets the alias say what serves"
        case "drop-stages":
            return f"`{_MIGRATE} --step drop-stages` takes the stages out of the files"
        case "clear":
            return f"`{_MIGRATE} --clear`, then an apply, takes the stages out of the registry"
        case _:
            assert_never(step)
