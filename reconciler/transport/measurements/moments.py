"""Parses the time of a measurement."""

import re
from datetime import datetime, timedelta, timezone
from typing import Final

from reconciler.transport.measurements.unmeasured import Unmeasured

_FRACTION: Final = re.compile(r"[.,](\d+)", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LAST: Final = 253_402_300_799  # the last second of the year 9999


def of_seconds(seconds: float) -> datetime:
    """Return the moment that many seconds after 1970, in UTC."""
    if seconds > _LAST:
        raise Unmeasured("its time is after the year 9999: are these milliseconds, not seconds?")
    if not seconds >= 0:
        raise Unmeasured("its time is before 1970")
    return _EPOCH + timedelta(seconds=seconds)


def of_iso(text: str) -> datetime:
    """Return the moment that a text in ISO 8601 states, which has to have a zone."""
    iso = f"{text[:-1]}+00:00" if text.endswith(("Z", "z")) else text
    # Python 3.10 takes three or six digits, and Go writes nine.
    iso = _FRACTION.sub(lambda found: f".{found[1]:0<6.6}", iso, count=1)
    try:
        moment = datetime.fromisoformat(iso)
        if moment.tzinfo is not None:
            return moment.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise Unmeasured("its time is not in ISO 8601, like `2026-01-31T12:00:00Z`") from None
    raise Unmeasured("its time has no zone: end it with `Z`, or with one like `+01:00`")
