"""The step `drop-stages`: takes the stages out of the files; and `clear`: out of the registry."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from reconciler.authoring.migration.step import (
    CLEAR,
    DROP_STAGES,
    SettingsChange,
    StepEdits,
    changed,
)
from reconciler.core.declaring.bridge import NO_BRIDGE, Bridge
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.declaring.implied import as_written
from reconciler.core.settings import Settings
from reconciler.core.state import (
    ACTIVE_STAGES,
    Declaration,
    DeclaredVersion,
    Field,
    Live,
    Value,
    aliases,
    stages,
)
from reconciler.files.editing.settings_editor import Cut, SettingsEdit, SettingsPath
from reconciler.render import phrases


def dropping_stages(desired: DeclaredState, written: Collection[SettingsPath]) -> StepEdits:
    """Return the step; `written` are the places that the settings' file has."""
    bridge = desired.settings.bridge
    before = [as_written(declaration) for declaration in desired.declarations.values()]
    changes = changed([(one, _by_alias(one, bridge)) for one in before])
    settings = _settings(desired.settings, written)
    nothing = "" if settings.edits or changes else "no file declares a stage"
    return StepEdits(
        DROP_STAGES,
        "Declare aliases alone",
        settings,
        changes,
        notes=tuple(_left([after for _, after in changes])),
        nothing=nothing,
    )


def declares_stage(declaration: Declaration) -> bool:
    """Return whether a file puts a version into a stage that is in use."""
    return any(stage in ACTIVE_STAGES for stage in stages(as_written(declaration).fields).values())


def clearing(desired: DeclaredState, live: Mapping[str, Live]) -> StepEdits:
    """Return the step that declares `stage: None` for each version that has a stage."""
    pairs = []
    for name, declaration in desired.declarations.items():
        before = as_written(declaration)
        if name in live:
            pairs.append((before, _cleared(before, live[name])))
    changes = changed(pairs)
    return StepEdits(
        CLEAR,
        "Clear the stages in the registry",
        SettingsChange(desired.settings),
        changes,
        nothing="" if changes else "no version of a declared model has a stage in the registry",
    )


def _by_alias(declaration: Declaration, bridge: Bridge) -> Declaration:
    """Return what a file declares without stages: a bridged one becomes its alias."""
    fields: dict[Field, Value] = dict(declaration.fields)
    for version, stage in stages(declaration.fields).items():
        alias = bridge.alias_of(stage)
        if alias is None and stage != "Archived":
            continue
        del fields[Field("stage", version)]
        if alias is not None and alias not in aliases(fields):
            fields[Field("alias", None, alias)] = version
    return replace(declaration, fields=fields)


def _cleared(declaration: Declaration, live: Live) -> Declaration:
    held = [*stages(declaration.fields).items(), *stages(live.fields).items()]
    found = [v for v, stage in held if v in live.versions and stage != "None"]
    cleared: dict[Field, Value] = {Field("stage", version): "None" for version in found}
    versions = {**dict.fromkeys(found, DeclaredVersion()), **declaration.versions}
    return replace(declaration, fields={**declaration.fields, **cleared}, versions=versions)


def _settings(settings: Settings, written: Collection[SettingsPath]) -> SettingsChange:
    """Return the settings without the bridge, and without what then means nothing."""
    if not settings.bridge:
        return SettingsChange(settings)
    edits: list[SettingsEdit] = [Cut(("bridge",))]
    bridged = [stage for stage, _ in settings.bridge.pairs]
    left = tuple(stage for stage in settings.exclusive if stage not in bridged)
    after = replace(settings, bridge=NO_BRIDGE)
    if ("exclusive",) in written and left:
        after = replace(after, exclusive=left)
        # Each cut is at a position of the text as it is.
        edits += [
            Cut(("exclusive", index))
            for index, stage in enumerate(settings.exclusive)
            if stage in bridged
        ]
    elif ("exclusive",) in written:
        after = replace(after, exclusive=Settings().exclusive)
        edits.append(Cut(("exclusive",)))
    return SettingsChange(after, tuple(edits), ("stages and aliases are no longer one",))


def _left(after: Collection[Declaration]) -> Iterator[str]:
    """Yield what a file still declares of a stage that no bridge has."""
    staged = [declaration.model for declaration in after if declares_stage(declaration)]
    if staged:
        yield (
            f"{phrases.some([f'`{name}`' for name in staged], 3)} still declares a stage that is "
            "not bridged: bridge it first, or take it out by hand"
        )
