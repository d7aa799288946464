"""`make bench`: measures the commands on 1,000 models behind a local `mlflow server`."""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks import raw
from benchmarks.bench import Bench
from benchmarks.command import Reconciler
from benchmarks.fleet import Database, Repository
from benchmarks.raw import Call
from benchmarks.table import HEADER, Row
from benchmarks.works import WORKS
from tests.servers import mlflow_server

_WORKERS: Final = 4  # what `mlflow server` starts by itself
_WARMING: Final = 32
_SMALL: Final = "/api/2.0/mlflow/registered-models/search?max_results=1"


def main() -> None:
    """Measure every work, or those named as arguments, and print the table."""
    begin = time.perf_counter()
    works = [work for work in WORKS if work.__name__ in sys.argv[1:] or not sys.argv[1:]]
    with tempfile.TemporaryDirectory(prefix="bench") as place, prepared(Path(place)) as bench:
        show(HEADER)
        for work in works:
            tell(f"{work.__name__}: {work.__doc__}")
            show(*work(bench))
    tell(f"measured in {time.perf_counter() - begin:.0f} s")


@contextmanager
def prepared(folder: Path) -> Iterator[Bench]:
    """Make the repository, and a warm server on a full registry."""
    tell("preparing 1,000 models with 10 versions, 203 commits, a server with 4 workers")
    repository = Repository(folder / "repository")
    path = folder / "registry.db"
    with mlflow_server(folder, f"sqlite:///{path}", workers=_WORKERS) as uri:
        database = Database(path, repository.commits)
        # Each worker opens its database with its first request.
        raw.at_once(uri, [Call("GET", _SMALL)] * _WARMING)
        yield Bench(repository, Reconciler(repository.root), uri, database)


def show(*lines: Row | str) -> None:
    """Print a part of the table as soon as it is known."""
    sys.stdout.write("".join(map(str, lines)))
    sys.stdout.flush()


def tell(text: str) -> None:
    """Say on stderr what is going on: stdout holds the table."""
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
