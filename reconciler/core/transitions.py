"""Which versions change hands in a plan: who enters a stage or takes an alias, and from whom."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from reconciler.core.changes import Change
from reconciler.core.diff import applied
from reconciler.core.state import ACTIVE_STAGES, Fields, aliases, stages


@dataclass(frozen=True, slots=True)
class Transition:
    """One version that enters `stage` or takes `alias`; not both. `before` is its live stage.

    `incumbent` is a version that is displaced from the stage (each makes a move of its own), or
    that has the alias until now; None where there is none. A `in_place` one is there already:
    nothing moves, and no moment is chosen.
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
        """Where it goes: the stage's name, or `@alias`."""
        return f"@{self.alias}" if self.alias is not None else str(self.stage)

    @property
    def matters(self) -> bool:
        """Return whether somebody may be served by it: an active stage, or an alias."""
        return self.alias is not None or self.stage in ACTIVE_STAGES


def transitions(
    changes: Iterable[Change], live: Fields, *, drift: bool = False
) -> tuple[Transition, ...]:
    """Return what the changes of one model move; what drifted is put back, which `drift` counts."""
    counted = [change for change in changes if drift or change.cause != "drift"]
    meant = [change for change in counted if change.after is not None]
    after = stages(applied(live, meant))
    found: list[Transition] = []
    for change in meant:
        if change.field.name == "stage":
            found += _stage(change, live, after)
        elif change.field.name == "alias":
            found.append(_alias(change, live))
    return tuple(found)


def transitions_in_place(model: str, fields: Fields, live: Fields) -> tuple[Transition, ...]:
    """Return every place that `fields` declare and the registry has, as if it were taken now."""
    there = stages(live)
    held = [
        Transition(model, version, stage=stage, before=stage, in_place=True)
        for version, stage in sorted(stages(fields).items())
        if there.get(version) == stage
    ]
    named = [
        Transition(model, version, before=there.get(version), alias=alias, in_place=True)
        for alias, version in sorted(aliases(fields).items())
        if aliases(live).get(alias) == version
    ]
    return (*held, *named)


def changing_hands(found: Sequence[Transition]) -> Collection[int]:
    """Return the versions whose facts a reader of these moves asks for."""
    named = {transition.version for transition in found}
    return sorted(
        named | {transition.incumbent for transition in found if transition.incumbent is not None}
    )


def _stage(change: Change, live: Fields, after: dict[int, str]) -> list[Transition]:
    """Return the move into a stage, once for every version that it displaces."""
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
