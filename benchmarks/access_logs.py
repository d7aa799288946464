"""The works that read access logs."""

import gzip
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import access_log_script, raw, rows
from benchmarks.bench import Bench
from benchmarks.command import typical
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


@dataclass(frozen=True)
class _Log:
    """A log of 1,000,000 lines, in which so many loads are."""

    path: Path
    loads: int

    @property
    def is_packed(self) -> bool:
        """Return whether it is in gzip."""
        return self.path.suffix == ".gz"

    def looped(self) -> None:
        """Look for one word in each line, in Python."""
        with (gzip.open if self.is_packed else open)(self.path, "rb") as file:
            sum(b"get-download-uri" in line for line in file)

    def searched(self) -> None:
        """Count the lines with that word by the tool of the system."""
        subprocess.run(  # noqa: S603  our own command
            ["zgrep" if self.is_packed else "grep", "-c", "get-download-uri", self.path],
            stdout=subprocess.DEVNULL,
            check=True,
        )


def access_log(bench: Bench) -> list[Row]:
    """Read access logs of 1,000,000 lines, in several forms."""
    bench.served.mkdir(parents=True, exist_ok=True)
    usual = _log(bench.served, "uvicorn of MLflow", 2)
    found = _measured(bench, "uvicorn, a third of the lines for loads", usual)
    found += _measured(bench, "the same in gzip", _packed(usual))
    for form in ("uvicorn of MLflow", "gunicorn, nginx combined", "envoy", "nginx json"):
        log = _log(bench.served, form, 0)
        found += _measured(bench, f"{form}, all lines for loads", log)
        log.path.unlink()
    return found


def _measured(bench: Bench, work: str, log: _Log) -> list[Row]:
    """Return the time beside a loop in Python and beside `grep`, taken in turns, and the memory."""
    costs, loops, searches = [], [], []
    for _ in range(_RUNS):
        costs.append(
            bench.reconciler.python(access_log_script.__file__, str(log.path), str(log.loads))
        )
        loops.append(raw.seconds(log.looped))
        searches.append(raw.seconds(log.searched))
    cost = typical(costs)
    shown = f"access log, {_LINES:,} lines, {work}"
    time = f"{shown}: time"
    return [
        rows.seconds(f"{time}, a loop in Python", cost, median(loops), "≤ 10 s", _MOST_SECONDS),
        rows.seconds(f"{time}, `grep -c`", cost, median(searches)),
        rows.processor(shown, cost),
        rows.memory(shown, cost, _MOST_MEMORY),
    ]


def _log(folder: Path, form: str, others: int) -> _Log:
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
    downloads = sum("get-download-uri" in line.target for line in lines)
    return _Log(path, downloads * (_LINES // _BLOCK))


def _packed(log: _Log) -> _Log:
    path = log.path.with_suffix(".log.gz")
    with log.path.open("rb") as file, gzip.open(path, "wb", compresslevel=6) as packed:
        shutil.copyfileobj(file, packed, 1 << 20)
    return _Log(path, log.loads)


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
