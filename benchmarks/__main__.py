"""`make bench`: measures the commands behind a local `mlflow server`, at several sizes."""

import argparse
import sys
import tempfile
import time
from collections.abc import Collection
from itertools import groupby
from pathlib import Path

from benchmarks import chart, growth, scale, scanning, watching
from benchmarks.bench import prepared
from benchmarks.fleet import Fleet
from benchmarks.table import HEADER, Row
from benchmarks.works import FLEETS, ON_DEMAND, WORKS


def main() -> None:
    """Measure every work, or those named as arguments, and print their tables."""
    begin = time.perf_counter()
    names = [*(work.__name__ for work in WORKS), "scale", "scan", "watch"]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("works", metavar="WORK", nargs="*", help=", ".join(names))
    parser.add_argument("--chart", metavar="FILE", type=Path, help="draw how the costs grow")
    parser.add_argument(
        "--before",
        metavar="FOLDER",
        type=lambda folder: Path(folder).resolve(),
        help="a checkout of an older version, whose package is measured in turns with this one",
    )
    given = parser.parse_args()
    if unknown := set(given.works) - set(names):
        parser.error(f"no such work: {', '.join(sorted(unknown))}")
    asked = given.works or [name for name in names if name not in ON_DEMAND]
    measure(asked, given.before)
    if "scale" in asked:
        measure_growth(given.chart)
    if "scan" in asked:
        tell("scan: the labelled corpus, and 10,000 files")
        show("\n", scanning.report())
    if "watch" in asked:
        tell(f"watch: {watching.SERIES:,} simulated days of each kind")
        show("\n", watching.report())
    tell(f"measured in {time.perf_counter() - begin:.0f} s")


def measure(asked: Collection[str], before: Path | None) -> None:
    """Print the table of the works, each on its fleet."""
    works = [work for work in WORKS if work.__name__ in asked]
    if works:
        show(HEADER)
    for fleet, some in groupby(works, lambda work: FLEETS.get(work.__name__, Fleet())):
        tell(f"preparing {fleet} versions, a server with 4 workers")
        with (
            tempfile.TemporaryDirectory(prefix="bench") as place,
            prepared(Path(place), fleet, before) as bench,
        ):
            for work in some:
                tell(f"{work.__name__}: {work.__doc__}")
                show(*work(bench))


def measure_growth(picture: Path | None) -> None:
    """Print the table of all fleets, and draw them where that is asked for."""
    found = []
    for fleet in scale.ALL:
        tell(f"scale: {fleet} versions")
        found.append(scale.measured(fleet))
    show("\n", growth.table(found))
    if picture is not None:
        growing = [one for one in found if one.fleet in scale.GROWING]
        picture.write_text(chart.chart(growing), encoding="utf-8")


def show(*lines: Row | str) -> None:
    """Print a part of a table as soon as it is known."""
    sys.stdout.write("".join(map(str, lines)))
    sys.stdout.flush()


def tell(text: str) -> None:
    """Say on stderr what is going on: stdout holds the tables."""
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
