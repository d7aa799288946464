"""The table of how costs grow: a column for each fleet, and the exponent over the growing ones."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import log
from typing import Final

from benchmarks.scale import GROWING, Measured
from benchmarks.table import line

_MOST: Final = 1.05
_RATIO: Final = 1.2
_START: Final = 0.4  # seconds


@dataclass(frozen=True)
class Quantity:
    """One row: what it is of a fleet, in which unit, and whether its growth has a reach."""

    work: str
    value: Callable[[Measured], float]
    unit: str = "s"
    reach: bool = False
    times: Callable[[Measured], int] = lambda _: 1

    def cell(self, one: Measured) -> str:
        """Return the value, and what it is extrapolated by."""
        value, times = self.value(one), self.times(one)
        number = f"{value:,.2f}" if self.unit == "s" and value < 100 else f"{value:,.0f}"  # noqa: PLR2004  digits
        shown = f"{number} {self.unit}".rstrip()
        return shown if times == 1 else f"≈ {shown} (× {times})"


QUANTITIES: Final = (
    Quantity("`validate`: time", lambda one: one.validate.seconds, reach=True),
    Quantity("`plan`, nothing to do: requests", lambda one: one.plan.requests, "GET", reach=True),
    Quantity("raw listings: requests", lambda one: one.listings, "GET"),
    Quantity("`plan`, nothing to do: time", lambda one: one.plan.seconds, reach=True),
    Quantity("raw listings: time", lambda one: one.listing),
    Quantity("`plan`: its own processor time", lambda one: one.plan.processor, reach=True),
    Quantity("`plan`: peak memory", lambda one: one.plan.memory, "MB", reach=True),
    Quantity("per-model script: requests", lambda one: one.script.requests, "GET"),
    Quantity(
        "per-model script: time", lambda one: one.script.seconds, times=lambda one: one.script.times
    ),
    Quantity("full refresh by GETs: requests", lambda one: one.refresh.requests, "GET"),
    Quantity(
        "full refresh by GETs: time",
        lambda one: one.refresh.seconds,
        times=lambda one: one.refresh.times,
    ),
    Quantity("one promotion: requests", lambda one: one.promote.requests, ""),
    Quantity("one promotion: first request to last answer", lambda one: one.span),
    Quantity("one promotion: whole process", lambda one: one.promote.seconds, reach=True),
)


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the line through the logarithms: 1 is linear, 2 quadratic growth."""
    xs, ys = [log(x) for x, _ in points], [log(y) for _, y in points]
    middle, height = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - middle) ** 2 for x in xs)
    return sum((x - middle) * (y - height) for x, y in zip(xs, ys, strict=True)) / spread


def table(found: Sequence[Measured]) -> str:
    """Return the whole table as Markdown."""
    fleets = [str(one.fleet) for one in found]
    head = line("models × versions", *fleets, "exponent", "reach", "verdict")
    rule = line("---", *("--:" for _ in fleets), "--:", "---", "---")
    return head + rule + "".join(_rows(found))


def _rows(found: Sequence[Measured]) -> Iterator[str]:
    growing = [one for one in found if one.fleet in GROWING]
    for quantity in QUANTITIES:
        cells = (quantity.cell(one) for one in found)
        slope = exponent([(one.fleet.models, quantity.value(one)) for one in growing])
        verdict = ("met" if slope <= _MOST else "**NOT met**") if quantity.reach else "informs"
        reach = f"≤ {_MOST}" if quantity.reach else ""
        yield line(quantity.work, *cells, f"{slope:.2f}", reach, verdict)
    ratios = (f"{one.plan.seconds / one.listing:.2f}" for one in found)
    within = all(one.plan.seconds <= _RATIO * one.listing + _START for one in found)
    reach = f"≤ {_RATIO} × raw + {_START:g} s"
    yield line("`plan`: time, raw", *ratios, "", reach, "met" if within else "**NOT met**")
