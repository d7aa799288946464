"""A command and the raw work that it cannot do without, side by side on one registry."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks import raw
from benchmarks.command import Cost, Reconciler, typical
from benchmarks.fleet import Database, Repository
from benchmarks.raw import Call
from benchmarks.recording import Recording, recorded


@dataclass(frozen=True)
class Bench:
    """A checkout, the command in it, a server and its database."""

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
