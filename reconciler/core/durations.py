"""Lengths of time: read as they are written in a file, `1d12h`, and said in a message, `36 h`."""

import re
from datetime import timedelta
from typing import Final

from reconciler.core.parse_error import ParseError

_SECONDS: Final = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_WRITTEN = re.compile(r"\s*".join(rf"(?:(?P<{unit}>[0-9]{{1,9}})\s*{unit})?" for unit in _SECONDS))
_LONGEST: Final = timedelta(days=3_660)
_UNITS: Final = "write it like `24h`, `7d`, `90m` or `1d12h` (units: w, d, h, m, s)"


def parse_duration(text: str) -> timedelta:
    """Return the length of time that a text says; raises `ParseError`."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        raise ParseError(f"`{text}` is not a length of time", _UNITS)
    seconds = sum(int(count) * _SECONDS[unit] for unit, count in found.groupdict("0").items())
    if not seconds:
        raise ParseError(f"`{text}` is no time at all", "write how long it is, or remove the rule")
    if seconds > _LONGEST.total_seconds():
        raise ParseError(f"`{text}` is longer than ten years", _UNITS)
    return timedelta(seconds=seconds)


def in_words(duration: timedelta, *, parts: int | None = None) -> str:
    """Return a length of time for a message, in whole seconds; `parts` keeps the largest units.

    What is cut is cut off, never rounded up: 23 h 59 m are not said to be 24 h.
    """
    left = max(0, duration // timedelta(seconds=1))
    said = []
    for unit in "dhms":
        # Up to two days people count hours: 24 h, 36 h.
        if unit == "d" and left < 2 * _SECONDS["d"]:
            continue
        count, left = divmod(left, _SECONDS[unit])
        if count:
            said.append(f"{count} {unit}")
    return " ".join(said[:parts]) or "0 s"
