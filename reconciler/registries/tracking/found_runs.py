"""Reads many runs with few requests: by a search, which names the runs that it is for."""

import re
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol

from reconciler.core.facts import Facts
from reconciler.errors import RegistryError
from reconciler.ports.parallel import each
from reconciler.registries.tracking.run_responses import RunRow
from reconciler.registries.tracking.version_facts import run_of

MOST_EXPERIMENTS: Final = 5_000  # a search of runs names the experiments that it is in
_RUNS_AT_A_TIME: Final = 200
_THREADS: Final = 4
_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")  # any other is no run's, and may end the filter


class Searching(Protocol):
    """A tracking server that can be searched; raises `RegistryError`."""

    def runs(self, run_ids: Sequence[str]) -> Sequence[RunRow]:
        """Return those of the runs that a search finds, also deleted ones."""
        ...


def runs_filter(run_ids: Sequence[str]) -> str:
    """Return the filter of a search for runs by their ids."""
    listed = ", ".join(f"'{run_id}'" for run_id in run_ids)
    return f"attributes.run_id IN ({listed})"


def found_runs(
    tracking: Searching, run_ids: Collection[str], *, stop: threading.Event
) -> Mapping[str, Facts]:
    """Return the facts of the runs that a search finds, by id; none where it fails."""
    asked = sorted({run_id for run_id in run_ids if _ID.fullmatch(run_id)})
    parts = [asked[at : at + _RUNS_AT_A_TIME] for at in range(0, len(asked), _RUNS_AT_A_TIME)]
    if not parts:
        return {}

    def search(part: Sequence[str]) -> Sequence[RunRow]:
        try:
            return tracking.runs(part)
        except RegistryError:
            return ()  # each of these runs can still be read by itself

    first = search(parts[0])  # a server that cannot search is not asked again
    if not first and len(parts) > 1:
        return {}
    found = [first, *each(search, parts[1:], threads=_THREADS, stop=stop)]
    return {row.info.run_id: _facts(row) for rows in found for row in rows}


def _facts(row: RunRow) -> Facts:
    run = run_of(row)
    if run.deleted:
        return Facts(run=run, missing=(f"run {run.id[:8]}… is deleted",))
    metrics, params = dict(sorted(row.data.metrics.items())), dict(sorted(row.data.params.items()))
    return Facts(metrics=metrics, params=params, run=run)
