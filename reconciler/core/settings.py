"""What `reconciler.yaml` says: registry, stages, guards, policies, and who is told of applies."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import translate
from functools import lru_cache
from typing import Literal, TypeAlias

from reconciler.core.policies import Policy
from reconciler.core.state import Field, Fields, Value, aliases, stages

WebhookForm: TypeAlias = Literal["slack", "json"]


@dataclass(frozen=True, slots=True)
class RegistryPin:
    """The registry a state folder belongs to: equivalent URIs, and the name it goes by."""

    uris: tuple[str, ...]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Serving:
    """What "serving" means: a version in `stage`, or the one that `alias` names."""

    stage: str | None = "Production"
    alias: str | None = None

    def versions(self, fields: Fields) -> frozenset[int]:
        """Return the serving versions of a model in that state."""
        if self.alias is not None:
            version = aliases(fields).get(self.alias)
            return frozenset() if version is None else frozenset({version})
        return frozenset(v for v, stage in stages(fields).items() if stage == self.stage)

    def __str__(self) -> str:
        return f"@{self.alias}" if self.alias is not None else str(self.stage)


@dataclass(frozen=True, slots=True)
class Ignore:
    """Globs for what is never read, imported, compared or removed; case counts.

    `narrowed_by` narrows it: what is ignored must be ignored by that one as well.
    """

    models: tuple[str, ...] = ()
    tags: tuple[str, ...] = ("mlflow.*", "reconciler.*")
    aliases: tuple[str, ...] = ()
    narrowed_by: "Ignore | None" = None

    def model(self, name: str) -> bool:
        """Return whether a model is none of our business."""
        here = _any_of(self.models).match(name) is not None
        return here and (self.narrowed_by is None or self.narrowed_by.model(name))

    def field(self, address: Field) -> bool:
        """Return whether a tag or an alias is none of our business."""
        if address.key is None:
            return False
        globs = self.tags if address.name == "tag" else self.aliases
        here = _any_of(globs).match(address.key) is not None
        return here and (self.narrowed_by is None or self.narrowed_by.field(address))

    def without(self, fields: Fields) -> Mapping[Field, Value]:
        """Return `fields` less what is ignored."""
        return {address: value for address, value in fields.items() if not self.field(address)}


@lru_cache
def _any_of(globs: tuple[str, ...]) -> re.Pattern[str]:
    """Return one pattern for all globs: every tag of every version is held against them."""
    return re.compile("|".join(map(translate, globs)) or "(?!)")


@dataclass(frozen=True, slots=True)
class Webhook:
    """Who is told of what was applied; `variable` of the environment holds its URL, a secret."""

    form: WebhookForm
    variable: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a state folder; the defaults are those of a folder without the file.

    `fresh` lets `ci apply` write what is declared, whether a pull request showed it or not; `heal`
    lets it put back what drifted of models that nobody changed.
    """

    registry: RegistryPin | None = None
    branch: str | None = None
    exclusive: tuple[str, ...] = ("Production",)
    serving: Serving = Serving()
    guarded_aliases: tuple[str, ...] = ("champion",)
    ignore: Ignore = Ignore()
    policies: tuple[Policy, ...] = ()
    fresh: bool = False
    heal: bool = False
    notify: tuple[Webhook, ...] = ()


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """The rules that a change is held to: its own, and where they are looser those from before.

    `own` are those that it brings, `also` those from before where they are not the same: policies
    and guards are asked under both. `later` says in sentences what takes effect one merge later.
    """

    settings: Settings
    own: Settings
    base: Settings | None = None
    deferred: tuple[str, ...] = ()


def effective_settings(own: Settings, before: Settings | None) -> EffectiveSettings:
    """Return the rules for a change that may write its own: none is loosened by what it judges."""
    # Who is told loosens nothing.
    if before is None or own == replace(before, notify=own.notify):
        return EffectiveSettings(own, own)
    ignore = own.ignore
    if own.ignore != before.ignore:
        ignore = replace(own.ignore, narrowed_by=before.ignore)
    settings = replace(
        own,
        exclusive=_both(own.exclusive, before.exclusive),
        serving=before.serving,
        guarded_aliases=_both(own.guarded_aliases, before.guarded_aliases),
        ignore=ignore,
        fresh=own.fresh and before.fresh,
        heal=own.heal and before.heal,
    )
    return EffectiveSettings(settings, own, before, tuple(_deferred(own, before)))


def _deferred(own: Settings, before: Settings) -> Iterable[str]:
    for stage in before.exclusive:
        if stage not in own.exclusive:
            yield f"`exclusive` still holds {stage}"
    if own.serving != before.serving:
        yield f"`serving` is still {before.serving}, not {own.serving}"
    for alias in before.guarded_aliases:
        if alias not in own.guarded_aliases:
            yield f"`guards` still protect @{alias}"
    if own.fresh and not before.fresh:
        yield "`apply: fresh` is not in effect"
    if own.heal and not before.heal:
        yield "`heal` is not in effect"
    for kind in ("tags", "aliases"):
        more = set(getattr(own.ignore, kind)) - set(getattr(before.ignore, kind))
        for glob in sorted(more):
            yield f"`ignore` does not cover the {kind} `{glob}` yet"


def _both(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return (*one, *(item for item in other if item not in one))
