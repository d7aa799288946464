"""Transitions: the versions that enter a stage or take an alias, and those they displace."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from reconciler.core.changes import Change
from reconciler.core.diff import applied
from reconciler.core.state import ACTIVE_STAGES, Fields, Serving, aliases, stages

_APART: Final = ": readers of the two get different versions now"


@dataclass(frozen=True, slots=True)
class Transition:
    """One version that enters `stage` or takes `alias`, not both; `before` is its live stage.

    `incumbent` is a version that is displaced from the stage (one transition for each), or that
    holds the alias now; None without one. `in_place` is true for a version that is there already.
    """

    model: str
    version: int
    stage: str | None = None
    before: str | None = None
    alias: str | None = None
    incumbent: int | None = None
    in_place: bool = False

    @property
    def place(self) -> str:
        """The target: the stage's name, or `@alias`."""
        return f"@{self.alias}" if self.alias is not None else str(self.stage)

    @property
    def matters(self) -> bool:
        """Return whether the target may be in use: an active stage, or an alias."""
        return self.alias is not None or self.stage in ACTIVE_STAGES


def transitions(
    changes: Iterable[Change], live: Fields, *, drift: bool = False
) -> tuple[Transition, ...]:
    """Return the transitions in one model's changes; those that revert drift only with `drift`."""
    counted = [change for change in changes if drift or change.cause != "drift"]
    sets = [change for change in counted if change.after is not None]
    after = stages(applied(live, sets))
    made: list[Transition] = []
    for change in sets:
        if change.field.name == "stage":
            made += _stage(change, live, after)
        elif change.field.name == "alias":
            made.append(_alias(change, live))
    return tuple(made)


def in_both_words(
    made: Sequence[Transition], live: Fields, base: Fields, bridged: Iterable[tuple[str, str]]
) -> tuple[Transition, ...]:
    """Return transitions with those into the other word of a bridged pair, stages first.

    A version that enters one word is promoted to the pair, also where a person gave it the other
    word, or where the bridge is gone since: then no change says so. One that has the other word by
    `base`, what git declared before, was judged for it then.
    """
    moved = [transition for transition in made if not transition.in_place]
    added = [
        _into(transition, live, stage=stage, alias=alias)
        for stage, alias in bridged
        for transition in moved
        if (transition.stage == stage or transition.alias == alias)
        and not any(
            other.version == transition.version
            and (other.stage, other.alias) == _other_word(transition, stage, alias)
            for other in moved
        )
    ]
    new = [one for one in added if not (one.in_place and _is_declared(one, base))]
    once = dict.fromkeys((*made, *new))
    return tuple(sorted(once, key=lambda transition: transition.alias is not None))


def _is_declared(transition: Transition, fields: Fields) -> bool:
    if transition.alias is not None:
        return aliases(fields).get(transition.alias) == transition.version
    return stages(fields).get(transition.version) == transition.stage


def _other_word(transition: Transition, stage: str, alias: str) -> tuple[str | None, str | None]:
    return (stage, None) if transition.alias is not None else (None, alias)


def _into(transition: Transition, live: Fields, *, stage: str, alias: str) -> Transition:
    """Return the transition of the same version into the other word of a pair."""
    version = transition.version
    if transition.alias is None:
        named = aliases(live).get(alias)
        in_place = named == version
        incumbent = None if in_place else named
        other = replace(transition, stage=None, alias=alias)
    else:
        holders = [v for v, where in stages(live).items() if where == stage and v != version]
        in_place = stages(live).get(version) == stage
        incumbent = max(holders, default=None)
        other = replace(transition, stage=stage, alias=None)
    return replace(other, incumbent=incumbent, in_place=in_place)


def transitions_in_place(model: str, fields: Fields, live: Fields) -> tuple[Transition, ...]:
    """Return a transition for every declared stage and alias that is live already."""
    live_stages = stages(live)
    held = [
        Transition(model, version, stage=stage, before=stage, in_place=True)
        for version, stage in sorted(stages(fields).items())
        if live_stages.get(version) == stage
    ]
    named = [
        Transition(model, version, before=live_stages.get(version), alias=alias, in_place=True)
        for alias, version in sorted(aliases(fields).items())
        if aliases(live).get(alias) == version
    ]
    return (*held, *named)


def changing_hands(made: Sequence[Transition]) -> Collection[int]:
    """Return the versions and incumbents of these transitions, sorted."""
    candidates = {transition.version for transition in made}
    incumbents = {t.incumbent for t in made if t.incumbent is not None}
    return sorted(candidates | incumbents)


def partings(
    before: Fields, after: Fields, serving: Serving, *, names: Iterable[str], places: Iterable[str]
) -> tuple[str, ...]:
    """Return a sentence for each alias that no longer names the version in a stage.

    They named the same version before, so that readers by alias and readers by stage got one
    model, and get two now. So they do where the alias that serves stays, and a stage gets its
    first version. `names` are the aliases that count besides that one, and `places` the stages.
    """
    counted = dict.fromkeys((*filter(None, (serving.alias,)), *names))
    entered = dict.fromkeys((*filter(None, (serving.stage,)), *places))
    return tuple(
        sentence
        for alias in counted
        for stage in entered
        if (sentence := _parting(alias, stage, before, after, serving)) is not None
    )


def _parting(alias: str, stage: str, before: Fields, after: Fields, serving: Serving) -> str | None:
    was, now = aliases(before).get(alias), aliases(after).get(alias)
    held, holds = stages(before), stages(after)
    holders = [version for version, where in sorted(holds.items()) if where == stage]
    together = was is not None and held.get(was) == stage
    is_first = now == was and alias == serving.alias and stage not in held.values()
    if not (together or is_first) or now is None or not holders or now in holders:
        return None
    name = f"@{alias}, which serves," if alias == serving.alias else f"@{alias}"
    place = f"{stage}, which serves," if stage == serving.stage else stage
    if now == was:
        rest = ", which goes to Archived" if holds.get(was) == "Archived" else ""
        return f"{name} stays on v{was}{rest}, while v{holders[-1]} takes {stage}{_APART}"
    if was in holders:
        return f"v{was} stays in {place} while {name} moves to v{now}{_APART}"
    return f"{name} moves to v{now}, while v{holders[-1]} takes {stage}{_APART}"


def _stage(change: Change, live: Fields, after: dict[int, str]) -> list[Transition]:
    """Return the transition into a stage, one for each version that it displaces."""
    stage = str(change.after)
    displaced = [
        version
        for version, where in sorted(stages(live).items())
        if where == stage and version != change.field.version and after.get(version) != stage
    ]
    active = stage in ACTIVE_STAGES
    return [
        Transition(
            change.model,
            change.field.version or 0,
            stage=stage,
            before=None if change.before is None else str(change.before),
            incumbent=incumbent,
        )
        for incumbent in (displaced if active and displaced else [None])
    ]


def _alias(change: Change, live: Fields) -> Transition:
    version = int(change.after or 0)
    return Transition(
        change.model,
        version,
        before=stages(live).get(version),
        alias=change.field.key,
        incumbent=None if change.before is None else int(change.before),
    )
