"""The step `serve-by-alias`: what serves, and what policies and guards cover, by the alias."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

from reconciler.authoring.migration.step import SERVE_BY_ALIAS, SettingsChange, StepEdits, changed
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.declaring.implied import as_written
from reconciler.core.policies import Expression, On, Policy, Soak, Transitions
from reconciler.core.settings import Settings
from reconciler.core.state import Serving
from reconciler.files.editing.settings_editor import (
    AddItem,
    AddKey,
    Cut,
    RenameKey,
    SettingsEdit,
    SettingsPath,
)
from reconciler.files.editing.yaml_nodes import scalar
from reconciler.policy.cel.references import uses

# What a condition reads of stages: another value, or another type, once an alias moves.
_OF_STAGES = ("change.from", "change.to", "change.alias", "version.stage", "incumbent.stage")


@dataclass
class _Change:
    """The settings under way: their edits, what each means, and what cannot be decided.

    `written` are the places that the file has.
    """

    after: Settings
    bridge: Bridge
    written: Collection[SettingsPath]
    edits: list[SettingsEdit] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def switch(self, place: SettingsPath) -> None:
        """Have the `stage` at a place say its alias, under the key `alias`."""
        self.edits.append(RenameKey((*place, "stage"), "alias", dict(self.bridge.pairs)))


def serving_by_alias(desired: DeclaredState, written: Collection[SettingsPath]) -> StepEdits:
    """Return the step of a folder whose settings have the bridge; `written` is in their file."""
    settings = desired.settings
    change = _Change(settings, settings.bridge, written)
    _default(change)
    _globs(change)
    pairs = []
    for declaration in desired.declarations.values():
        before = as_written(declaration)
        own = _switched(before.serving, settings.bridge)
        pairs.append((before, replace(before, serving=own)))
    changes = changed(pairs)
    _policies(change)
    _guards(change, [after.serving for _, after in pairs if after.serving is not None])
    nothing = "" if change.edits or changes else "what serves, serves by an alias"
    return StepEdits(
        SERVE_BY_ALIAS,
        "Serve by alias",
        SettingsChange(change.after, tuple(change.edits), tuple(change.sentences)),
        changes,
        notes=tuple(change.notes),
        nothing=nothing,
    )


def still_by_stage(desired: DeclaredState) -> tuple[str, ...]:
    """Return each place that says that a bridged stage serves."""
    settings, rules = desired.settings, desired.settings.serving
    places = [("`serving`", rules.default)]
    places += [(f"`serving` of `{glob}`", serving) for glob, serving in rules.globs]
    places += [
        (f"`serving` in {declaration.file}", declaration.serving)
        for declaration in desired.declarations.values()
        if declaration.serving is not None
    ]
    return tuple(p for p, serving in places if _switched(serving, settings.bridge) != serving)


def _switched(serving: Serving | None, bridge: Bridge) -> Serving | None:
    """Return what serves by the alias of its stage; None where it serves as it did."""
    alias = bridge.alias_of(serving.stage) if serving is not None and not serving.alias else None
    return serving if alias is None else Serving(None, alias)


def _default(change: _Change) -> None:
    rules = change.after.serving
    now = _switched(rules.default, change.bridge)
    if now is None or now == rules.default:
        return
    change.after = replace(change.after, serving=replace(rules, default=now))
    if ("serving", "stage") in change.written:
        change.switch(("serving",))
    elif ("serving",) in change.written:
        change.edits.append(AddKey(("serving",), "alias", _text(now)))
    else:
        change.edits.append(AddKey((), "serving", f"{{alias: {_text(now)}}}"))
    change.sentences.append(f"serving is {now}, not {rules.default}")


def _globs(change: _Change) -> None:
    rules = change.after.serving
    globs = []
    for glob, serving in rules.globs:
        now = _switched(serving, change.bridge) or serving
        globs.append((glob, now))
        if now != serving:
            change.switch(("serving", "models", glob))
            change.sentences.append(f"serving for `{glob}` is {now}, not {serving}")
    change.after = replace(change.after, serving=replace(rules, globs=tuple(globs)))


def _guards(change: _Change, own: Collection[Serving]) -> None:
    """Guard each alias that serves."""
    rules = change.after.serving
    serving = (rules.default, *(serving for _, serving in rules.globs), *own)
    guarded = change.after.guarded_aliases
    bridged = [alias for _, alias in change.bridge.pairs]
    new = [
        alias
        for alias in dict.fromkeys(one.alias for one in serving)
        if alias in bridged and alias not in guarded
    ]
    if not new:
        return
    change.after = replace(change.after, guarded_aliases=(*guarded, *new))
    change.sentences += [f"the guards protect @{alias}" for alias in new]
    listed = ", ".join(scalar(alias, flow=True) for alias in (*guarded, *new))
    if ("guards", "aliases") in change.written:
        change.edits += [AddItem(("guards", "aliases"), alias) for alias in new]
    elif ("guards",) in change.written:
        change.edits.append(AddKey(("guards",), "aliases", f"[{listed}]"))
    else:
        change.edits.append(AddKey((), "guards", f"{{aliases: [{listed}]}}"))


def _policies(change: _Change) -> None:
    policies = []
    for index, policy in enumerate(change.after.policies):
        why = next(_undecided(policy, change.bridge), None)
        if why is not None:
            change.notes.append(f"policy `{policy.name}` is left as it is: {why}")
        now = policy if why is not None else _covering(change, index, policy)
        policies.append(now)
    change.after = replace(change.after, policies=tuple(policies))


def _covering(change: _Change, index: int, policy: Policy) -> Policy:
    """Return a policy that covers the aliases of the stages that it covered."""
    on = policy.on
    if not on.stages:
        return policy
    place: SettingsPath = ("policies", index, "on")
    taken = tuple(change.bridge.alias_of(stage) or "" for stage in on.stages)
    if on.aliases:
        change.edits.append(Cut((*place, "stage")))
    else:
        change.switch(place)
    aliases = on.aliases or taken
    named = " and ".join(f"@{alias}" for alias in aliases)
    change.sentences.append(f"policy `{policy.name}` covers {named}, not {' and '.join(on.stages)}")
    return replace(policy, on=On((), aliases, on.models))


def _undecided(policy: Policy, bridge: Bridge) -> Iterator[str]:
    """Yield why a policy means something else, or nothing, without stages."""
    on, requires = policy.on, policy.requires
    taken = {bridge.alias_of(stage) for stage in on.stages}
    if isinstance(requires, Transitions):
        yield "`transitions` orders stages; remove it, or order the aliases by a condition"
    if isinstance(requires, Soak):
        yield "`soak` counts the time in a stage; remove it, or require an age by a condition"
    if isinstance(requires, Expression):
        read = [path for path in _OF_STAGES if uses(requires.source, path)]
        if read:
            listed = " and ".join(f"`{path}`" for path in read)
            yield f"its condition reads {listed}; write it for the alias"
    if None in taken:
        yield f"it covers {' and '.join(on.stages)}, and not each of them is bridged"
    if on.aliases and not taken <= set(on.aliases):
        yield "it covers a stage and other aliases; take the stage out, and add its alias"


def _text(serving: Serving) -> str:
    return scalar(serving.alias or "", flow=True)
