"""How right the source scanner is on the labelled corpus, and how fast on many files."""

import tempfile
import time
from collections import defaultdict
from functools import reduce
from itertools import chain, cycle, islice
from operator import add
from pathlib import Path
from typing import Final

from benchmarks.table import HEADER, Row, line
from reconciler.api.usage.scanning import scan_sources
from tests.support.usage.labelled_corpus import (
    PARTS,
    LabelledFile,
    Score,
    labelled_files,
    places,
    score,
)

_MANY: Final = 10_000  # files
_QUICK: Final = 10.0  # seconds


def accuracy(folder: Path) -> str:
    """Return the tables of precision and recall: by part of the corpus, and by kind of file."""
    scores = {file: _score(folder, file) for part in PARTS for file in labelled_files(part)}
    by_kind: dict[str, Score] = defaultdict(Score)
    for file, its in scores.items():
        by_kind[file.kind] += its
    rows = {
        part: reduce(add, (its for file, its in scores.items() if file.part == part))
        for part in PARTS
    }
    rows["all"] = reduce(add, rows.values())
    return "\n".join(_table(title, group) for title, group in (("part", rows), ("kind", by_kind)))


def speed(folder: Path) -> str:
    """Return the table of the time that a scan of many files takes: the corpus again and again."""
    files = list(chain(*map(labelled_files, PARTS)))
    for number, file in enumerate(islice(cycle(files), _MANY)):
        path = folder / str(number // len(files)) / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
    begun, busy = time.perf_counter(), time.process_time()
    scan = scan_sources([folder], folder)
    took, busy = time.perf_counter() - begun, time.process_time() - busy
    work = f"scan of {scan.files:,} files that load models"
    rows = (
        Row(f"{work}: time", took, None, f"≤ {_QUICK:g} s", _QUICK),
        Row(f"{work}: its own processor time", busy),
    )
    return HEADER + "".join(map(str, rows))


def report() -> str:
    """Return all tables."""
    with tempfile.TemporaryDirectory() as right, tempfile.TemporaryDirectory() as fast:
        return f"{accuracy(Path(right))}\n{speed(Path(fast))}"


def _score(folder: Path, file: LabelledFile) -> Score:
    path = folder / file.part / file.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.data)
    return score(file, places(scan_sources([path], folder).loads))


def _table(title: str, scores: dict[str, Score]) -> str:
    columns = ("found", "right", "labelled", "precision", "recall", "unknown: right", "labelled")
    head = line(title, *columns) + line("---", *(["--:"] * len(columns)))
    return head + "".join(
        line(
            name,
            *(str(number) for number in (its.found, its.right, its.labelled)),
            f"{its.precision:.2f}",
            f"{its.recall:.2f}",
            f"{its.right_unknown} of {its.found_unknown}",
            str(its.labelled_unknown),
        )
        for name, its in scores.items()
    )
