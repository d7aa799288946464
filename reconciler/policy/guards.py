"""Guards: built-in limits that the whole plan must keep before its first write."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Final

from reconciler.core.changes import Change
from reconciler.core.diff import applied
from reconciler.core.state import (
    Consumer,
    Declaration,
    Field,
    Fields,
    Serving,
    aliases,
)
from reconciler.core.violations import Consent, Violation, with_consent
from reconciler.policy.consumer_guard import PINNED_CONSUMER, check_consumers

EMPTY_SERVING: Final = "empty-serving"
REMOVALS: Final = "removals"
OFF_MAIN: Final = "off-main"
DIRTY: Final = "dirty"
WRONG_REGISTRY: Final = "wrong-registry"
GUARDS: Final = (EMPTY_SERVING, PINNED_CONSUMER, REMOVALS, OFF_MAIN, WRONG_REGISTRY)
OF_A_RUN: Final = (REMOVALS, OFF_MAIN, DIRTY, WRONG_REGISTRY)

_SEVERAL: Final = 2  # a single missing model has a problem of its own
_REMOVALS_COUNT: Final = 10
_REMOVALS_SHARE: Final = 0.3


@dataclass(frozen=True, slots=True)
class GuardInput:
    """What the guards check of one model; `declared` counts its aliases and tags in git.

    `servings` are what "serving" means for the model: two while a change to that is new. `bridged`
    are pairs of a stage and an alias that are one: what serves by one of them serves by both.
    `consumers_before` are the consumers before this change.
    """

    declaration: Declaration
    live: Fields
    changes: Sequence[Change]
    declared: int
    guarded_aliases: tuple[str, ...]
    servings: tuple[Serving, ...]
    bridged: tuple[tuple[str, str], ...] = ()
    consumers_before: tuple[Consumer, ...] = ()

    def other_words(self, serving: Serving) -> tuple[str, ...]:
        """Return the aliases that are one with a stage that serves."""
        return tuple(alias for stage, alias in self.bridged if stage == serving.stage)


def check_guards(models: Collection[GuardInput]) -> tuple[Violation, ...]:
    """Return the violations of the guards that judge what a plan does to models."""
    violations = [*_removals(models)]
    for model in models:
        if not model.declaration.retired:
            violations += _empty_serving(model)
        # Who loads a retired model still loads it.
        violations += check_consumers(
            model.declaration, model.live, model.changes, model.consumers_before
        )
    return tuple(violations)


def check_registry(
    declared: Collection[str], live: Collection[str], uri: str
) -> tuple[Violation, ...]:
    """Return a `wrong-registry` violation when several models are declared and none is live."""
    if len(declared) < _SEVERAL or set(declared) & set(live):
        return ()
    content = f"it has {len(live)} others" if live else "it lists no models"
    message = f"none of the {len(declared)} declared models is in {uri}; {content}"
    hint = "check that this is the right registry, and that these credentials may read it"
    return (Violation(WRONG_REGISTRY, None, message, hint),)


def checkout_violations(
    dirty: Sequence[str], off_main: str | None, consents: Collection[Consent]
) -> tuple[Violation, ...]:
    """Return the violations of a checkout with `dirty` files, or off the main line.

    `off_main` is the message for the latter; None when the main line contains the commit.
    """
    violations = []
    if dirty:
        files = ", ".join(dirty[:3]) + (f" and {len(dirty) - 3} more" if dirty[3:] else "")
        hint = "commit them: only committed files are applied"
        violations.append(Violation(DIRTY, None, f"not committed: {files}", hint))
    if off_main is not None:
        hint = f"merge it first, or `apply --accept {OFF_MAIN}`"
        violations.append(Violation(OFF_MAIN, None, off_main, hint))
    return tuple(with_consent(violation, consents) for violation in violations)


def _empty_serving(model: GuardInput) -> Iterable[Violation]:
    name = model.declaration.model
    after = applied(model.live, model.changes)
    hint = (
        f"declare the version that serves next, or `retired: true` when none does, or "
        f"`apply --accept {quote(f'{EMPTY_SERVING}={name}')}`"
    )
    removed = set(aliases(model.live)) - set(aliases(after))
    said: set[str | None] = set()
    # A stage first: its message names the alias that is one with it.
    for serving in sorted(model.servings, key=lambda serving: serving.alias or ""):
        others = model.other_words(serving)
        versions = serving.versions(model.live)
        if versions and not serving.versions(after) and serving.alias not in said:
            which = ", ".join(f"v{version}" for version in sorted(versions))
            names = ", ".join(
                [str(serving), *(f"@{alias}" for alias in others if alias in removed)]
            )
            message = f"no version would be serving ({names}); now it is {which}"
            said |= {*others}
            yield Violation(EMPTY_SERVING, name, message, hint)
    one_with_a_stage = {alias for serving in model.servings for alias in model.other_words(serving)}
    said |= {serving.alias for serving in model.servings}
    for alias in sorted((removed & {*model.guarded_aliases, *one_with_a_stage}) - said):
        version = model.live[Field("alias", None, alias)]
        message = f"@{alias} would be removed; it names v{version} now"
        yield Violation(EMPTY_SERVING, name, message, hint)


def _removals(models: Collection[GuardInput]) -> Iterable[Violation]:
    removed: Mapping[str, int] = {
        model.declaration.model: sum(_is_removal(change, model) for change in model.changes)
        for model in models
    }
    total, declared = sum(removed.values()), sum(model.declared for model in models)
    if total > _REMOVALS_COUNT and total > _REMOVALS_SHARE * declared:
        count = sum(1 for number in removed.values() if number)
        yield Violation(
            REMOVALS,
            None,
            f"{total} of {declared} declared aliases and tags would be removed, on {count} "
            f"model{'s' if count != 1 else ''}; more than {_REMOVALS_COUNT} and more than "
            f"{_REMOVALS_SHARE:.0%} in one run",
            f"check that no file or folder is missing from the checkout; if it is intended: "
            f"`apply --accept {REMOVALS}`",
        )


def _is_removal(change: Change, model: GuardInput) -> bool:
    """Return whether a change takes away what is not declared, and not with a declared stage."""
    stage = next((s for s, alias in model.bridged if alias == change.field.key), None)
    if change.action != "remove" or change.field.name != "alias" or stage is None:
        return change.action == "remove"
    declared = model.declaration.fields.get(Field("stage", int(change.before or 0)))
    return declared in (None, stage)
