"""Moments as people write them: UTC unless they say otherwise, and a day is all of it."""

from datetime import date, datetime, time, timezone
from typing import Final, TypeAlias

from reconciler.errors import UsageError

# ISO 8601 text, a day, or a `datetime` with a time zone.
DateLike: TypeAlias = str | date

_EXAMPLES: Final = "write `2026-01-31`, `2026-01-31T17:00` or `2026-01-31T17:00+01:00`"


def parse_moment(text: str, *, is_end: bool) -> datetime:
    """Return the moment in UTC; a date alone is its first moment, or with `is_end` its last.

    Raises `UsageError` for text that is not an ISO 8601 date, or out of range.
    """
    iso = f"{text[:-1]}+00:00" if text.endswith(("Z", "z")) else text
    try:
        moment = datetime.combine(date.fromisoformat(iso), time.max if is_end else time.min)
    except ValueError:
        try:
            moment = datetime.fromisoformat(iso)
        except ValueError:
            raise UsageError(f"`{text}` is not a date", hint=_EXAMPLES) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return _in_utc(moment, text)


def as_moment(value: DateLike | None, *, is_end: bool) -> datetime | None:
    """Return the moment in UTC, None for None; text is read as `parse_moment` reads it.

    Raises `UsageError` for a `datetime` without a time zone: Python takes it for local time.
    """
    if value is None:
        return None
    if not isinstance(value, datetime):
        return parse_moment(value if isinstance(value, str) else value.isoformat(), is_end=is_end)
    if value.tzinfo is None:
        hint = "give it one, such as `tzinfo=timezone.utc`"
        raise UsageError(f"`{value.isoformat()}` has no time zone", hint=hint)
    return _in_utc(value, value.isoformat())


def _in_utc(moment: datetime, text: str) -> datetime:
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError:
        raise UsageError(f"`{text}` is out of range") from None
