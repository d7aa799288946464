"""The settings in `reconciler.yaml`: registry, stages, guards, policies and webhooks."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase, translate
from functools import lru_cache
from typing import Final, Literal, TypeAlias, TypeVar

from reconciler.core.declaring.bridge import NO_BRIDGE, Bridge
from reconciler.core.declaring.semantic_versions import is_major_alias
from reconciler.core.declaring.watch import WatchRule
from reconciler.core.policies import Policy
from reconciler.core.state import Declaration, Field, Fields, Serving, Value

WebhookForm: TypeAlias = Literal["slack", "json"]
VerifyAt: TypeAlias = Literal["plan", "apply"]
Each = TypeVar("Each", bound=str)


@dataclass(frozen=True, slots=True)
class RegistryPin:
    """The registry a state folder belongs to: equivalent URIs, its name, and its workspace."""

    uris: tuple[str, ...]
    name: str | None = None
    workspace: str | None = None


_BY_STAGE: Final = Serving()


@dataclass(frozen=True, slots=True)
class ServingRules:
    """What "serving" means in a state folder: for the models of a glob, and for all others.

    `of` is the only question to ask: what one model's file says comes first.
    """

    default: Serving = _BY_STAGE
    globs: tuple[tuple[str, Serving], ...] = ()

    def of(self, model: str, declaration: Declaration | None) -> Serving:
        """Return what serving means for a model; `declaration` is None where git has none.

        The model's own word comes first, then the first glob that matches, then the default.
        """
        if declaration is not None and declaration.serving is not None:
            return declaration.serving
        matching = (s for glob, s in self.globs if glob == model or fnmatchcase(model, glob))
        return next(matching, self.default)

    def __str__(self) -> str:
        globs = (f"{serving} for `{glob}`" for glob, serving in self.globs)
        return ", ".join((str(self.default), *globs))


@dataclass(frozen=True, slots=True)
class Ignore:
    """Globs for what is never read, imported, compared or removed; case-sensitive.

    With `narrowed_by`, only what both ignore is ignored.
    """

    models: tuple[str, ...] = ()
    tags: tuple[str, ...] = ("mlflow.*", "reconciler.*")
    aliases: tuple[str, ...] = ()
    narrowed_by: "Ignore | None" = None

    def model(self, name: str) -> bool:
        """Return whether a model is ignored."""
        matches = _any_of(self.models).match(name) is not None
        return matches and (self.narrowed_by is None or self.narrowed_by.model(name))

    def field(self, address: Field) -> bool:
        """Return whether a tag or an alias is ignored."""
        if address.key is None:
            return False
        globs = self.tags if address.name == "tag" else self.aliases
        matches = _any_of(globs).match(address.key) is not None
        return matches and (self.narrowed_by is None or self.narrowed_by.field(address))

    def without(self, fields: Fields) -> Mapping[Field, Value]:
        """Return `fields` without those that are ignored."""
        return {address: value for address, value in fields.items() if not self.field(address)}


@lru_cache
def _any_of(globs: tuple[str, ...]) -> re.Pattern[str]:
    """Return one pattern for all globs, because every tag of every version is matched."""
    return re.compile("|".join(map(translate, globs)) or "(?!)")


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook that reports applies; the environment variable `variable` holds its secret URL."""

    form: WebhookForm
    variable: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a state folder; the defaults hold for a folder without the file.

    `fresh` lets `ci apply` write declared changes that no pull request showed; `heal` lets it
    revert drift of models that the merge did not change. `verify` are the steps that read the bytes
    of the versions with a digest. With `aliases_from_semver` the alias `major-2` names the newest
    2.x that was promoted. `watch` are the rules that hold for models of globs.
    """

    registry: RegistryPin | None = None
    branch: str | None = None
    exclusive: tuple[str, ...] = ("Production",)
    serving: ServingRules = ServingRules()
    guarded_aliases: tuple[str, ...] = ("champion",)
    ignore: Ignore = Ignore()
    policies: tuple[Policy, ...] = ()
    fresh: bool = False
    heal: bool = False
    notify: tuple[Webhook, ...] = ()
    verify: tuple[VerifyAt, ...] = ("plan", "apply")
    bridge: Bridge = NO_BRIDGE
    aliases_from_semver: bool = False
    watch: tuple[WatchRule, ...] = ()

    def guards(self, alias: str) -> bool:
        """Return whether the removal of an alias asks for consent."""
        by_semver = self.aliases_from_semver and is_major_alias(alias)
        return by_semver or alias in self.guarded_aliases


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """The settings that apply to a change: for each setting, the stricter of its own and the base.

    `own` are the settings in the change, `base` those before it where they differ: policies and
    guards are checked under both. `deferred` has a sentence for each setting that takes
    effect one merge later.
    """

    settings: Settings
    own: Settings
    base: Settings | None = None
    deferred: tuple[str, ...] = ()

    @property
    def bridged(self) -> tuple[tuple[str, str], ...]:
        """The pairs of a stage and an alias that are one by the settings now or before."""
        before = self.base.bridge.pairs if self.base else ()
        return tuple(dict.fromkeys((*self.own.bridge.pairs, *before)))

    def servings(
        self, model: str, own: Declaration | None, before: Iterable[Declaration | None]
    ) -> tuple[Serving, ...]:
        """Return what serving means for a model, once each: before the change, and in it, last."""
        rules = self.settings.serving
        past = (rules.of(was.model if was else model, was) for was in before)
        now = self.own.serving.of(model, own)
        return (*dict.fromkeys(serving for serving in past if serving != now), now)


def of_plans(settings: Settings) -> Settings:
    """Return settings without those that no plan depends on: who is told, and what is watched."""
    return replace(settings, notify=(), watch=())


def effective_settings(own: Settings, base: Settings | None) -> EffectiveSettings:
    """Return the settings for a change: it cannot loosen the settings that it is judged by."""
    if base is None or of_plans(own) == of_plans(base):
        return EffectiveSettings(own, own)
    ignore = own.ignore
    if own.ignore != base.ignore:
        ignore = replace(own.ignore, narrowed_by=base.ignore)
    settings = replace(
        own,
        exclusive=_both(own.exclusive, base.exclusive),
        serving=base.serving,
        guarded_aliases=_both(own.guarded_aliases, base.guarded_aliases),
        ignore=ignore,
        fresh=own.fresh and base.fresh,
        heal=own.heal and base.heal,
        verify=_both(own.verify, base.verify),
        aliases_from_semver=own.aliases_from_semver or base.aliases_from_semver,
    )
    return EffectiveSettings(settings, own, base, tuple(_deferred(own, base)))


_STILL: Final = {
    "exclusive": "`exclusive` still holds {}",
    "guarded_aliases": "`guards` still protect @{}",
    "verify": "`digests: verify` still reads the bytes in `{}`",
}


def _deferred(own: Settings, base: Settings) -> Iterable[str]:
    for setting, sentence in _STILL.items():
        for item in getattr(base, setting):
            if item not in getattr(own, setting):
                yield sentence.format(item)
    if own.serving != base.serving:
        yield f"`serving` is still {base.serving}, not {own.serving}"
    yield from _still_one(own, base)
    if own.fresh and not base.fresh:
        yield "`apply: fresh` is not in effect"
    if own.heal and not base.heal:
        yield "`heal` is not in effect"
    if base.aliases_from_semver and not own.aliases_from_semver:
        yield "`aliases_from_semver` still protects aliases like @major-2"
    for kind in ("tags", "aliases"):
        more = set(getattr(own.ignore, kind)) - set(getattr(base.ignore, kind))
        for glob in sorted(more):
            yield f"`ignore` does not cover the {kind} `{glob}` yet"


def _still_one(own: Settings, base: Settings) -> Iterable[str]:
    for stage, alias in base.bridge.pairs:
        if (stage, alias) not in own.bridge.pairs:
            yield f"`bridge` still makes {stage} and @{alias} one for guards and policies"


def _both(one: tuple[Each, ...], other: tuple[Each, ...]) -> tuple[Each, ...]:
    return (*one, *(item for item in other if item not in one))
