"""The works that are measured, and how far each is to reach."""

from collections.abc import Mapping
from statistics import median
from typing import Final

from benchmarks import raw, rows
from benchmarks.access_logs import access_log
from benchmarks.bench import Bench
from benchmarks.browsing import browse
from benchmarks.digests import digest_large, digest_many
from benchmarks.fleet import PROMOTED, Fleet, name
from benchmarks.pages import HISTORY, page
from benchmarks.raw import Call
from benchmarks.table import Row

_RUNS: Final = 3
_QUICK_RUNS: Final = 5
_USUAL: Final = 1000  # models
_MOST_MEMORY: Final = 300  # MB
_FEW: Final = 10  # models whose names differ in the last digit
_READERS: Final = 8  # the reconciler's own
_FOR_EACH: Final = 4  # the run and the MLmodel file of the candidate and of the incumbent


def start(bench: Bench) -> list[Row]:
    """Show the help and the version."""
    found = []
    for option in ("--help", "--version"):
        cost, _ = bench.beside(option, runs=_QUICK_RUNS)
        found.append(rows.seconds(f"`{option}`", cost, None, "≤ 0.15 s", 0.15))
    return found


def validate(bench: Bench) -> list[Row]:
    """Check the 1,000 files without a registry."""
    bench.repository.stand_on("steady")
    cost, _ = bench.beside("validate", runs=_QUICK_RUNS)
    return [
        rows.seconds("`validate`, 1,000 files", cost, None, "≤ 0.5 s", 0.5),
        rows.processor("`validate`", cost),
    ]


def plan(bench: Bench) -> list[Row]:
    """Plan where nothing is to do."""
    bench.repository.stand_on("steady")
    listings = bench.listings()
    cost, plain = bench.beside("plan", plain=lambda: raw.listed(bench.uri, listings), runs=_RUNS)
    work = f"`plan`, nothing to do, {bench.fleet.models:,} models"
    most = _MOST_MEMORY if bench.fleet.models <= _USUAL else None
    return [
        Row(f"{work}: requests", cost.requests, len(listings), unit="GET"),
        rows.listed(f"{work}: time", cost, plain),
        rows.processor(work, cost),
        rows.memory(work, cost, most),
    ]


def plan_large(bench: Bench) -> list[Row]:
    """Plan 10,000 models where nothing is to do."""
    return plan(bench)


def plan_scattered(bench: Bench) -> list[Row]:
    """Plan where the models were applied from 200 different commits."""
    bench.repository.stand_on("steady")
    listings = bench.listings()
    cost, plain = bench.beside(
        "plan", plain=lambda: raw.listed(bench.uri, listings), runs=_RUNS, recorded="own"
    )
    return [rows.listed("`plan`, 200 commits recorded: time", cost, plain)]


def overviews(bench: Bench) -> list[Row]:
    """Ask for the status, the drift and a history of 3,000 models."""
    bench.repository.stand_on("steady")
    listings, found = bench.listings(), []
    for command in ("status", "drift"):
        cost, plain = bench.beside(
            command, plain=lambda: raw.listed(bench.uri, listings), runs=_RUNS
        )
        found.append(rows.listed(f"`{command}`, {bench.fleet.models:,} models", cost, plain))
    cost, _ = bench.beside("history", name(0), runs=_RUNS)
    return [*found, rows.seconds("`history MODEL`, one of them", cost)]


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
        rows.seconds(f"{work}: time", cost, plain, "≤ 1 s", 1.0),
        rows.processor(work, cost),
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
        rows.listed(f"{work}: time", cost, plain),
        rows.memory(work, cost, _MOST_MEMORY),
    ]


