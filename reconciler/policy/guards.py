"""Guards: the rules of the core; the whole plan is judged before the first write."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Final

from reconciler.core.changes import Change
from reconciler.core.diff import applied
from reconciler.core.settings import Serving
from reconciler.core.state import Declaration, Field, Fields, aliases
from reconciler.core.violations import Consent, Violation, with_consent

EMPTY_SERVING: Final = "empty-serving"
REMOVALS: Final = "removals"
OFF_MAIN: Final = "off-main"
DIRTY: Final = "dirty"
WRONG_REGISTRY: Final = "wrong-registry"
GUARDS: Final = (EMPTY_SERVING, REMOVALS, OFF_MAIN, WRONG_REGISTRY)
OF_A_RUN: Final = (REMOVALS, OFF_MAIN, DIRTY, WRONG_REGISTRY)

_SEVERAL: Final = 2  # of one missing model its own complaint says enough
_REMOVALS_COUNT: Final = 10
_REMOVALS_SHARE: Final = 0.3


@dataclass(frozen=True, slots=True)
class GuardInput:
    """What the guards look at for one model; `declared` counts its aliases and tags in git.

    `servings` are the meanings of "serving" that it is held to: two while a change of it is new.
    """

    declaration: Declaration
    live: Fields
    changes: Sequence[Change]
    declared: int
    guarded_aliases: tuple[str, ...]
    servings: tuple[Serving, ...]


def check_guards(models: Collection[GuardInput]) -> tuple[Violation, ...]:
    """Return every violation of the core's guards."""
    found = [*_removals(models)]
    for model in models:
        if not model.declaration.retired:
            found += _empty_serving(model)
    return tuple(found)


def check_registry(
    asked: Collection[str], found: Collection[str], uri: str
) -> tuple[Violation, ...]:
    """Return the violation of a registry that has none of several declared models."""
    if len(asked) < _SEVERAL or set(asked) & set(found):
        return ()
    what = f"it has {len(found)} others" if found else "it shows no model at all"
    message = f"none of the {len(asked)} declared models is in {uri}; {what}"
    hint = "is it the right registry, and may these credentials read it?"
    return (Violation(WRONG_REGISTRY, None, message, hint),)


def checkout_violations(
    dirty: Sequence[str], off_main: str | None, consents: Collection[Consent]
) -> tuple[Violation, ...]:
    """Return why this checkout must not be applied: uncommitted files, or not on the main line.

    `off_main` is the sentence that says so, None when the main line contains the commit.
    """
    found = []
    if dirty:
        files = ", ".join(dirty[:3]) + (f" and {len(dirty) - 3} more" if dirty[3:] else "")
        hint = "commit them: what is applied must be what git has"
        found.append(Violation(DIRTY, None, f"not committed: {files}", hint))
    if off_main is not None:
        hint = f"merge it first, or `apply --accept {OFF_MAIN}`"
        found.append(Violation(OFF_MAIN, None, off_main, hint))
    return tuple(with_consent(violation, consents) for violation in found)


def _empty_serving(model: GuardInput) -> Iterable[Violation]:
    name = model.declaration.model
    after = applied(model.live, model.changes)
    hint = (
        f"declare the version that serves from now on, or `retired: true` when none does, or "
        f"`apply --accept {quote(f'{EMPTY_SERVING}={name}')}`"
    )
    for meant in model.servings:
        serving = meant.versions(model.live)
        if serving and not meant.versions(after):
            which = ", ".join(f"v{version}" for version in sorted(serving))
            message = f"no version would be serving ({meant}) any more; {which} is now"
            yield Violation(EMPTY_SERVING, name, message, hint)
    gone = set(aliases(model.live)) - set(aliases(after)) - {one.alias for one in model.servings}
    for alias in sorted(gone & set(model.guarded_aliases)):
        version = model.live[Field("alias", None, alias)]
        message = f"@{alias} would name no version any more; it names v{version} now"
        yield Violation(EMPTY_SERVING, name, message, hint)


def _removals(models: Collection[GuardInput]) -> Iterable[Violation]:
    removed: Mapping[str, int] = {
        model.declaration.model: sum(change.action == "remove" for change in model.changes)
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
            f"is a file or a folder missing from the checkout? if it is meant: "
            f"`apply --accept {REMOVALS}`",
        )
