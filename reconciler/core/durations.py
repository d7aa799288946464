"""Parses durations from files (`1d12h`) and formats them for messages (`36 h`)."""

import re
from datetime import timedelta
from typing import Final

from reconciler.core.parse_error import ParseError

_SECONDS: Final = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_WRITTEN = re.compile(r"\s*".join(rf"(?:(?P<{unit}>[0-9]{{1,9}})\s*{unit})?" for unit in _SECONDS))
_LONGEST: Final = timedelta(days=3_660)
_UNITS: Final = "write it like `24h`, `7d`, `90m` or `1d12h` (units: w, d, h, m, s)"


def parse_duration(text: str) -> timedelta:
    """Return the duration that a text states; raises `ParseError`."""
    match = _WRITTEN.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise ParseError(f"`{text}` is not a duration", _UNITS)
    seconds = sum(int(count) * _SECONDS[unit] for unit, count in match.groupdict("0").items())
    if not seconds:
        raise ParseError(f"`{text}` is zero", "write a longer duration, or remove the rule")
    if seconds > _LONGEST.total_seconds():
        raise ParseError(f"`{text}` is longer than ten years", _UNITS)
    return timedelta(seconds=seconds)


def in_words(duration: timedelta, *, parts: int | None = None) -> str:
    """Return a duration for a message, in whole seconds; `parts` keeps that many units.

    The rest is cut off, not rounded: 23 h 59 m is never shown as 24 h.
    """
    left = max(0, duration // timedelta(seconds=1))
    words = []
    for unit in "dhms":
        # Below two days hours are easier to read: 24 h, 36 h.
        if unit == "d" and left < 2 * _SECONDS["d"]:
            continue
        count, left = divmod(left, _SECONDS[unit])
        if count:
            words.append(f"{count} {unit}")
    return " ".join(words[:parts]) or "0 s"
