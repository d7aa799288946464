"""Measures by any kind of source."""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from typing_extensions import assert_never

from reconciler.core.declaring.watch import JsonValue, PrometheusQuery, RunMetric, WatchSource
from reconciler.core.durations import in_words
from reconciler.policy.watching.looks import Measurement
from reconciler.ports.measurements import LoggedRuns
from reconciler.transport.measurements.exchange import Exchange
from reconciler.transport.measurements.json_document import read_json
from reconciler.transport.measurements.prometheus import ask_prometheus
from reconciler.transport.measurements.run_metric import read_metric
from reconciler.transport.measurements.unmeasured import Unmeasured
from reconciler.transport.measurements.watched_version import WatchedVersion

TIMEOUT: Final = 10.0  # seconds for all requests of one measurement
_CLOCKS: Final = timedelta(minutes=5)  # by which two clocks may differ


class MeasurementSources:
    """Measures a version by the sources that `watch:` declares; safe to use from several threads.

    `environ` holds the tokens, proxies and certificate authorities. Files are looked up below
    `root`. `runs` are those of the registry.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        root: Path,
        runs: LoggedRuns,
        *,
        timeout: float = TIMEOUT,
    ) -> None:
        self._environ = environ
        self._root = root
        self._runs = runs
        self._timeout = timeout

    def measure(
        self,
        source: WatchSource,
        *,
        model: str,
        version: int,
        run_id: str | None,
        now: datetime,
        at: datetime | None = None,
    ) -> Measurement:
        """Return what a source tells of a version, `at` a moment in the past or now.

        Whatever a server or a file does, the result says it in `why`. Raises `DeclarationError` for
        what only a change of the rule can mend, such as a query with a syntax error; its problems
        name neither file nor line, which the caller knows.
        """
        try:
            watched = WatchedVersion(model, version)
            return _told(self._measured(source, watched, run_id, at), now)
        except Unmeasured as error:
            return Measurement(why=error.why)

    def _measured(
        self,
        source: WatchSource,
        watched: WatchedVersion,
        run_id: str | None,
        at: datetime | None,
    ) -> Measurement:
        exchange = Exchange(self._environ, self._timeout)
        if isinstance(source, PrometheusQuery):
            return ask_prometheus(source, watched, exchange, at)
        if at is not None:
            raise Unmeasured("only Prometheus tells values of the past")
        match source:
            case JsonValue():
                return read_json(source, watched, exchange, self._root)
            case RunMetric():
                return read_metric(source, watched, run_id, self._runs)
            case _:
                assert_never(source)


def _told(measured: Measurement, now: datetime) -> Measurement:
    """Return a measurement with the reason why its value cannot be used, where there is one."""
    if measured.time is not None and measured.time - now > _CLOCKS:
        # It would never become too old.
        ahead = in_words(measured.time - now, parts=1)
        raise Unmeasured(f"its time is {ahead} ahead of this machine's clock")
    if measured.value is not None and not math.isfinite(measured.value):
        kind = "NaN" if math.isnan(measured.value) else "infinite"
        return replace(measured, why=f"the value is {kind}")
    return measured
