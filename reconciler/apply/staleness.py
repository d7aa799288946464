"""Is a live model still what the plan saw, and is it what was written? Compares; never reads."""

from collections.abc import Iterable, Mapping, Sequence

from reconciler.apply.writer import value_of
from reconciler.core.changes import Change
from reconciler.core.diff import same
from reconciler.core.plan import Snapshot
from reconciler.core.state import Live, Value, occupants


def differences(live: Live, seen: Snapshot, changes: Sequence[Change]) -> list[str]:
    """Return a sentence for each thing that is not as it was when the changes were computed."""
    found = []
    for change in changes:
        value = value_of(live, change.field)
        if not same(change.field, value, change.before):
            found.append(f"{change.field} was {_shown(change.before)} and is {_shown(value)}")
    for version, identity in seen.identities.items():
        there = live.versions.get(version)
        if (there.identity if there else None) != identity:
            found.append(f"v{version} is another version than the plan saw")
    return found + _changed_occupants(live, seen.stage_occupants)


def unconfirmed(live: Live, changes: Iterable[Change]) -> dict[Change, str]:
    """Return what the registry has instead, for each change that did not stay."""
    return {
        change: f"was written and confirmed, but the registry now has {_shown(value)}"
        for change in changes
        if not same(change.field, value := value_of(live, change.field), change.after)
    }


def unexpected_occupants(live: Live, seen: Snapshot, changes: Iterable[Change]) -> list[str]:
    """Return a sentence for each exclusive stage that holds others than the changes left there."""
    return _changed_occupants(live, occupants_after(seen.stage_occupants, changes))


def occupants_after(
    stage_occupants: Mapping[str, tuple[int, ...]], changes: Iterable[Change]
) -> dict[str, tuple[int, ...]]:
    """Return who is in each of these stages once the changes are made."""
    after = {stage: set(versions) for stage, versions in stage_occupants.items()}
    for change in changes:
        if change.field.name != "stage" or change.field.version is None:
            continue
        for versions in after.values():
            versions.discard(change.field.version)
        after.get(str(change.after), set()).add(change.field.version)
    return {stage: tuple(sorted(versions)) for stage, versions in after.items()}


def shared_stages(stage_occupants: Mapping[str, tuple[int, ...]]) -> list[str]:
    """Return who serves, for each exclusive stage that an unfinished run leaves to several."""
    return [
        f"{stage} holds {_versions(versions)} until the next run, and serves v{max(versions)}"
        for stage, versions in stage_occupants.items()
        if len(versions) > 1
    ]


def _changed_occupants(live: Live, expected: Mapping[str, tuple[int, ...]]) -> list[str]:
    found = occupants(live.fields, expected)
    return [
        f"{stage} now holds {_versions(found[stage])}"
        for stage, versions in expected.items()
        if found[stage] != versions
    ]


def _versions(versions: Iterable[int]) -> str:
    return " and ".join(f"v{version}" for version in versions) or "nobody"


def _shown(value: Value | None) -> str:
    return "no value" if value is None else f"`{value}`"
