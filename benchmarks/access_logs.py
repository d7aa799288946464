"""The works that read access logs."""

import gzip
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import raw, rows
from benchmarks.bench import Bench
from benchmarks.table import Row
from tests.support.registries.access_log_formats import FORMATS, Line

_RUNS: Final = 3
_LINES: Final = 1_000_000
_BLOCK: Final = 100_000  # lines; a log repeats them
_CLIENTS: Final = 250
_MODELS: Final = 100
_EACH_SECOND: Final = 10  # loads
_MOST_SECONDS: Final = 10.0
_MOST_MEMORY: Final = 200  # MB
_API: Final = "/api/2.0/mlflow"
_OTHERS: Final = (
    Line(f"{_API}/runs/log-batch", "POST"),
    Line(f"{_API}/runs/get?run_uuid=dd83cc9a622e480b930a79c7d39ae1a8&run_id=dd83cc9a622e480b93"),
    Line(f"{_API}/metrics/get-history?run_id=dd83cc9a622e480b930a79c7d39ae1a8&metric_key=loss"),
)


def access_log(bench: Bench) -> list[Row]:
    """Read access logs of 1,000,000 lines, in several forms."""
    bench.repository.stand_on("steady")
    bench.served.mkdir(parents=True, exist_ok=True)
    usual = _log(bench.served, "uvicorn of MLflow", 2)
    found = _measured(bench, "uvicorn, a third of the lines for loads", usual)
    found += _measured(bench, "the same in gzip", _packed(usual))
    for form in ("gunicorn, nginx combined", "envoy", "nginx json"):
        log = _log(bench.served, form, 0)
        found += _measured(bench, f"{form}, all lines for loads", log)
        log.unlink()
    return found


def _measured(bench: Bench, work: str, log: Path) -> list[Row]:
    """Return the time beside a loop in Python and beside `grep`, and the memory."""
    arguments = ("consumers", "--access-log", str(log), "--format", "json")
    cost, looped = bench.beside(*arguments, plain=lambda: _looped(log), runs=_RUNS)
    searched = median(raw.seconds(lambda: _searched(log)) for _ in range(_RUNS))
    shown = f"`consumers --access-log`, {_LINES:,} lines, {work}"
    time = f"{shown}: time"
    return [
        rows.seconds(f"{time}, a loop in Python", cost, looped, "≤ 10 s", _MOST_SECONDS),
        rows.seconds(f"{time}, `grep -c`", cost, searched),
        rows.processor(shown, cost),
        rows.memory(shown, cost, _MOST_MEMORY),
    ]


def _looped(log: Path) -> None:
    """Look for one word in each line, in Python."""
    with gzip.open(log) if log.suffix == ".gz" else log.open("rb") as file:
        sum(b"get-download-uri" in line for line in file)


def _searched(log: Path) -> None:
    """Count the lines with that word by the tool of the system."""
    tool = "zgrep" if log.suffix == ".gz" else "grep"
    command = [tool, "-c", "get-download-uri", str(log)]
    # Into a pipe: with its output in /dev/null, grep stops at the first match.
    subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603  our own command


def _log(folder: Path, form: str, others: int) -> Path:
    """Write a log in which each request for a load is followed by so many others."""
    path = folder / f"{form}-{others}.log"
    write = FORMATS[form].write
    lines: list[Line] = []
    for load in _traffic(others):
        if len(lines) + len(load) > _BLOCK:
            break
        lines += load
    lines += [Line("/health")] * (_BLOCK - len(lines))
    block = "".join(f"{write(line)}\n" for line in lines).encode()
    with path.open("wb") as file:
        for _ in range(_LINES // _BLOCK):
            file.write(block)
    return path


def _packed(log: Path) -> Path:
    path = log.with_suffix(".log.gz")
    with log.open("rb") as file, gzip.open(path, "wb", compresslevel=6) as packed:
        shutil.copyfileobj(file, packed, 1 << 20)
    return path


def _traffic(others: int) -> Iterator[list[Line]]:
    """Yield the requests of loads for ever: by alias, by stage, by number; of one client each."""
    for number in count():
        name, version = f"name=model-{number % _MODELS}", number % 9 + 1
        model = Line(f"{_API}/registered-models/get?{name}")
        download = Line(f"{_API}/model-versions/get-download-uri?{name}&version={version}")
        alias = Line(f"{_API}/registered-models/alias?{name}&alias=champion")
        stages = Line(f"{_API}/registered-models/get-latest-versions", "POST")
        begin = ((alias,), (alias,), (stages,), ())[number % 4]
        client = number * 7 % _CLIENTS
        yield [
            replace(
                one.later(number // _EACH_SECOND),
                client=f"10.0.{client // 100}.{client % 100}",
                port=40_000 + client,
            )
            for line in (*begin, model, download)
            for one in (line, *_OTHERS[:others])
        ]
