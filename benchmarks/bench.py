"""A command and the raw work that it cannot do without, side by side on one registry."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import raw
from benchmarks.command import Cost, Reconciler, typical
from benchmarks.database import Database, Recorded
from benchmarks.fleet import Fleet, Repository
from benchmarks.raw import Call
from benchmarks.recording import Recording, recorded
from tests.support.registries.servers import mlflow_server

_WORKERS: Final = 4  # what `mlflow server` starts by itself
_WARMING: Final = 32
_SMALL: Final = "/api/2.0/mlflow/registered-models/search?max_results=1"


@dataclass(frozen=True)
class Bench:
    """A checkout, the command in it, a server and its database.

    `served` is the folder of the files that the server passes on. `before` is an older command.
    """

    fleet: Fleet
    repository: Repository
    reconciler: Reconciler
    uri: str
    database: Database
    served: Path
    before: Reconciler | None = None

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
        plain: Callable[[], object] | None = None,
        runs: int,
        recorded: Recorded = "newest",
    ) -> tuple[Cost, float]:
        """Return the typical cost of a command and the seconds of its raw work, taken in turns.

        Every run begins on the registry as it was. The version before takes its turn, too.
        """
        costs: list[Cost] = []
        former: list[Cost] = []
        times: list[float] = []
        for _ in range(runs):
            for command, found in ((self.reconciler, costs), (self.before, former)):
                if command is not None:
                    self.database.restore(recorded=recorded)
                    found.append(command.run(*arguments, uri=self.uri))
            if plain is not None:
                self.database.restore(recorded=recorded)
                times.append(raw.seconds(plain))
        before = typical(former) if former else None
        return replace(typical(costs), before=before), median(times) if times else 0.0


@contextmanager
def prepared(folder: Path, fleet: Fleet, before: Path | None = None) -> Iterator[Bench]:
    """Make a fleet's repository, and a warm server on its registry.

    `before` is a folder with an older version of the package, to be measured in turns.
    """
    repository = Repository(folder / "repository", fleet)
    path = folder / "registry.db"
    served = folder / "served"
    options = ("--artifacts-destination", str(served))
    with mlflow_server(folder, f"sqlite:///{path}", workers=_WORKERS, options=options) as uri:
        database = Database(path, fleet, repository.commits)
        # Each worker opens its database with its first request.
        raw.at_once(uri, [Call("GET", _SMALL)] * _WARMING)
        older = Reconciler(repository.root, before) if before is not None else None
        command = Reconciler(repository.root)
        yield Bench(fleet, repository, command, uri, database, served, older)
