"""What becomes of a bridged stage and its alias that git declared before and does not now.

The two stay together. A stage that a file wrote stays when its key goes, and its alias with it. An
alias that a file wrote is removed when its key goes, and the version leaves the stage that it had
by that alias alone. What a bridge added stays when the bridge goes: that changes no reader.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.core.state import Base, Declaration, Field, Live, Value, stages


@dataclass(frozen=True, slots=True)
class UndeclaredPairs:
    """Which undeclared values of bridged pairs go and stay, besides what holds for every field.

    `archived` are the stages that go, with their live values. `kept` are the aliases that stay.
    `sentences` say so for a field; an empty one is for an alias that is named with its stage.
    `beside` is the alias that stays with the stage of a version.
    """

    archived: Mapping[Field, Value] = field(default_factory=dict)
    kept: frozenset[Field] = frozenset()
    sentences: Mapping[Field, str] = field(default_factory=dict)
    beside: Mapping[int, str] = field(default_factory=dict)


_NONE = UndeclaredPairs()


def undeclared_pairs(base: Base, desired: Declaration, live: Live) -> UndeclaredPairs:
    """Return what becomes of the bridged pairs that base declared and `desired` does not."""
    if not base.bridged and not desired.bridged:
        return _NONE
    without_bridge = dict(_without_bridge(base, desired, live))
    kept = {address for address in without_bridge if address.name == "alias"}
    sentences, archived, beside = dict(without_bridge), dict[Field, Value](), dict[int, str]()
    for stage, alias in desired.bridged:
        address = Field("alias", None, alias)
        if address in desired.fields or address in kept:
            continue
        named = live.fields.get(address)
        stays = f"and so does @{alias}; `stage: None` clears both"
        for of_stage, version in _undeclared_in(stage, base, desired, live):
            is_written = of_stage not in base.implied
            if is_written and version == named:
                kept.add(address)
                sentences[address], beside[version] = "", alias
                sentences[of_stage] = (
                    f"{of_stage} is no longer declared and stays as it is, {stays}"
                )
            elif not is_written and (named is None or named in base.ever.get(address, ())):
                archived[of_stage] = stage
    return UndeclaredPairs(archived, frozenset(kept), sentences, beside)


def _undeclared_in(
    stage: str, base: Base, desired: Declaration, live: Live
) -> Iterator[tuple[Field, int]]:
    """Yield the versions in a stage that git declared there before, and now nowhere."""
    for version, where in sorted(stages(live.fields).items()):
        address = Field("stage", version)
        was_declared = stage in base.ever.get(address, ())
        if where == stage and was_declared and address not in desired.fields:
            yield address, version


def _without_bridge(base: Base, desired: Declaration, live: Live) -> Iterator[tuple[Field, str]]:
    """Yield what a bridge that is gone had added and is live, each with a sentence."""
    gone = [pair for pair in base.bridged if pair not in desired.bridged]
    for stage, alias in gone:
        of_pair = [a for a in base.implied if a.name == "stage" and stage in base.ever[a]]
        for address in (Field("alias", None, alias), *of_pair):
            value = live.fields.get(address)
            if address in base.implied and value in base.ever[address]:
                clear = "; `stage: None` clears it" if address.name == "stage" else ""
                yield address, f"{address} came from the bridge and stays as it is{clear}"
