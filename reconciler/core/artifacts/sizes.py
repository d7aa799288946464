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


def part_of(done: int, size: int) -> str:
    """Return how much of a number of bytes there is, in the unit of the whole.

    >>> part_of(12_000_000, 3_400_000_000)
    '0.0 of 3.4 GB'
    """
    whole = in_bytes(size)
    unit = whole.rpartition(" ")[2]
    if unit not in _UNITS:
        return f"{done} of {whole}"
    return f"{done / _KB ** (_UNITS.index(unit) + 1):,.1f} of {whole}"
