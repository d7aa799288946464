"""What a page of a whole fleet costs, with its history and the apply records."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from benchmarks import raw, rows
from benchmarks.bench import Bench
from benchmarks.command import Cost
from benchmarks.fleet import FOLDER, Fleet, name
from benchmarks.table import Row
from reconciler.audit.apply_record import ApplyRecord
from reconciler.audit.record_lines import dumps

HISTORY: Final = Fleet(commits=2_000, runs="all")
_OUT: Final = "public"
_NOW: Final = ("--now", "2026-01-31T12:00Z")
_RUNS: Final = 3
_READERS: Final = 8
_MOST_SECONDS: Final = 10.0
_MOST_MEMORY: Final = 400  # MB
_KB: Final = 1_000
_LARGEST_INDEX: Final = 1_000  # KB
_LARGEST_PAGE: Final = 200  # KB
_BEGIN: Final = datetime(2023, 11, 14, tzinfo=timezone.utc)


def page(bench: Bench) -> list[Row]:
    """Make a page of 1,000 models after 2,000 promotions, each with its apply record."""
    bench.repository.stand_on("steady")
    _keep_records(bench)
    arguments = ("page", "--out", _OUT, *_NOW)
    _, sent = bench.record(*arguments)

    def plainly() -> None:
        raw.listed(bench.uri, sent.listings)
        asked = [call for call in sent.calls if call not in sent.listings]
        raw.spread(bench.uri, asked, threads=_READERS)
        bench.repository.git("log", "--first-parent", "--raw", "-p", "--", FOLDER)

    online, plain = bench.beside(*arguments, plain=plainly, runs=_RUNS)
    offline, _ = bench.beside(*arguments, "--offline", runs=_RUNS)
    sizes = {path: path.stat().st_size / _KB for path in _files(bench.repository.root / _OUT)}
    index = sizes.pop(bench.repository.root / _OUT / "index.html")
    work = f"`page`, {bench.fleet.models:,} models, {bench.fleet.commits:,} commits"
    return [
        *_costs(work, online, plain),
        *_costs(f"{work}, `--offline`", offline, None),
        Row(f"{work}: requests", len(sent.calls), None, unit=""),
        Row(f"{work}: index", index, None, "≤ 1 MB", _LARGEST_INDEX, "KB"),
        Row(f"{work}: largest page", max(sizes.values()), None, "≤ 200 KB", _LARGEST_PAGE, "KB"),
    ]


def _costs(work: str, cost: Cost, plain: float | None) -> Iterator[Row]:
    yield rows.seconds(f"{work}: time", cost, plain, f"≤ {_MOST_SECONDS:g} s", _MOST_SECONDS)
    yield rows.processor(work, cost)
    yield rows.memory(work, cost, _MOST_MEMORY)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _keep_records(bench: Bench) -> None:
    """Keep a record of each promotion, as an apply after each merge does."""
    fleet, commits = bench.fleet, bench.repository.commits[1:]
    parts = ["commit refs/notes/reconciler\ncommitter Ada <ada@example.com> 1700000000 +0000\n"]
    parts.append("data 7\nrecords\n")
    for at, commit in enumerate(commits):
        time = _BEGIN + timedelta(days=1, minutes=at)
        model = name(at % fleet.models)
        line = dumps(ApplyRecord(time, bench.uri, FOLDER, commit, actor="ci", models=(model,)))
        parts.append(f"N inline {commit}\ndata {len(line)}\n{line}\n")
    bench.repository.git("fast-import", "--quiet", "--force", stdin="".join(parts).encode())