def apply(bench: Bench) -> list[Row]:
    """Promote 200 models."""
    bench.repository.stand_on("steady")
    listings = bench.listings()
    bench.repository.stand_on("many")
    counted, sent = bench.record("apply", "--yes")
    changing = [call for call in sent.writes if b'"reconciler.' not in call.body]

    def plainly(writes: list[Call]) -> None:
        raw.listed(bench.uri, listings)
        raw.write_all(bench.uri, writes)

    cost, changes = bench.beside("apply", "--yes", plain=lambda: plainly(changing), runs=_RUNS)
    bench.database.restore()
    everything = raw.seconds(lambda: plainly(sent.writes))
    work = f"`apply`, {PROMOTED} models promoted"
    most = counted.changes + 2 * PROMOTED
    reads = len(sent.calls) - len(sent.writes)
    return [
        Row(f"{work}: requests it counts, a proxy counts", counted.requests, sent.tries, unit=""),
        Row(f"{work}: writes, changes", len(sent.writes), counted.changes, "", most, ""),
        Row(f"{work}: reads, listings", reads, len(listings), unit=""),
        rows.seconds(f"{work}: time, the changes", cost, changes, "≤ 2.2 × raw", 2.2 * changes),
        rows.seconds(
            f"{work}: time, all its writes", cost, everything, "≤ 1.5 ×", 1.5 * everything
        ),
    ]


def first_record(bench: Bench) -> list[Row]:
    """Record ten models that no commit was recorded of, where nothing else is to do."""
    bench.repository.stand_on("steady")
    only = ("--model", f"{name(0)[:-1]}*")
    planned, _ = bench.beside("plan", *only, runs=1, recorded="none")
    cost, _ = bench.beside("apply", "--yes", *only, runs=1, recorded="none")
    before = cost.before and planned.before
    former = (before and cost.before and (cost.before.requests - before.requests) / _FEW) or None
    each = (cost.requests - planned.requests) / _FEW
    return [Row("first record: requests a model", each, None, "≤ 3", 3, "", former)]


def promote_one(bench: Bench) -> list[Row]:
    """Promote one model of the 1,000."""
    return _promoted(bench, "`apply --model`, one promotion", most=10)


def promote_large(bench: Bench) -> list[Row]:
    """Promote one model that has 10,000 versions."""
    return _promoted(bench, "`apply --model`, one promotion among 10,000 versions")


def _promoted(bench: Bench, work: str, *, most: int | None = None) -> list[Row]:
    bench.repository.stand_on("one")
    arguments = ("apply", "--yes", "--model", name(bench.fleet.one))
    sent = [bench.record(*arguments)[1] for _ in range(_QUICK_RUNS)]
    cost, plain = bench.beside(
        *arguments, plain=lambda: raw.one_by_one(bench.uri, sent[0].calls), runs=_QUICK_RUNS
    )
    planned, _ = bench.beside("plan", *arguments[2:], runs=_QUICK_RUNS)
    span = median(recording.span for recording in sent)
    former = cost.before.requests if cost.before else None
    reach = f"≤ {most}" if most else ""
    after = cost.seconds - planned.seconds
    older = cost.before.seconds - planned.before.seconds if cost.before and planned.before else None
    return [
        Row(f"{work}: requests", cost.requests, None, reach, most, "", former),
        Row(f"{work}: first request to last answer", span, plain),
        Row(f"{work}: beyond `plan` of it", after, None, "≤ 1 s", 1.0, "s", older),
        rows.seconds(f"{work}: whole process", cost, plain),
    ]


WORKS: Final = (
    *(start, validate, plan, plan_scattered, plan_since, plan_judged),
    *(
        apply,
        first_record,
        promote_one,
        overviews,
        promote_large,
        digest_large,
        digest_many,
        access_log,
        page,
        browse,
    ),
    plan_large,
)
# Those with a registry of their own; and what takes minutes is only measured where it is named.
FLEETS: Final[Mapping[str, Fleet]] = {
    "overviews": Fleet(3000),
    "promote_large": Fleet(1, 10_000),
    "digest_large": Fleet(1, 2),
    "digest_many": Fleet(1, 2),
    "access_log": Fleet(1, 2),
    "page": HISTORY,
    "browse": Fleet(1, 2),
    "plan_large": Fleet(10_000),
}
ON_DEMAND: Final = frozenset({"plan_large"})
