"""The works that read the files of versions."""

from typing import Final

from benchmarks import rows
from benchmarks.bench import Bench
from benchmarks.fleet import name
from benchmarks.served_files import ServedFiles, many_small, one_large
from benchmarks.table import Row

_RUNS: Final = 3
_LARGE: Final = 2 * 1024**3  # bytes
_MANY: Final = 1000  # files
_SMALL: Final = 10_000  # bytes
_READERS: Final = 8  # the reconciler's own
_MOST_MEMORY: Final = 150  # MB


def digest_large(bench: Bench) -> list[Row]:
    """Read a version of one file of 2 GB that the server passes on, and one on this machine."""
    files = one_large(bench.served, _LARGE)
    arguments = _arguments(bench, files.place)
    work = "`digest`, one file of 2 GB"
    cost, plain = bench.beside(*arguments, plain=lambda: files.piped(bench.uri), runs=_RUNS)
    again, fast = bench.beside(
        *arguments, plain=lambda: files.piped(bench.uri, fast=True), runs=_RUNS
    )
    here, _ = bench.beside(*_arguments(bench, (bench.served / files.folder).as_uri()), runs=_RUNS)
    summed, fast_summed = (
        f"{work}: time, `curl` into `{tool}`" for tool in ("sha256sum", "openssl")
    )
    return [
        rows.seconds(summed, cost, plain, "≤ 1.15 ×", 1.15 * plain),
        rows.seconds(fast_summed, again, fast),
        rows.processor(work, cost),
        rows.memory(work, cost, _MOST_MEMORY),
        rows.seconds(f"{work}, on this machine: time", here),
        rows.memory(f"{work}, on this machine", here, _MOST_MEMORY),
    ]


def digest_many(bench: Bench) -> list[Row]:
    """Read a version of 1,000 files of 10 KB that the server passes on."""
    work = f"`digest`, {_MANY:,} files of 10 KB"
    least, _ = bench.beside(*_arguments(bench, one_large(bench.served, 1).place), runs=_RUNS)
    files = many_small(bench.served, _MANY, _SMALL)
    arguments = _arguments(bench, files.place)
    sent = bench.record(*arguments)[1]
    cost, plain = bench.beside(*arguments, plain=lambda: _spread(bench, files), runs=_RUNS)
    after = cost.seconds - least.seconds
    return [
        Row(f"{work}: requests", len(sent.calls), _MANY, unit="GET"),
        rows.seconds(f"{work}: time", cost, plain, "≤ 1.3 ×", 1.3 * plain),
        Row(f"{work}: beyond `digest` of one byte", after, plain, "≤ 1.3 ×", 1.3 * plain),
        rows.processor(work, cost),
        rows.memory(work, cost, _MOST_MEMORY),
    ]


def _arguments(bench: Bench, place: str) -> tuple[str, ...]:
    """Let the registry tell a place for the files of each version, and return what reads them."""
    bench.database.keep_at(place)
    return "digest", f"{name(0)}/1"


def _spread(bench: Bench, files: ServedFiles) -> None:
    files.spread(bench.uri, threads=_READERS)
