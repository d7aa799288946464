"""Which metric of the served versions the page plots, and its points."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from reconciler.audit.overview.lanes import Lane
from reconciler.core.comparison import Side
from reconciler.render.page.metric_plot_svg import MetricPoint

_SERVED: Final = ("applied", "merged")
_FEWEST: Final = 2  # numbers that make a course


def served_metric(
    serving: Lane, sides: Sequence[Side]
) -> tuple[str, tuple[MetricPoint, ...]] | None:
    """Return the metric that most of the served versions have, with a point for each span.

    Of several it is the first by name. None where fewer than two spans have a number.
    """
    metrics = {side.version: side.facts.metrics for side in sides}
    served = [
        (span.version, span.start)
        for span in serving.spans
        if span.kind in _SERVED and span.version in metrics and span.start is not None
    ]
    names = sorted({name for version, _ in served for name in metrics[version or 0]})
    if not names:
        return None

    def numbers(name: str) -> int:
        return sum(_has(metrics[version or 0], name) for version, _ in served)

    name = max(names, key=numbers)
    if numbers(name) < _FEWEST:
        return None
    return name, tuple(
        MetricPoint(version or 0, start, metrics[version or 0].get(name))
        for version, start in served
    )


def _has(metrics: Mapping[str, float], name: str) -> bool:
    value = metrics.get(name)
    return value is not None and math.isfinite(value)
