"""How far one model is on its way from stages to aliases. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from reconciler.audit.migration.stage_loads import StageLoad
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.state import (
    ACTIVE_STAGES,
    Declaration,
    Fields,
    aliases,
    occupants,
    stages,
)

ConflictKind: TypeAlias = Literal[
    "several-holders",
    "alias-elsewhere",
    "contradiction",
    "alias-refused",
    "alias-case",
    "not-ready",
    "missing-model",
    "missing-version",
    "blocked",
    "retired",
    "no-alias",
]
# The most urgent first.
MigrationStep: TypeAlias = Literal[
    "conflict", "import", "bridge", "apply", "consumers", "serve-by-alias", "drop-stages", "clear"
]
STEPS: Final[tuple[MigrationStep, ...]] = (
    *("conflict", "import", "bridge", "apply"),
    *("consumers", "serve-by-alias", "drop-stages", "clear"),
)


@dataclass(frozen=True, slots=True)
class MigrationConflict:
    """What keeps a stage from becoming an alias, and what to do about it."""

    kind: ConflictKind
    stage: str
    message: str
    remedy: str

    @property
    def blocks(self) -> bool:
        """Whether it has to be decided before the bridge; the others are only said."""
        return self.kind not in ("no-alias", "alias-case")


@dataclass(frozen=True, slots=True)
class ProposedAlias:
    """The alias that a stage becomes; `version` is None where it is not decided which has it."""

    stage: str
    alias: str
    version: int | None


@dataclass(frozen=True, slots=True)
class Placement:
    """The versions in each stage but None, and the version of each alias."""

    stages: Mapping[str, tuple[int, ...]]
    aliases: Mapping[str, int]

    @property
    def active(self) -> Mapping[str, tuple[int, ...]]:
        """The versions in each active stage that holds any."""
        return {stage: held for stage, held in self.stages.items() if stage in ACTIVE_STAGES}


@dataclass(frozen=True, slots=True)
class ModelMigration:
    """A model between stages and aliases.

    `live` is None where the registry was not read, `declared` where no file declares the model;
    what a bridge or another setting implies is not in `declared`. `step` is what comes next, None
    where no stage is left. `todo` says it in sentences.
    """

    model: str
    file: str | None
    live: Placement | None
    declared: Placement | None
    proposed: tuple[ProposedAlias, ...] = ()
    conflicts: tuple[MigrationConflict, ...] = ()
    loads: tuple[StageLoad, ...] = ()
    step: MigrationStep | None = None
    todo: tuple[str, ...] = field(default=())

    @property
    def by_stage(self) -> bool:
        """Whether a version is in an active stage, live or declared, or is loaded by stage."""
        placements = [placement for placement in (self.live, self.declared) if placement]
        return bool(self.loads) or any(placement.active for placement in placements)


def placement_of(fields: Fields) -> Placement:
    """Return what fields say of stages and aliases."""
    held = occupants(fields, ("Production", "Staging", "Archived"))
    return Placement(
        {stage: versions for stage, versions in held.items() if versions},
        dict(sorted(aliases(fields).items())),
    )


def proposed_aliases(
    bridge: Bridge, declared: Declaration | None, live: Placement | None
) -> tuple[ProposedAlias, ...]:
    """Return the alias of each bridged stage that a version has, declared or live.

    `declared` is completed with the bridge: where it names a version, that has the alias.
    """
    fields = declared.fields if declared else {}
    named, held = aliases(fields), occupants(fields, [stage for stage, _ in bridge.pairs])
    where = stages(fields)
    found = []
    for stage, alias in bridge.pairs:
        holders = live.stages.get(stage, ()) if live else ()
        if held[stage] or alias in named:
            version = named.get(alias)
            in_no_stage = not held[stage] and where.get(version or 0, "None") == "None"
            agreed = version in held[stage] or in_no_stage
            found.append(ProposedAlias(stage, alias, version if agreed else None))
        elif holders:
            found.append(ProposedAlias(stage, alias, holders[0] if len(holders) == 1 else None))
    return tuple(found)


def listed(versions: Sequence[int]) -> str:
    """Return versions as `v3 and v4`."""
    names = [f"v{version}" for version in versions]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
