"""The times of access logs, in every form that servers and proxies write: UTC, or None."""

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_ZONE: Final = r"(Z|[+-]\d\d:?\d\d)?"
# What Apache, nginx and gunicorn write: `29/Nov/2026:19:26:16 +0000`.
_COMMON: Final = re.compile(rf"(\d\d)/(\w{{3}})/(\d{{4}}):(\d\d):(\d\d):(\d\d) ?{_ZONE}", re.ASCII)
# ISO 8601, and MLflow's own `2026/11/29 19:22:05`.
_ISO: Final = re.compile(
    rf"(\d{{4}})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d{{1,9}})? ?{_ZONE}", re.ASCII
)
_EPOCH: Final = re.compile(r"(?:\d{9,11}|\d{13})(?:\.\d{1,9})?", re.ASCII)
_SECONDS: Final = len("2026-11-29T19:22:05")
_LONGEST: Final = 40  # characters of a time
_MILLISECONDS: Final = 13  # digits of an epoch time in them


def moment(text: str) -> datetime | None:
    """Return the second that begins `text`; without a zone it is taken for UTC.

    >>> moment("29/Nov/2026:19:26:16 +0100").isoformat()
    '2026-11-29T18:26:16+00:00'
    """
    if text[_SECONDS:].startswith((".", ",")):  # those of a second are read once
        text = text[:_SECONDS] + text[_SECONDS:].lstrip(".,0123456789")
    return _moment(text[:_LONGEST])


@lru_cache(maxsize=1024)
def _moment(text: str) -> datetime | None:
    try:
        if found := _COMMON.match(text):
            day, month, year, hour, minute, second, zone = found.groups()
            date = (int(year), _MONTHS[month], int(day))
            return _in_utc(datetime(*date, int(hour), int(minute), int(second)), zone)  # noqa: DTZ001  the zone is next
        if found := _ISO.match(text):
            *numbers, zone = found.groups()
            year, month, day, hour, minute, second = map(int, numbers)
            return _in_utc(datetime(year, month, day, hour, minute, second), zone)  # noqa: DTZ001  as above
        if _EPOCH.fullmatch(text):
            return _of_epoch(text)
    except (ValueError, OverflowError, KeyError):
        pass  # such as a 31st of February
    return None


def moment_within(text: str) -> datetime | None:
    """Return the first ISO 8601 moment in `text`, such as what a collector wrote before a line."""
    found = _ISO.search(text)
    return moment(found[0]) if found else None


def _of_epoch(text: str) -> datetime:
    whole = text.partition(".")[0]
    seconds = int(whole) // 1000 if len(whole) == _MILLISECONDS else int(whole)
    return datetime.fromtimestamp(seconds, timezone.utc)


def _in_utc(local: datetime, zone: str | None) -> datetime:
    if zone is None or zone == "Z":
        return local.replace(tzinfo=timezone.utc)
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    moment = local - offset if zone[0] == "+" else local + offset
    return moment.replace(tzinfo=timezone.utc)
