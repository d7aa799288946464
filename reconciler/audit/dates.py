"""Moments as people write them: UTC unless they say otherwise, and a day is all of it."""

import re
from datetime import date, datetime, time, timedelta, timezone
from typing import Final, TypeAlias

from reconciler.core.durations import parse_duration
from reconciler.core.parse_error import ParseError
from reconciler.errors import UsageError

# ISO 8601 text, a day, a `datetime` with a time zone, or text such as `yesterday` and `2w`.
DateLike: TypeAlias = str | date

_EXAMPLES: Final = (
    "write `2026-01-31`, `2026-01-31T17:00` or `2026-01-31T17:00+01:00`, or how long ago: "
    "`yesterday`, `36h`, `3 days ago`, `2w`"
)
_DAYS: Final = {"today": 0, "yesterday": 1}
_UNITS: Final = re.compile(r"(w)eeks?|(d)ays?|(h)ours?|(m)in(?:ute)?s?")


def parse_moment(text: str, *, is_end: bool, now: datetime) -> datetime:
    """Return the moment in UTC; a day alone is its first moment, or with `is_end` its last.

    A duration such as `2w` or `3 days ago` is counted back from `now`. Raises `UsageError` for
    text that is not a date, or out of range.
    """
    words = " ".join(text.lower().split())
    try:
        if words == "now":
            return now.astimezone(timezone.utc)
        if words in _DAYS:
            today = now.astimezone(timezone.utc).date()
            return _of_day(today - timedelta(days=_DAYS[words]), is_end=is_end)
        return _ago(words, now) or _in_utc(_parsed(text.strip(), is_end=is_end), text)
    except OverflowError:
        raise UsageError(f"`{text}` is out of range") from None
    except ValueError:
        raise UsageError(f"`{text}` is not a date", hint=_EXAMPLES) from None


def as_moment(value: DateLike | None, *, is_end: bool, now: datetime) -> datetime | None:
    """Return the moment in UTC, None for None; text is read as `parse_moment` reads it.

    Raises `UsageError` for a `datetime` without a time zone: Python takes it for local time.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return parse_moment(value, is_end=is_end, now=now)
    if not isinstance(value, date):
        raise UsageError(f"`{value}` is not a date", hint=_EXAMPLES)
    if not isinstance(value, datetime):
        return _of_day(value, is_end=is_end)
    if value.tzinfo is None:
        hint = "give it one, such as `tzinfo=timezone.utc`"
        raise UsageError(f"`{value.isoformat()}` has no time zone", hint=hint)
    return _in_utc(value, value.isoformat())


def iso_moment(time: datetime | None) -> str:
    """Return a moment in UTC as ISO 8601, to the second; "" for None."""
    return "" if time is None else f"{time.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def _ago(words: str, now: datetime) -> datetime | None:
    """Return the moment that long ago, None for a text that states no duration."""
    short = _UNITS.sub(lambda unit: "".join(filter(None, unit.groups())), words)
    try:
        return now.astimezone(timezone.utc) - parse_duration(short.removesuffix(" ago"))
    except ParseError:
        return None


def _parsed(text: str, *, is_end: bool) -> datetime:
    iso = f"{text[:-1]}+00:00" if text.endswith(("Z", "z")) else text
    try:
        return _of_day(date.fromisoformat(iso), is_end=is_end)
    except ValueError:
        moment = datetime.fromisoformat(iso)
        return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _of_day(day: date, *, is_end: bool) -> datetime:
    return datetime.combine(day, time.max if is_end else time.min, tzinfo=timezone.utc)


def _in_utc(moment: datetime, text: str) -> datetime:
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError:
        raise UsageError(f"`{text}` is out of range") from None
