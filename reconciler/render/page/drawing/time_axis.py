"""The axis of time: where a moment lies, and ticks that people read, from seconds to years."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final, NamedTuple

_MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905
_MONTH: Final = timedelta(days=30.44)
_YEAR: Final = timedelta(days=365.25)
_STEPS: Final = (
    *(timedelta(seconds=seconds) for seconds in (1, 2, 5, 10, 15, 30)),
    *(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12)),
    *(timedelta(days=days) for days in (1, 2, 7, 14)),
)
_MONTH_STEPS: Final = (1, 2, 3, 6, 12, 24, 60, 120, 240)
_SHORTEST: Final = timedelta(seconds=1)  # of the whole axis


class Tick(NamedTuple):
    """A mark on the axis; `context` is the day or the year, where a new one begins."""

    x: float
    label: str
    context: str | None


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """The time from `begin` to `end` on a line from `left` to `right`."""

    begin: datetime
    end: datetime
    left: float
    right: float

    def x(self, moment: datetime) -> float:
        """Return where a moment lies; what is outside lies at the end of the line."""
        share = (moment - self.begin) / (self.end - self.begin)
        return self.left + (self.right - self.left) * min(1.0, max(0.0, share))

    def ticks(self, apart: float) -> list[Tick]:
        """Return ticks that are at least `apart` from each other."""
        length = (self.end - self.begin) * (apart / (self.right - self.left))
        moments, step = _moments(self.begin, self.end, length)
        ticks, shown = [], None
        for moment in moments:
            label, context = _label(moment, step)
            ticks.append(Tick(self.x(moment), label, context if context != shown else None))
            shown = context
        return ticks


def time_axis(begin: datetime, end: datetime, left: float, right: float) -> TimeAxis:
    """Return an axis with a little room before its begin, in UTC."""
    first, last = begin.astimezone(timezone.utc), end.astimezone(timezone.utc)
    length = max(last - first, _SHORTEST)
    # What no calendar has cannot be drawn: an axis does not begin before the first year.
    earliest = datetime.min.replace(tzinfo=timezone.utc)
    room = min(length * 0.03, first - earliest)
    last = max(last, earliest + length)
    return TimeAxis(min(first - room, last - length), last, left, right)


def _moments(begin: datetime, end: datetime, least: timedelta) -> tuple[list[datetime], timedelta]:
    for step in _STEPS:
        if step >= least:
            return list(_even(begin, end, step)), step
    months = next((n for n in _MONTH_STEPS if n * _MONTH >= least), _MONTH_STEPS[-1])
    return list(_first_days(begin, end, months)), months * _MONTH


def _even(begin: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    origin = datetime(1970, 1, 5, tzinfo=timezone.utc)  # a Monday, for steps of weeks
    count = -((origin - begin) // step)
    while count * step <= end - origin:  # a moment after `end` may be in no calendar
        yield origin + count * step
        count += 1


def _first_days(begin: datetime, end: datetime, months: int) -> Iterator[datetime]:
    count = -(-(begin.year * 12 + begin.month - 1) // months) * months
    while count // 12 <= end.year:
        moment = datetime(count // 12, count % 12 + 1, 1, tzinfo=timezone.utc)
        if begin <= moment <= end:
            yield moment
        count += months


def _label(moment: datetime, step: timedelta) -> tuple[str, str]:
    """Return what a tick says, and what is said once for many: the day, or the year."""
    day = f"{moment.day} {_MONTHS[moment.month - 1]}"
    if step < timedelta(minutes=1):
        return f"{moment:%H:%M:%S}", f"{day} {moment.year}"
    if step < timedelta(days=1):
        return f"{moment:%H:%M}", f"{day} {moment.year}"
    if step < _MONTH * 0.9:
        return day, str(moment.year)
    if step < _YEAR * 0.9:
        return _MONTHS[moment.month - 1], str(moment.year)
    return str(moment.year), ""


def day(moment: datetime) -> str:
    """Return the day of a moment in UTC, as a person writes it."""
    utc = moment.astimezone(timezone.utc)
    return f"{utc.day} {_MONTHS[utc.month - 1]} {utc.year}"
