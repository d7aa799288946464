"""The works that are measured, and how far each is to reach."""

from statistics import median
from typing import Final

from benchmarks import raw
from benchmarks.bench import Bench
from benchmarks.command import typical
from benchmarks.fleet import PROMOTED, name
from benchmarks.table import Row

_RUNS: Final = 3
_QUICK_RUNS: Final = 5
_READERS: Final = 8  # the reconciler's own
_FOR_EACH: Final = 4  # the run and the MLmodel file of the candidate and of the incumbent


def validate(bench: Bench) -> list[Row]:
    """Check the 1,000 files without a registry."""
    bench.repository.stand_on("steady")
    cost = typical([bench.reconciler.run("validate") for _ in range(_QUICK_RUNS)])
    return [Row("`validate`, 1,000 files", cost.seconds, None, "≤ 0.6 s", 0.6)]


def plan(bench: Bench) -> list[Row]:
    """Plan where nothing is to do."""
    bench.repository.stand_on("steady")
    listings = bench.listings()
    cost, plain = bench.beside("plan", plain=lambda: raw.listed(bench.uri, listings), runs=_RUNS)
    work = "`plan`, nothing to do"
    return [
        Row(f"{work}: requests", cost.requests, len(listings), "≤ 5", 5, "GET"),
        Row(f"{work}: time", cost.seconds, plain, "≤ 1.2 × raw + 1 s", 1.2 * plain + 1.0),
        Row(f"{work}: peak memory", cost.memory, None, "≤ 300 MB", 300, "MB"),
    ]


def plan_scattered(bench: Bench) -> list[Row]:
    """Plan where the models were applied from 200 different commits."""
    bench.repository.stand_on("steady")
    listings = bench.listings()
    cost, plain = bench.beside(
        "plan", plain=lambda: raw.listed(bench.uri, listings), runs=_RUNS, scattered=True
    )
    work = "`plan`, 200 commits recorded: time"
    return [Row(work, cost.seconds, plain, "≤ 1.2 × raw + 1 s", 1.2 * plain + 1.0)]


def plan_since(bench: Bench) -> list[Row]:
    """Plan a pull request that changes one model."""
    bench.repository.stand_on("one")
    arguments = ("plan", "--since", "HEAD~1")
    _, sent = bench.record(*arguments)
    cost, plain = bench.beside(
        *arguments, plain=lambda: raw.one_by_one(bench.uri, sent.calls), runs=_QUICK_RUNS
    )
    work = "`plan --since HEAD~1`, one model changed"
    return [
        Row(f"{work}: requests", cost.requests, None, "≤ 4 + 4", 4 + _FOR_EACH, "GET"),
        Row(f"{work}: time", cost.seconds, plain, "≤ 1 s", 1.0),
    ]


def plan_judged(bench: Bench) -> list[Row]:
    """Plan the promotion of 200 models that two conditions on metrics judge."""
    bench.repository.stand_on("judged")
    _, sent = bench.record("plan")
    asked = [call for call in sent.calls if call not in sent.listings]

    def plainly() -> None:
        raw.listed(bench.uri, sent.listings)
        raw.spread(bench.uri, asked, threads=_READERS)

    cost, plain = bench.beside("plan", plain=plainly, runs=_RUNS)
    work = f"`plan`, {PROMOTED} promotions judged by metrics"
    least = len(sent.listings) + _FOR_EACH * PROMOTED
    return [
        Row(f"{work}: requests", cost.requests, least, "≤ 4 a promotion more", least + 1, "GET"),
        Row(f"{work}: time", cost.seconds, plain, "≤ 1.2 × raw + 1 s", 1.2 * plain + 1.0),
        Row(f"{work}: peak memory", cost.memory, None, "≤ 300 MB", 300, "MB"),
    ]


def apply(bench: Bench) -> list[Row]:
    """Promote 200 models."""
    bench.repository.stand_on("steady")
    listings = bench.listings()
    bench.repository.stand_on("many")
    counted, sent = bench.record("apply", "--yes")

    def plainly() -> None:
        raw.listed(bench.uri, listings)
        raw.write_all(bench.uri, sent.writes)

    cost, plain = bench.beside("apply", "--yes", plain=plainly, runs=_RUNS)
    work = f"`apply`, {PROMOTED} models promoted"
    writes, changes = len(sent.writes), counted.changes
    most = changes + 2 * PROMOTED
    reads = len(sent.calls) - writes
    return [
        Row(f"{work}: requests it counts, a proxy counts", counted.requests, sent.tries, unit=""),
        Row(f"{work}: writes, changes", writes, changes, "≤ 2 more a model", most, ""),
        Row(f"{work}: reads, listings", reads, len(listings), unit=""),
        Row(f"{work}: time", cost.seconds, plain, "≤ 2 × raw", 2 * plain),
    ]


def promote_one(bench: Bench) -> list[Row]:
    """Promote one model of the 1,000."""
    bench.repository.stand_on("one")
    arguments = ("apply", "--yes", "--model", name(bench.fleet.one))
    sent = [bench.record(*arguments)[1] for _ in range(_QUICK_RUNS)]
    cost, plain = bench.beside(
        *arguments, plain=lambda: raw.one_by_one(bench.uri, sent[0].calls), runs=_QUICK_RUNS
    )
    work = "`apply --model`, one promotion"
    span = median(recording.span for recording in sent)
    return [
        Row(f"{work}: requests", cost.requests, unit=""),
        Row(f"{work}: first request to last answer", span, plain, "aim < 0.5 s"),
        Row(f"{work}: whole process", cost.seconds, plain),
    ]


WORKS: Final = (validate, plan, plan_scattered, plan_since, plan_judged, apply, promote_one)
