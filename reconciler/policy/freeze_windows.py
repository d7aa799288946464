"""Freeze windows: parses them, evaluates them on their zone's wall clock, and formats them.

A wall clock shows some times twice and skips others. In doubt a window is closed: it begins at the
first reading of its start and ends at the last reading of its end. An end that the clock skips is
counted from before the jump, as in RFC 5545, which is the later of its two readings.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from reconciler.core.matching import nearest
from reconciler.core.parse_error import ParseError
from reconciler.core.policies import DatedFreeze, WeeklyFreeze

Freeze: TypeAlias = WeeklyFreeze | DatedFreeze

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MINUTES: Final = 24 * 60
_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(weeks=1)

# Not IANA names, or different on each system: a file that names one has no fixed meaning.
_OF_THIS_MACHINE: Final = ("localtime", "posixrules", "posix", "right")

_TIME = r"(?:[ T]\s*(?P<{0}_time>[0-9]{{1,2}}:[0-9]{{2}}))?"
_SIDE = rf"(?P<{{0}}>{{1}}){_TIME}"
_WEEKDAY = r"[A-Za-z]+"
_DATE = r"2[0-9]{3}-[0-9]{2}-[0-9]{2}"
_ZONE = r"(?:\s+(?P<zone>\S+))?"
_FORMS = tuple(
    re.compile(rf"{_SIDE.format('start', day)}\s*[-–]\s*{_SIDE.format('end', day)}{_ZONE}")
    for day in (_WEEKDAY, _DATE)
)
_EXAMPLES: Final = (
    "write `Fri 16:00 - Mon 08:00 Europe/Berlin` (every week) or "
    "`2026-12-20 - 2027-01-03 Europe/Berlin` (once)"
)


def parse_freeze(text: str) -> Freeze:
    """Return the freeze window in a line of text; raises `ParseError`.

    A day without a time counts whole: a start is its first minute, an end its last.
    """
    weekly, dated = (form.fullmatch(text.strip()) for form in _FORMS)
    match = weekly or dated
    if match is None:
        raise ParseError(f"`{text}` is not a freeze window", _EXAMPLES)
    start = match["start"], _minutes(match["start_time"], whole=0)
    end = match["end"], _minutes(match["end_time"], whole=_MINUTES)
    zone = _zone(match["zone"])
    return _weekly(text, start, end, zone) if weekly else _dated(text, start, end, zone)


def _weekly(text: str, start: tuple[str, int], end: tuple[str, int], zone: str) -> WeeklyFreeze:
    first, last = _time_of_week(*start), _time_of_week(*end)
    if first == last:
        raise ParseError(
            f"`{text}` begins and ends at the same time of the week",
            "write another end; to stop a model permanently, write `hold: REASON` in its file",
        )
    return WeeklyFreeze(first, last, zone)


def _dated(text: str, start: tuple[str, int], end: tuple[str, int], zone: str) -> DatedFreeze:
    first, last = _wall_time(*start), _wall_time(*end)
    if last <= first:
        raise ParseError(f"`{text}` ends before it begins", "write the earlier time first")
    return DatedFreeze(first, last, zone)


def _minutes(text: str | None, *, whole: int) -> int:
    if text is None:
        return whole
    hours, minutes = (int(part) for part in text.split(":"))
    if hours * 60 + minutes > _MINUTES or minutes > 59:  # noqa: PLR2004  a clock's
        raise ParseError(f"`{text}` is not a time of day", "write it like `08:00` or `16:30`")
    return hours * 60 + minutes


def _time_of_week(name: str, minutes: int) -> tuple[int, int]:
    shorts = {day[:3].lower(): number for number, day in enumerate(_DAYS)}
    names = {day.lower(): number for number, day in enumerate(_DAYS)} | shorts
    number = names.get(name.lower())
    if number is None:
        hint = nearest(name.capitalize(), (*(day[:3] for day in _DAYS), *_DAYS))
        known = f"the weekdays are {', '.join(day[:3] for day in _DAYS)}"
        raise ParseError(f"`{name}` is not a weekday", hint or known)
    later, minutes = divmod(minutes, _MINUTES)
    return (number + later) % 7, minutes


def _wall_time(day: str, minutes: int) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(day), time()) + timedelta(minutes=minutes)
    except ValueError as error:
        raise ParseError(f"`{day}` is not a date: {error}", "write it as YYYY-MM-DD") from error


def _zone(name: str | None) -> str:
    if name is None:
        raise ParseError("a freeze window needs its time zone", _EXAMPLES)
    if not _is_zone(name):
        hint = _nearest_zone(name) or "write a name from the IANA database, such as Europe/Berlin"
        raise ParseError(f"`{name}` is not a time zone", hint)
    return name


def _is_zone(name: str) -> bool:
    if name.split("/", maxsplit=1)[0] in _OF_THIS_MACHINE:
        return False
    try:
        ZoneInfo(name)
    # A folder of zones, such as `Europe`, and a path raise other errors than an unknown name.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _nearest_zone(name: str) -> str | None:
    zones = sorted(available_timezones() - set(_OF_THIS_MACHINE))
    folded = name.casefold()
    same = [zone for zone in zones if folded in (zone.casefold(), zone.casefold().split("/")[-1])]
    return f"did you mean `{same[0]}`?" if same else nearest(name, zones)


def closed(freeze: Freeze, now: datetime) -> datetime | None:
    """Return when a window that is closed at `now` opens, in its zone; None when it is open."""
    zone = ZoneInfo(freeze.zone)
    opening = now
    # When the clock skips an opening, the next window may begin before the last one ends.
    while later := _end_of_window(freeze, zone, opening):
        opening = later
    return None if opening is now else opening.astimezone(zone)


def _end_of_window(freeze: Freeze, zone: ZoneInfo, now: datetime) -> datetime | None:
    wall = now.astimezone(zone).replace(tzinfo=None)
    for start, end in _windows(freeze, wall):
        # The second test is for a start that the clock shows twice.
        begun = start <= wall or _instants(start, zone)[0] <= now
        last = max(_instants(end, zone))
        if begun and now < last:
            return last
    return None


def _windows(freeze: Freeze, wall: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the windows, in wall-clock times, that may contain `wall`."""
    if isinstance(freeze, DatedFreeze):
        yield freeze.start, freeze.end
        return
    monday = datetime.combine(wall.date() - wall.weekday() * _DAY, time())
    start, end = (day * _DAY + timedelta(minutes=at) for day, at in (freeze.start, freeze.end))
    # Next week's is not needed: no clock was ever set back from a Monday into a Sunday.
    for week in (-_WEEK, timedelta(0)):
        yield monday + week + start, monday + week + start + (end - start) % _WEEK


