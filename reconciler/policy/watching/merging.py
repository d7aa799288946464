"""How what two jobs remember becomes one memory."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

from reconciler.policy.watching.looks import Look, WatchMemory

FORGOTTEN: Final = timedelta(days=180)  # of a model that nobody looked at meanwhile


def merged(one: WatchMemory, other: WatchMemory) -> WatchMemory:
    """Return what two memories have together; of what both have, that of `one`.

    A model that was not looked at for long, while others were, is forgotten.
    """
    looks = {look.place: look for look in (*other.looks, *one.looks)}
    proposals = {(each.model, each.url): each for each in (*other.proposals, *one.proposals)}
    return replace(
        one,
        looks=_of_models_that_are_watched(looks.values()),
        proposals=tuple(sorted(proposals.values(), key=attrgetter("place"))),
        unreadable=max(one.unreadable, other.unreadable),
    )


def _of_models_that_are_watched(looks: Iterable[Look]) -> tuple[Look, ...]:
    last: dict[str, datetime] = {}
    for look in looks:
        last[look.model] = max(look.time, last.get(look.model, look.time))
    newest = max(last.values(), default=None)
    kept = [look for look in looks if newest and newest - last[look.model] <= FORGOTTEN]
    return tuple(sorted(kept, key=attrgetter("place")))
