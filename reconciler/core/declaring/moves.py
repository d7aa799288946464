"""Moves of versions between stages and aliases: with a bridge, a stage and its alias move as one.

They change the fields of a complete declaration, or of a live model: both words are in them.
"""

from reconciler.core.settings import Settings
from reconciler.core.state import Field, Value, stages


def take_stage(fields: dict[Field, Value], version: int, stage: str, settings: Settings) -> None:
    """Put a version into a stage; who else is declared in an exclusive one goes to Archived."""
    if stage in settings.exclusive:
        for holder, held in stages(fields).items():
            if held == stage:
                fields[Field("stage", holder)] = "Archived"
    enter_stage(fields, version, stage, settings)


def enter_stage(fields: dict[Field, Value], version: int, stage: str, settings: Settings) -> None:
    """Put a version into a stage with its alias, without the alias of a stage that it leaves."""
    fields[Field("stage", version)] = stage
    for bridged, alias in settings.bridge.pairs:
        address = Field("alias", None, alias)
        if bridged == stage:
            fields[address] = version
        elif fields.get(address) == version:
            del fields[address]


def take_alias(fields: dict[Field, Value], version: int, alias: str, settings: Settings) -> None:
    """Move an alias to a version, which takes the alias's stage, too."""
    stage = settings.bridge.stage_of(alias)
    if stage is None:
        fields[Field("alias", None, alias)] = version
    else:
        take_stage(fields, version, stage, settings)


def drop_alias(fields: dict[Field, Value], alias: str, settings: Settings) -> None:
    """Take an alias away; the version that has it leaves the alias's stage for Archived."""
    version = int(fields.pop(Field("alias", None, alias)))
    stage = settings.bridge.stage_of(alias)
    if stage is not None and fields.get(Field("stage", version)) == stage:
        fields[Field("stage", version)] = "Archived"
