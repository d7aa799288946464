"""A change to one field of a model, and the order in which changes are shown and applied."""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from reconciler.core.state import ACTIVE_STAGES, Field, Value

_READING_ORDER = ("Production", "Staging", "None", "Archived")

NeededPermission: TypeAlias = Literal["EDIT", "MANAGE"]
Cause: TypeAlias = Literal["declared", "drift", "replaced", "removed", "bridge"]


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one model from `before` to `after`; None means no value.

    `after` is None for a removal; only aliases and tags are removed.

    >>> (change,) = r.plan().changes
    >>> str(change.field), change.before, change.after, change.cause
    ('tag reviewed', None, 'yes', 'declared')
    """

    model: str
    field: Field
    before: Value | None
    after: Value | None
    cause: Cause

    @property
    def action(self) -> Literal["set", "remove"]:
        """`remove` when `after` is None, else `set`."""
        return "remove" if self.after is None else "set"

    @property
    def permission(self) -> NeededPermission:
        """What MLflow's basic-auth requires for it."""
        deletes = self.action == "remove"
        of_version = self.field.name == "alias" or self.field.version is not None
        return "MANAGE" if deletes and of_version else "EDIT"

    @property
    def versions(self) -> frozenset[int]:
        """Every version this change names: its own, or an alias' old and new version."""
        if self.field.name == "alias":
            return frozenset(int(v) for v in (self.before, self.after) if v is not None)
        return frozenset() if self.field.version is None else frozenset({self.field.version})

    @property
    def sort_key(self) -> tuple[str, int, int, int, str]:
        """Order for reading: by model; promotions, displaced versions, aliases, the rest."""
        kind = ("stage", "alias", "description", "tag").index(self.field.name)
        stage = _READING_ORDER.index(str(self.after)) if self.field.name == "stage" else 0
        return (self.model, kind, stage, self.field.version or 0, self.field.key or "")


def in_order(changes: Sequence[Change], exclusive: Sequence[str]) -> tuple[Change, ...]:
    """Return one model's changes in the order in which they are applied.

    The order is description and tags, stages, aliases, removals. A version enters an exclusive
    stage before another leaves it, so that the stage is never empty. When two exclusive stages
    swap their versions, this holds for Production only.
    """

    def rank(change: Change) -> tuple[int, int]:
        if change.action == "remove":
            return (3, 0)
        match change.field.name:
            case "stage":
                after = str(change.after)
                return (1, 0 if after == "Production" else 1 if after in exclusive else 2)
            case "alias":
                return (2, 0)
            case "tag" | "description":
                return (0, 0)

    return tuple(sorted(changes, key=lambda change: (rank(change), change.sort_key)))


def entering(changes: Iterable[Change]) -> frozenset[int]:
    """Return the versions that the changes put into an active stage or under an alias."""
    versions = (entering_by(change.field, change.after) for change in changes)
    return frozenset(version for version in versions if version is not None)


def left_alone(
    changes: Iterable[Change], stage_occupants: Mapping[str, Collection[int]]
) -> frozenset[int]:
    """Return the versions in an active stage that stay in it, while the changes have others leave.

    Of several versions in a stage the highest serves, and that may be one that leaves.
    """
    moved = {change.field.version for change in changes if change.field.name == "stage"}
    return frozenset(
        version
        for stage, versions in stage_occupants.items()
        if stage in ACTIVE_STAGES and moved & {*versions}
        for version in versions
        if version not in moved
    )


def entering_by(address: Field, after: Value | None) -> int | None:
    """Return the version that a value puts into an active stage or under an alias, else None."""
    if address.name == "alias":
        return None if after is None else int(after)
    return address.version if address.name == "stage" and after in ACTIVE_STAGES else None


def first_to_leave(ordered: Sequence[Change], exclusive: Container[str]) -> Change | None:
    """Return the first change that may move the serving version out of an exclusive stage.

    The changes before it only enter: into Production, or from another stage than Production into
    an exclusive stage. Any other version may have entered such a stage since the plan.
    """
    for change in ordered:
        if change.field.name != "stage" or change.after == "Production":
            continue
        if change.after not in exclusive or change.before == "Production":
            return change
    return None
