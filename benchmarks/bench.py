"""A command and the raw work that it cannot do without, side by side on one registry."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import raw
from benchmarks.command import Cost, Reconciler, typical
from benchmarks.database import Database
from benchmarks.fleet import Fleet, Repository
from benchmarks.raw import Call
from benchmarks.recording import Recording, recorded
from tests.support.registries.servers import mlflow_server

_WORKERS: Final = 4  # what `mlflow server` starts by itself
_WARMING: Final = 32
_SMALL: Final = "/api/2.0/mlflow/registered-models/search?max_results=1"


@dataclass(frozen=True)
class Bench:
    """A checkout, the command in it, a server and its database."""

    fleet: Fleet
    repository: Repository
    reconciler: Reconciler
    uri: str
    database: Database

    def record(self, *arguments: str) -> tuple[Cost, Recording]:
        """Run the command once on the registry as it was, through a recording proxy."""
        self.database.restore()
        with recorded(self.uri) as recording:
            cost = self.reconciler.run(*arguments, uri=recording.uri)
        return cost, recording

    def listings(self) -> Sequence[Call]:
        """Return the searches that read the whole registry, as `plan` sends them."""
        return self.record("plan")[1].listings

    def beside(
        self,
        *arguments: str,
        plain: Callable[[], object],
        runs: int,
        scattered: bool = False,
    ) -> tuple[Cost, float]:
        """Return the typical cost of a command and the seconds of its raw work, taken in turns.

        Every run begins on the registry as it was.
        """
        costs, times = [], []
        for _ in range(runs):
            self.database.restore(scattered=scattered)
            costs.append(self.reconciler.run(*arguments, uri=self.uri))
            self.database.restore(scattered=scattered)
            times.append(raw.seconds(plain))
        return typical(costs), median(times)


@contextmanager
def prepared(folder: Path, fleet: Fleet) -> Iterator[Bench]:
    """Make a fleet's repository, and a warm server on its registry."""
    repository = Repository(folder / "repository", fleet)
    path = folder / "registry.db"
    with mlflow_server(folder, f"sqlite:///{path}", workers=_WORKERS) as uri:
        database = Database(path, fleet, repository.commits)
        # Each worker opens its database with its first request.
        raw.at_once(uri, [Call("GET", _SMALL)] * _WARMING)
        yield Bench(fleet, repository, Reconciler(repository.root), uri, database)
