"""Measures by any kind of source."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from reconciler.core.declaring.watch import WatchSource
from reconciler.policy.watching.looks import Measurement
from reconciler.ports.measurements import LoggedRuns

TIMEOUT: Final = 10.0  # seconds for one request


class MeasurementSources:
    """Measures a version by the sources that `watch:` declares; safe to use from several threads.

    `environ` holds the tokens, proxies and certificate authorities. Files are looked up below
    `root`. `runs` is the registry.
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
        raise NotImplementedError
