"""The whole answer of `migrate stages`: every model, and what depends on stages. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.audit.migration.conflicts import ConflictInput, conflicts
from reconciler.audit.migration.dependencies import StageDependency
from reconciler.audit.migration.model_migration import (
    STEPS,
    MigrationConflict,
    ModelMigration,
    placement_of,
    proposed_aliases,
)
from reconciler.audit.migration.next_steps import StepsTaken, overall_steps, with_next_step
from reconciler.audit.migration.stage_loads import StageLoad, declared_by_stage
from reconciler.audit.usage.loads import Load
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.declaring.implied import as_written, complete
from reconciler.core.plan import RegistryRef
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, Live
from reconciler.ports.registry import Capabilities


@dataclass(frozen=True, slots=True)
class LiveModels:
    """The live models, and what their registry supports."""

    registry: RegistryRef
    capabilities: Capabilities
    models: Mapping[str, Live]


@dataclass(frozen=True, slots=True)
class StageReport:
    """Every model on its way from stages to aliases, the most urgent first.

    `bridge` is the one that is proposed, `declared_bridge` that of the settings. `live` is None
    where the registry was not read. `elsewhere` are loads by stage of models that are neither
    declared nor live, `unknown` places that load something which only the running program knows.
    """

    bridge: Bridge
    declared_bridge: Bridge
    live: LiveModels | None
    models: tuple[ModelMigration, ...]
    depends: tuple[StageDependency, ...]
    elsewhere: tuple[StageLoad, ...] = ()
    unknown: tuple[Load, ...] = ()

    @property
    def unfinished(self) -> tuple[ModelMigration, ...]:
        """The models that have something left to do."""
        return tuple(model for model in self.models if model.step is not None)

    @property
    def loads(self) -> tuple[StageLoad, ...]:
        """Every consumer that loads by stage."""
        return (*(load for model in self.models for load in model.loads), *self.elsewhere)

    @property
    def summary(self) -> dict[str, int]:
        """The numbers of models by what comes next, of loads by stage and of dependencies."""
        steps = [model.step for model in self.models]
        return {
            "models": len(self.models),
            "by_stage": sum(model.by_stage for model in self.models),
            "done": steps.count(None),
            **{step: steps.count(step) for step in STEPS},
            "loads": len(self.loads),
            "depends": len(self.depends),
        }

    @property
    def next(self) -> tuple[str, ...]:
        """What comes next, a sentence for each step."""
        features = self.live.capabilities if self.live else Capabilities()
        if features.aliases:
            return overall_steps(self.models)
        return (f"{features.why} has no aliases: it has to be another one before the first step",)


@dataclass(frozen=True, slots=True)
class MigrationInput:
    """All that the way of the models follows from.

    `live` is None where the registry was not read, `unread` are models that it does not show.
    `found` are the places in source code that load by stage, `refused` has the reason for each
    alias of the bridge that no server takes. `undecided` are the conflicts by model for which the
    first step would be refused.
    """

    settings: Settings
    bridge: Bridge
    declarations: Mapping[str, Declaration]
    live: Mapping[str, Live] | None
    found: Sequence[StageLoad] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    unread: Collection[str] = ()
    undecided: Mapping[str, Sequence[MigrationConflict]] = field(default_factory=dict)


def model_migrations(names: Iterable[str], inputs: MigrationInput) -> tuple[ModelMigration, ...]:
    """Return how far each of the models is, the most urgent first."""
    order: Mapping[str | None, int] = {step: at for at, step in enumerate(STEPS)}
    places: dict[str | None, list[StageLoad]] = {}
    for load in inputs.found:
        places.setdefault(load.model, []).append(load)
    models = [_model(name, inputs, places.get(name, ())) for name in names]
    return tuple(sorted(models, key=lambda m: (order.get(m.step, len(STEPS)), m.model)))


def _model(name: str, inputs: MigrationInput, found: Sequence[StageLoad]) -> ModelMigration:
    bridged = replace(inputs.settings, bridge=inputs.bridge)
    declaration = inputs.declarations.get(name)
    live = inputs.live.get(name) if inputs.live is not None else None
    placement = None
    if inputs.live is not None and name not in inputs.unread:
        placement = placement_of(bridged.ignore.without(live.fields) if live else {})
    completed = complete(declaration, bridged) if declaration else None
    proposed = proposed_aliases(inputs.bridge, completed, placement)
    question = ConflictInput(
        name, inputs.bridge, declaration, live, placement, proposed, inputs.refused
    )
    told = tuple(conflicts(question))
    if not any(conflict.blocks for conflict in told):  # what the step refuses is never unsaid
        told = (*told, *inputs.undecided.get(name, ()))
    model = ModelMigration(
        name,
        declaration.file if declaration else None,
        placement,
        placement_of(as_written(declaration).fields) if declaration else None,
        proposed,
        told,
        (*(declared_by_stage(declaration) if declaration else ()), *found),
    )
    serves_by_stage = bridged.serving.of(name, declaration).stage is not None
    return with_next_step(model, StepsTaken(inputs.settings.bridge, serves_by_stage))
