"""Numbers of bytes in words."""

from typing import Final

_KB: Final = 1_000
_UNITS: Final = ("KB", "MB", "GB", "TB")


def in_bytes(size: int) -> str:
    """Return a number of bytes in a unit that fits: a KB has 1,000 of them.

    >>> in_bytes(999), in_bytes(3_400_000)
    ('999 bytes', '3.4 MB')
    """
    if size < _KB:
        return f"{size} byte{'' if size == 1 else 's'}"
    number, unit = float(size), ""
    for unit in _UNITS:  # noqa: B007  the last one holds for anything larger
        number /= _KB
        if round(number, 1) < _KB:
            break
    return f"{number:,.1f} {unit}"
