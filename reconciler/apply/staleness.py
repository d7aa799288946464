"""Detects that a model changed since it was planned, or since it was written. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from reconciler.apply.writer import value_of
from reconciler.core.changes import Change
from reconciler.core.diff import same
from reconciler.core.plan import Snapshot
from reconciler.core.state import Live, Value, occupants


def differences(live: Live, snapshot: Snapshot, changes: Sequence[Change]) -> list[str]:
    """Return a sentence for each difference between a live model and the plan's snapshot."""
    sentences = []
    for change in changes:
        value = value_of(live, change.field)
        if not same(change.field, value, change.before):
            sentences.append(f"{change.field} was {_shown(change.before)} and is {_shown(value)}")
    for version, identity in snapshot.identities.items():
        live_version = live.versions.get(version)
        if (live_version.identity if live_version else None) != identity:
            sentences.append(f"v{version} was replaced since the plan")
    return sentences + _changed_occupants(live, snapshot.stage_occupants)


def unconfirmed(live: Live, changes: Iterable[Change]) -> dict[Change, str]:
    """Return a message for each written change whose value is not live any more."""
    return {
        change: f"was written and confirmed, but the registry now has {_shown(value)}"
        for change in changes
        if not same(change.field, value := value_of(live, change.field), change.after)
    }


def moved_stages(live: Live, left: Iterable[Change]) -> list[str]:
    """Return a sentence for each version that is to change its stage, and changed it meanwhile."""
    return [
        f"{change.field} was {_shown(change.before)} and is {_shown(value)}"
        for change in left
        if change.field.name == "stage"
        and not same(change.field, value := value_of(live, change.field), change.before)
    ]


def unexpected_occupants(live: Live, snapshot: Snapshot, changes: Iterable[Change]) -> list[str]:
    """Return a sentence for each exclusive stage whose versions are not those after the changes."""
    return _changed_occupants(live, occupants_after(snapshot.stage_occupants, changes))


def occupants_after(
    stage_occupants: Mapping[str, tuple[int, ...]], changes: Iterable[Change]
) -> dict[str, tuple[int, ...]]:
    """Return the versions in each of these stages after the changes."""
    after = {stage: set(versions) for stage, versions in stage_occupants.items()}
    for change in changes:
        if change.field.name != "stage" or change.field.version is None:
            continue
        for versions in after.values():
            versions.discard(change.field.version)
        after.get(str(change.after), set()).add(change.field.version)
    return {stage: tuple(sorted(versions)) for stage, versions in after.items()}


def shared_stages(stage_occupants: Mapping[str, tuple[int, ...]]) -> list[str]:
    """Return a sentence for each exclusive stage with several versions after an unfinished run."""
    return [
        f"{stage} has {_versions(versions)} until the next run; v{max(versions)} is serving"
        for stage, versions in stage_occupants.items()
        if len(versions) > 1
    ]


def _changed_occupants(live: Live, expected: Mapping[str, tuple[int, ...]]) -> list[str]:
    occupied = occupants(live.fields, expected)
    return [
        f"{stage} now has {_versions(occupied[stage])}"
        for stage, versions in expected.items()
        if occupied[stage] != versions
    ]


def _versions(versions: Iterable[int]) -> str:
    return " and ".join(f"v{version}" for version in versions) or "no version"


def _shown(value: Value | None) -> str:
    return "no value" if value is None else f"`{value}`"
