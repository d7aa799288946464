"""The bridged pairs as a live model has them: on one version, in part, or apart."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.core.declaring.bridge import Bridge
from reconciler.core.state import Fields, aliases, stages


@dataclass(frozen=True, slots=True)
class LivePair:
    """A bridged stage with the versions in it, and its alias with the one that it names.

    `version` has what is live of the pair; None where nothing is, or where the two are apart.
    `elsewhere` is the stage of the version that the alias names, where the stage holds another.
    `candidates` may get both: a version that has another pair is none of them.
    """

    stage: str
    alias: str
    holders: tuple[int, ...]
    named: int | None
    version: int | None = None
    elsewhere: str | None = None
    candidates: tuple[int, ...] = ()

    @property
    def is_apart(self) -> bool:
        """Return whether somebody has to decide which version has both."""
        return self.version is None and (self.named is not None or len(self.holders) > 1)

    @property
    def versions(self) -> frozenset[int]:
        """The versions that have a word of the pair."""
        return frozenset({*self.holders, *([] if self.named is None else [self.named])})

    @property
    def words(self) -> str:
        """What is live of the pair, in words."""
        held = " and ".join(f"v{version}" for version in self.holders)
        parts = [f"{held} {'is' if len(self.holders) == 1 else 'are'} in {self.stage}"]
        parts = parts if self.holders else []
        if self.named is not None:
            where = f", which is in {self.elsewhere}," if self.elsewhere else ""
            parts.append(f"v{self.named}{where} has @{self.alias}")
        return ", and ".join(parts)


def live_pairs(fields: Fields, bridge: Bridge) -> tuple[LivePair, ...]:
    """Return the pairs of a live model in the bridge's order; of an alias of no version, nothing.

    A stage decides where its alias is on no other version, an alias where its version is in no
    stage and its stage is empty.
    """
    pairs = tuple(_seen(fields, bridge))
    decided = {
        pair.stage: pair.holders[0]
        for pair in pairs
        if len(pair.holders) == 1 and pair.named in (None, *pair.holders)
    }
    for pair in pairs:
        if not pair.holders and pair.named not in (None, *decided.values()) and not pair.elsewhere:
            decided[pair.stage] = int(pair.named or 0)
    return tuple(_decided(pair, decided) for pair in pairs)


def _seen(fields: Fields, bridge: Bridge) -> Iterator[LivePair]:
    held, named = stages(fields), aliases(fields)
    for stage, alias in bridge.pairs:
        holders = tuple(sorted(version for version, where in held.items() if where == stage))
        version = named.get(alias)
        if version is not None and version not in held:
            version = None
        where = None if version is None or version in holders else held[version]
        yield LivePair(stage, alias, holders, version, elsewhere=where if where != "None" else None)


def _decided(pair: LivePair, decided: dict[str, int]) -> LivePair:
    others = {version for stage, version in decided.items() if stage != pair.stage}
    return LivePair(
        pair.stage,
        pair.alias,
        pair.holders,
        pair.named,
        decided.get(pair.stage),
        pair.elsewhere,
        tuple(sorted(pair.versions - others, reverse=True)),
    )
