"""How what two jobs remember becomes one memory."""

from dataclasses import replace
from operator import attrgetter

from reconciler.policy.watching.looks import WatchMemory


def merged(one: WatchMemory, other: WatchMemory) -> WatchMemory:
    """Return what two memories have together; of what both have, that of `one`."""
    looks = {look.place: look for look in (*other.looks, *one.looks)}
    proposals = {(each.model, each.url): each for each in (*other.proposals, *one.proposals)}
    return replace(
        one,
        looks=tuple(sorted(looks.values(), key=attrgetter("place"))),
        proposals=tuple(sorted(proposals.values(), key=attrgetter("place"))),
        unreadable=max(one.unreadable, other.unreadable),
    )
