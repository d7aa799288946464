"""The chart of how time and requests grow, as an SVG that is readable in light and in dark."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Final

from benchmarks.scale import Measured

_WIDTH, _HEIGHT = 840, 460
_PLOT: Final = 300  # pixels, both ways
_TOP: Final = 64
_LEFTS: Final = (70, 480)
_STYLE: Final = """\
  .card { fill: #ffffff } text { fill: #24292f; font: 13px system-ui, sans-serif }
  .title { font-weight: 600 } .grid { stroke: #d0d7de } .line { fill: none; stroke-width: 2.5 }
  .c0 { stroke: #0969da; fill: #0969da } .c1 { stroke: #6e7781; fill: #6e7781 }
  .c2 { stroke: #bc4c00; fill: #bc4c00 } .c3 { stroke: #1a7f37; fill: #1a7f37 }
  .dash { stroke-dasharray: 6 4 }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117 } text { fill: #e6edf3 } .grid { stroke: #3d444d }
    .c0 { stroke: #4493f8; fill: #4493f8 } .c1 { stroke: #9198a1; fill: #9198a1 }
    .c2 { stroke: #f0883e; fill: #f0883e } .c3 { stroke: #3fb950; fill: #3fb950 }
  }
  .line { fill: none } .key { stroke: none }
"""


@dataclass(frozen=True)
class Line:
    """A line of the chart: what it shows of a fleet in the left and in the right half."""

    name: str
    seconds: Callable[[Measured], float]
    requests: Callable[[Measured], float]


_LINES: Final = (
    Line("plan", lambda one: one.plan.seconds, lambda one: one.plan.requests),
    Line("raw listings", lambda one: one.listing, lambda one: one.listings),
    Line("per-model script", lambda one: one.script.seconds, lambda one: one.script.requests),
    Line("full refresh by GETs", lambda one: one.refresh.seconds, lambda one: one.refresh.requests),
)


def chart(found: Sequence[Measured]) -> str:
    """Return the SVG of fleets that differ in the number of their models."""
    halves = (
        (
            "seconds until a plan is known",
            [[line.seconds(one) for one in found] for line in _LINES],
        ),
        ("requests for a plan", [[line.requests(one) for one in found] for line in _LINES]),
    )
    models = [one.fleet.models for one in found]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        "<title>Time and requests by the number of models, both axes logarithmic</title>",
        f"<style>\n{_STYLE}</style>",
        f'<rect class="card" width="{_WIDTH}" height="{_HEIGHT}" rx="8"/>',
    ]
    for left, (title, values) in zip(_LEFTS, halves, strict=True):
        parts += _half(left, title, models, values)
    parts += _key()
    return "\n".join([*parts, "</svg>", ""])


def _half(
    left: int, title: str, models: Sequence[int], values: Sequence[Sequence[float]]
) -> Iterator[str]:
    every = [value for line in values for value in line]
    low, high = floor(log10(min(every))), ceil(log10(max(every)))
    first, last = log10(models[0]), log10(models[-1])

    def x(value: float) -> float:
        return left + (log10(value) - first) / (last - first) * _PLOT

    def y(value: float) -> float:
        return _TOP + (high - log10(value)) / (high - low) * _PLOT

    yield f'<text class="title" x="{left}" y="{_TOP - 30}">{title}</text>'
    for power in range(low, high + 1):
        at = y(10**power)
        yield f'<path class="grid" d="M{left} {at:.1f}h{_PLOT}"/>'
        yield f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">{10**power:,}</text>'
    for count in models:
        at = x(count)
        yield f'<path class="grid" d="M{at:.1f} {_TOP}v{_PLOT}"/>'
        yield f'<text x="{at:.1f}" y="{_TOP + _PLOT + 20}" text-anchor="middle">{count:,}</text>'
    middle, below = left + _PLOT / 2, _TOP + _PLOT + 40
    yield f'<text x="{middle:.0f}" y="{below}" text-anchor="middle">models, 10 versions each</text>'
    for number, line in enumerate(values):
        points = [(x(count), y(value)) for count, value in zip(models, line, strict=True)]
        path = "L".join(f"{across:.1f} {down:.1f}" for across, down in points)
        dash = " dash" if number == 1 else ""
        yield f'<path class="c{number} line{dash}" d="M{path}"/>'
        for across, down in points:
            yield f'<circle class="c{number}" cx="{across:.1f}" cy="{down:.1f}" r="3.5"/>'


def _key() -> Iterator[str]:
    down = _HEIGHT - 26
    for number, line in enumerate(_LINES):
        across = _LEFTS[0] + number * 190
        yield f'<rect class="c{number} key" x="{across}" y="{down - 9}" width="18" height="5"/>'
        yield f'<text x="{across + 26}" y="{down}">{line.name}</text>'
