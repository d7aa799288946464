"""The bridge between stages and aliases: a version declared in one has the other, too."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.core.state import Field, Fields, Value, aliases, stages


@dataclass(frozen=True, slots=True)
class Bridge:
    """The setting `bridge`: pairs of an exclusive stage and its alias, each in one pair only."""

    pairs: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        """Return whether any stage is bridged."""
        return bool(self.pairs)

    def alias_of(self, stage: str | None) -> str | None:
        """Return the alias of a stage, None where the stage is not bridged."""
        return next((name for bridged, name in self.pairs if bridged == stage), None)

    def stage_of(self, alias: str | None) -> str | None:
        """Return the stage of an alias, None where the alias is not bridged."""
        return next((bridged for bridged, name in self.pairs if name == alias), None)

    def __str__(self) -> str:
        """Return the setting as it is written."""
        return "{" + ", ".join(f"{stage}: {alias}" for stage, alias in self.pairs) + "}"


NO_BRIDGE = Bridge()


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A stage and its alias that name different versions, or an alias in another stage.

    `holder` is the version in `stage`, None where none is; `named` is the version that has
    `alias`, and `elsewhere` the stage that is declared for it. With `rival`, `named` also has
    that alias of another stage.
    """

    stage: str
    alias: str
    holder: int | None
    named: int
    elsewhere: str | None = None
    rival: str | None = None


def other_words(fields: Fields, bridge: Bridge) -> Mapping[Field, Value]:
    """Return what a bridge adds to a model's fields: for each stage its alias, and vice versa.

    Where the two contradict each other, nothing is added.
    """
    added: dict[Field, Value] = {}
    if not bridge:
        return added
    held, named = stages(fields), aliases(fields)
    for stage, alias in bridge.pairs:
        holders = [version for version, where in held.items() if where == stage]
        if holders and alias not in named:
            added[Field("alias", None, alias)] = max(holders)
        elif not holders and alias in named and named[alias] not in held:
            added.setdefault(Field("stage", named[alias]), stage)
    return added


def contradictions(fields: Fields, bridge: Bridge) -> Iterator[Contradiction]:
    """Yield the contradictions among a model's fields, in the bridge's order."""
    if not bridge:
        return
    held, named = stages(fields), aliases(fields)
    taken: dict[int, str] = {}
    for stage, alias in bridge.pairs:
        if alias not in named:
            continue
        version = named[alias]
        holder = max((v for v, where in held.items() if where == stage), default=None)
        elsewhere = held.get(version)
        rival = taken.setdefault(version, alias)
        if (holder, elsewhere) != (None, None) and (holder != version or elsewhere != stage):
            yield Contradiction(stage, alias, holder, version, elsewhere)
        elif rival != alias:
            yield Contradiction(stage, alias, holder, version, elsewhere, rival)
