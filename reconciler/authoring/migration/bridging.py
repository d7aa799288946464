"""The step `bridge`: the setting, and in each file the words that are live and not declared."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from shlex import quote

from reconciler.audit.migration.model_migration import MigrationConflict
from reconciler.authoring.migration.live_words import WordConflict, with_live_words
from reconciler.authoring.migration.step import BRIDGE, SettingsChange, StepEdits, changed
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.declaring.implied import as_written
from reconciler.core.matching import nearest
from reconciler.core.settings import Settings
from reconciler.core.state import ACTIVE_STAGES, Live
from reconciler.errors import UsageError
from reconciler.files.editing.settings_editor import AddKey, SettingsEdit
from reconciler.files.editing.yaml_nodes import scalar
from reconciler.files.schema import name_rules

_USUAL = (("Production", "champion"), ("Staging", "challenger"))


def bridge_of(settings: Settings, asked: Mapping[str, str]) -> Bridge:
    """Return the bridge that is to be: that of the settings, with what is asked for besides.

    Without either it is the usual one, of the stages that are exclusive. Raises `UsageError` for a
    stage that cannot be bridged, or is bridged to another alias.
    """
    pairs = dict(settings.bridge.pairs)
    if not (pairs or asked):
        pairs = {stage: alias for stage, alias in _USUAL if stage in settings.exclusive}
    for stage, alias in asked.items():
        option = f"`--bridge {stage}={alias}`"
        if stage not in ACTIVE_STAGES:
            hint = nearest(stage, ACTIVE_STAGES) or "there are `Production` and `Staging`"
            raise UsageError(f"{option}: `{stage}` cannot be bridged", hint=hint)
        if stage not in settings.exclusive:
            listed = ", ".join(dict.fromkeys((*settings.exclusive, stage)))
            hint = f"write `exclusive: [{listed}]` into reconciler.yaml first, if it holds one"
            raise UsageError(f"{option}: `{stage}` is not exclusive", hint=hint)
        if (broken := name_rules.alias(alias)) is not None:
            raise UsageError(f"{option}: {broken.rule}", hint=broken.hint)
        if (other := Bridge(tuple(pairs.items())).stage_of(alias)) not in (None, stage):
            raise UsageError(f"{option}: @{alias} is that of `{other}`", hint="name another alias")
        if pairs.setdefault(stage, alias) != alias:
            hint = "readers of the one would lose it: leave `--bridge` out"
            raise UsageError(f"{option}: `{stage}` is bridged to @{pairs[stage]}", hint=hint)
    return Bridge(tuple(pairs.items()))


def bridging(
    desired: DeclaredState,
    live: Mapping[str, Live],
    bridge: Bridge,
    keep: Mapping[str, Collection[int]],
) -> StepEdits:
    """Return the step; every conflict is among its refusals.

    Raises `UsageError` for a decision on what is not in conflict.
    """
    for name in keep:
        if name not in desired.declarations:
            hint = nearest(name, desired.declarations)
            raise UsageError(f"`--keep {name}=…`: the model is not declared", hint=hint)
    pairs, conflicts = [], list[WordConflict]()
    for name, declaration in desired.declarations.items():
        before = as_written(declaration)
        if (model := live.get(name)) is None:
            _refuse_unused(name, tuple(keep.get(name, ())))
            continue
        ignore = desired.settings.ignore
        after, left, unused = with_live_words(before, model, bridge, keep.get(name, ()), ignore)
        if not left:
            _refuse_unused(name, unused)
        pairs.append((before, after))
        conflicts += left
    settings = _settings(desired.settings, bridge)
    changes = changed(pairs)
    nothing = f"`bridge: {bridge}` is in the settings, and every file agrees with it"
    return StepEdits(
        BRIDGE,
        f"Bridge {_named(bridge)}",
        settings,
        changes,
        refusals=tuple(conflict.problem() for conflict in conflicts),
        nothing="" if settings.edits or changes else nothing,
    )


def undecided(
    desired: DeclaredState, live: Mapping[str, Live], bridge: Bridge
) -> dict[str, tuple[MigrationConflict, ...]]:
    """Return the conflicts by model for which the step is refused; none once it was taken."""
    if desired.settings.bridge == bridge:
        return {}
    return {
        name: tuple(
            MigrationConflict("alias-elsewhere", one.stage, one.why, one.problem().hint or "")
            for one in with_live_words(
                as_written(declared), live[name], bridge, (), desired.settings.ignore
            )[1]
        )
        for name, declared in desired.declarations.items()
        if name in live
    }


def _refuse_unused(model: str, unused: Collection[int]) -> None:
    for version in unused:
        option = f"--keep {quote(model)}={version}"
        raise UsageError(
            f"`{option}` decides nothing: no conflict needs v{version}",
            hint="leave it out; without `--keep` the step lists what there is to decide",
        )


def _settings(settings: Settings, bridge: Bridge) -> SettingsChange:
    """Return the settings with the bridge, and what adds the pairs that they lack."""
    if settings.bridge == bridge:
        return SettingsChange(settings)
    edits: list[SettingsEdit] = []
    new = [pair for pair in bridge.pairs if pair not in settings.bridge.pairs]
    if settings.bridge:
        edits += [AddKey(("bridge",), stage, scalar(alias, flow=True)) for stage, alias in new]
    else:
        inside = ", ".join(f"{stage}: {scalar(alias, flow=True)}" for stage, alias in new)
        edits.append(AddKey((), "bridge", f"{{{inside}}}"))
    after = replace(settings, bridge=bridge)
    sentences = tuple(f"{stage} and @{alias} are one from here on" for stage, alias in new)
    return SettingsChange(after, tuple(edits), sentences)


def _named(bridge: Bridge) -> str:
    return ", ".join(f"{stage} and @{alias}" for stage, alias in bridge.pairs)
