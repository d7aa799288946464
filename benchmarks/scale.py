"""How the costs grow with the registry, beside what asking object by object costs."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import raw, script
from benchmarks.bench import Bench, prepared
from benchmarks.command import Cost, typical
from benchmarks.fleet import FOLDER, Fleet, name
from benchmarks.raw import Call
from benchmarks.recording import recorded

GROWING: Final = (Fleet(100), Fleet(1_000), Fleet(10_000))
ALL: Final = (*GROWING, Fleet(1, 10_000))
SAMPLE: Final = 250  # models; what asks object by object takes as long for each of them

_FEW: Final = 3
_RUNS: Final = 3
_LARGE: Final = 5_000  # models; one run of so many takes a minute
_AT_A_TIME: Final = 10  # Terraform's default
_API: Final = "/api/2.0/mlflow"


@dataclass(frozen=True)
class Sampled:
    """What a part of the models cost; `seconds` are extrapolated to all, `times` that part."""

    requests: float
    seconds: float
    times: int
    memory: float = 0.0


@dataclass(frozen=True)
class Measured:
    """What was measured of one fleet."""

    fleet: Fleet
    validate: Cost
    plan: Cost
    listings: int
    listing: float
    promote: Cost
    span: float
    script: Sampled
    refresh: Sampled


def measured(fleet: Fleet) -> Measured:
    """Measure a fleet on a server of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="scale") as folder,
        prepared(Path(folder), fleet) as bench,
    ):
        bench.repository.stand_on("steady")
        validate = typical([bench.reconciler.run("validate") for _ in range(_RUNS)])
        listings = bench.listings()
        plan, listing = bench.beside(
            "plan",
            plain=lambda: raw.listed(bench.uri, listings),
            runs=1 if fleet.models > _LARGE else _RUNS,
        )
        script, refresh = _by_script(bench), _refreshed(bench)
        promote, span = _promoted(bench)
        return Measured(
            fleet, validate, plan, len(listings), listing, promote, span, script, refresh
        )


def _promoted(bench: Bench) -> tuple[Cost, float]:
    """Return the cost of promoting one model, and the time from its first request to the last."""
    bench.repository.stand_on("one")
    arguments = ("apply", "--yes", "--model", name(bench.fleet.one))
    span = median(bench.record(*arguments)[1].span for _ in range(_RUNS))
    costs = []
    for _ in range(_RUNS):
        bench.database.restore()
        costs.append(bench.reconciler.run(*arguments, uri=bench.uri))
    return typical(costs), span


def _by_script(bench: Bench) -> Sampled:
    """Return what a script costs that asks for one model after the other."""
    count, times = _part(bench.fleet)

    def run(uri: str, models: int) -> Cost:
        return bench.reconciler.python(script.__file__, FOLDER, uri, str(models))

    few = min(count, _FEW)
    with recorded(bench.uri) as recording:
        run(recording.uri, few)
    begun = run(bench.uri, 0).seconds
    cost = run(bench.uri, count)
    seconds = begun + (cost.seconds - begun) * times
    return Sampled(recording.tries / few * bench.fleet.models, seconds, times, cost.memory)


def _refreshed(bench: Bench) -> Sampled:
    """Return what one GET for each declared object costs, without any work on the answers."""
    count, times = _part(bench.fleet)
    calls = [call for number in range(count) for call in _objects(bench.fleet, number)]
    seconds = raw.seconds(lambda: raw.spread(bench.uri, calls, threads=_AT_A_TIME))
    return Sampled(len(calls) * times, seconds * times, times)


def _part(fleet: Fleet) -> tuple[int, int]:
    count = min(fleet.models, SAMPLE)
    return count, fleet.models // count


def _objects(fleet: Fleet, number: int) -> Sequence[Call]:
    """Return the reads of a model, its two declared versions and its alias."""
    asked = f"name={name(number)}"
    paths = (
        f"registered-models/get?{asked}",
        *(f"model-versions/get?{asked}&version={fleet.versions - less}" for less in (1, 0)),
        f"registered-models/alias?{asked}&alias=champion",
    )
    return [Call("GET", f"{_API}/{path}") for path in paths]
