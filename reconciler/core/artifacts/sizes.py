"""Numbers of bytes in words."""

from typing import Final

_UNITS: Final = ("KB", "MB", "GB", "TB")


def in_bytes(size: int) -> str:
    """Return a number of bytes in a unit that fits: a KB has 1,000 of them.

    >>> in_bytes(999), in_bytes(3_400_000)
    ('999 bytes', '3.4 MB')
    """
    if size < 1_000:
        return f"{size} byte{'' if size == 1 else 's'}"
    number = float(size)
    for unit in _UNITS:
        number /= 1_000
        if number < 999.95:  # what is rounded up to 1000.0 has the next unit
            return f"{number:.1f} {unit}"
    return f"{number:,.1f} {_UNITS[-1]}"