def _instants(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return both readings of a wall-clock time in UTC; they differ at a change of the clock."""
    # In UTC, because Python compares two times of one zone by their wall clocks.
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    return first.astimezone(timezone.utc), second.astimezone(timezone.utc)


def freeze_text(freeze: Freeze) -> str:
    """Return a window as text that `parse_freeze` reads as the same window."""
    if isinstance(freeze, WeeklyFreeze):
        start, end = (_of_week(*moment) for moment in (freeze.start, _end_of_week(freeze)))
    else:
        start, end = _of_date(freeze.start, _DAY * 0), _of_date(freeze.end, _DAY)
    return f"{start} - {end} {freeze.zone}"


def _end_of_week(freeze: WeeklyFreeze) -> tuple[int, int]:
    day, minutes = freeze.end
    return (day, minutes) if minutes else ((day - 1) % 7, 0)


def _of_week(day: int, minutes: int) -> str:
    return f"{_DAYS[day][:3]}{_clock(minutes)}"


def _of_date(moment: datetime, whole: timedelta) -> str:
    minutes = moment.hour * 60 + moment.minute
    return f"{(moment if minutes else moment - whole).date()}{_clock(minutes)}"


def _clock(minutes: int) -> str:
    return f" {minutes // 60:02}:{minutes % 60:02}" if minutes else ""


def frozen_until(freeze: Freeze, opening: datetime) -> str:
    """Return a sentence that a window is closed, and when it opens, also in UTC."""
    utc = opening.astimezone(timezone.utc)
    until = f"{_day(opening)} {opening:%H:%M %Z}"
    same_day = utc.date() == opening.date()
    in_utc = f" ({'' if same_day else f'{_day(utc)} '}{utc:%H:%M} UTC)"
    suffix = "" if opening.tzname() == "UTC" else in_utc
    return f"frozen ({freeze_text(freeze)}) until {until}{suffix}"


def _day(moment: datetime) -> str:
    # Not `%a`, which depends on the locale.
    return f"{_DAYS[moment.weekday()][:3]} {moment.date()}"
