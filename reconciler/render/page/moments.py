"""Moments as the page prints them: a day and a time in UTC, and how long ago that was."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from reconciler.audit.dates import iso_moment
from reconciler.core.durations import in_words

_A_MOMENT: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment: for machines, as a day, as a time of that day, and its age."""

    iso: str
    day: str
    time: str
    ago: str


def moment(at: datetime, now: datetime) -> Moment:
    """Return a moment as it looks at `now`, which is cut to seconds; what is to come is later."""
    utc = at.astimezone(timezone.utc)
    age = f"{in_words(now - at, parts=1)} ago"
    if abs(now - at) < _A_MOMENT:
        age = "just now"
    elif at > now:
        age = "later"
    return Moment(iso_moment(utc), f"{utc:%Y-%m-%d}", f"{utc:%H:%M}", age)
