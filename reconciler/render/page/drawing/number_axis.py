"""The axis of a number: a range with round ends, and numbers as people write them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_ROOM: Final = 0.08  # above and below, as a share of the range
_PLAIN: Final = 10_000  # from here on four digits would be a power of ten
_LARGE: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class NumberAxis:
    """The numbers from `low` to `high` on a line from `bottom` up to `top`."""

    low: float
    high: float
    bottom: float
    top: float

    def y(self, value: float) -> float:
        """Return where a finite number lies."""
        if self.high == self.low:
            return (self.bottom + self.top) / 2
        # Halved, because the distance of two numbers can be too large for one.
        share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        room = (self.bottom - self.top) * _ROOM
        return self.bottom - room - (self.bottom - self.top - 2 * room) * share


def number_axis(values: Iterable[float], bottom: float, top: float) -> NumberAxis:
    """Return an axis over the finite numbers; there must be one."""
    finite = [value for value in values if math.isfinite(value)]
    return NumberAxis(min(finite), max(finite), bottom, top)


def figure(value: float) -> str:
    """Return a number with four significant digits.

    >>> figure(0.91234), figure(3.0), figure(16393.4), figure(1e300), figure(float("nan"))
    ('0.9123', '3', '16,393', '1e+300', 'nan')
    """
    is_long = _PLAIN <= abs(value) < _LARGE
    return f"{value:,.0f}" if is_long else f"{value:.4g}"
