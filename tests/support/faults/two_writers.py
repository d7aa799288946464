"""Rounds in which two write to one model at once: two applies, or an apply and a person."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from tests.support.faults.fault_lab import OWNER, Job, Place, declared, place, registry_at
from tests.support.registries.lab import Hand
from tests.support.registries.servers import Request, proxy
from tests.support.repositories.fake_history import Commits

_BASE: Final = "versions: {1: {stage: Production, aliases: [champion]}}"
# The older and the newer commit: each promotes a version of its own, tags it, and knows the other.
RIVALS: Final = (
    "versions: {2: {stage: Production, aliases: [champion], tags: {by: older}}, 1: {}}",
    "versions: {3: {stage: Production, aliases: [champion], tags: {by: newer}}, 1: {}, 2: {}}",
)
# The same, and each archives the version that the other promotes.
FOES: Final = (
    """\
versions:
  2: {stage: Production, aliases: [champion], tags: {by: older}}
  3: {stage: Archived}
  1: {}
""",
    """\
versions:
  3: {stage: Production, aliases: [champion], tags: {by: newer}}
  2: {stage: Archived}
  1: {}
""",
)
# The newer one takes back what the older one promotes: nothing enters a stage.
WITHDRAWAL: Final = (
    RIVALS[0],
    """\
versions:
  1: {stage: Production, aliases: [champion]}
  2: {stage: Archived}
""",
)
_NEWER: Final = {"v3 stage": "Production", "@champion": 3, "v3 tag by": "newer"}
_OLDER: Final = {"v2 stage": "Production", "@champion": 2, "v2 tag by": "older"}
_WITHDRAWN: Final = {"v1 stage": "Production", "@champion": 1, "v2 stage": "Archived"}
_COMMIT: Final = "tag reconciler.commit"
_numbers = itertools.count(1)

# What a person may do without emptying Production or taking `champion` away.
DEEDS: Final[Mapping[str, tuple[Callable[[Hand, str], None], str, Any]]] = {
    "v3 to Production": (lambda hand, m: hand.stage(m, 3, "Production"), "v3 stage", "Production"),
    "v3 to Staging": (lambda hand, m: hand.stage(m, 3, "Staging"), "v3 stage", "Staging"),
    "champion to v3": (lambda hand, m: hand.alias(m, "champion", 3), "@champion", 3),
    "canary to v3": (lambda hand, m: hand.alias(m, "canary", 3), "@canary", 3),
}


@contextmanager
def arena(folder: Path, template: Path | None = None) -> Iterator[Place]:
    """Run a server with a model that git has applied once: v1 serves."""
    with place(folder, template) as where:
        where.database.watch()
        where.hand.register("base", 3)
        where.hand.stage("base", 1, "Production")
        where.hand.alias("base", "champion", 1)
        where.hand.tag("base", None, "reconciler.commit", next(iter(_commits("base").trees)))
        where.hand.tag("base", None, "reconciler.owner", OWNER)
        yield where


def _commits(model: str, files: Sequence[str] = RIVALS) -> Commits:
    """Return three commits in a row; their ids are the same for every model."""
    commits = Commits()
    line: list[str] = []
    for text in (_BASE, *files):
        line.append(commits.commit(declared({model: text}), *line[-1:]))
    return commits


def _jobs(model: str, files: Sequence[str]) -> tuple[Job, Job]:
    commits = _commits(model, files)
    _, older, newer = commits.trees
    return Job(commits, older), Job(commits, newer)


def _fresh(where: Place) -> str:
    model = f"round-{next(_numbers)}"
    where.database.copy("base", [model])
    return model


@dataclass(frozen=True)
class Round:
    """What came of one round: how both ended, what was live then, and after one more run.

    `missed` says after which writes nobody was in Production or there was no champion.
    """

    codes: tuple[int, ...]
    held: Mapping[str, Any]
    again: int
    healed: Mapping[str, Any]
    missed: Sequence[str]
    winner: Mapping[str, Any]
    commit: str

    @property
    def as_declared(self) -> bool:
        """Return whether what won was live when both had ended."""
        return _serves(self.held, self.winner)

    @property
    def converged(self) -> bool:
        """Return whether one more run of the commit that wins left all that it declares."""
        recorded = self.healed[_COMMIT] == self.commit
        return self.again == 0 and recorded and _serves(self.healed, self.winner)

    @property
    def silent(self) -> bool:
        """Return whether everybody was told that all is well, and it is not."""
        return not any(self.codes) and not self.as_declared

    @property
    def misrecorded(self) -> bool:
        """Return whether the record calls a commit done, and what it declares is not live."""
        recorded = self.held[_COMMIT]
        if recorded == self.commit:
            return not self.as_declared
        return len(recorded.split()) == 1 and not _serves(self.held, _OLDER)

    @property
    def leaked(self) -> bool:
        """Return whether a tag of the older commit stayed for good."""
        return self.winner is not _OLDER and "v2 tag by" in self.healed


def _serves(held: Mapping[str, Any], winner: Mapping[str, Any]) -> bool:
    holders = [name for name, value in held.items() if value == "Production"]
    return winner.items() <= held.items() and len(holders) == 1


def two_applies(where: Place, files: Sequence[str]) -> Round:
    """Apply two commits at once that were planned on the same state; the newer is to win."""
    model = _fresh(where)
    together = threading.Barrier(2)

    def run(job: Job) -> int:
        registry = registry_at(where.uri)
        plan = job.plan(registry, model)
        together.wait(60)
        return job.apply(plan, registry).exit_code()

    older, newer = _jobs(model, files)
    with ThreadPoolExecutor(2) as pool:
        codes = tuple(pool.map(run, (older, newer)))
    return _ended(where, model, newer, codes, _WITHDRAWN if files is WITHDRAWAL else _NEWER)


def a_stall(where: Place) -> Round:
    """Let an older commit's first write take as long as the whole apply of the newer one."""
    model = _fresh(where)
    older, newer = _jobs(model, RIVALS)
    registry, codes = registry_at(where.uri), []
    writes = itertools.count(1)

    def before(request: Request) -> None:
        if request.method != "GET" and next(writes) == 1:
            codes.append(newer.apply(newer.plan(registry, model), registry).exit_code())

    plan = older.plan(registry, model)
    with proxy(where.uri, before=before) as server:
        codes.append(older.apply(plan, registry_at(server.uri)).exit_code())
    return _ended(where, model, newer, tuple(codes), _NEWER)


def a_person(where: Place, deed: str, moment: int) -> tuple[Round, bool]:
    """Apply while somebody does something once the nth request of it is answered.

    Returns the round, and whether what they did was still there when the apply had ended.
    """
    model = _fresh(where)
    job, _ = _jobs(model, RIVALS)
    do, name, value = DEEDS[deed]
    requests = itertools.count(1)

    def after(_: Request) -> None:
        if next(requests) == moment:
            do(Hand(where.uri), model)

    plan = job.plan(registry_at(where.uri), model)
    with proxy(where.uri, after=after) as server:
        code = job.apply(plan, registry_at(server.uri)).exit_code()
    ended = _ended(where, model, job, (code,), _OLDER)
    return ended, ended.held.get(name) == value


def _ended(
    where: Place, model: str, job: Job, codes: tuple[int, ...], winner: Mapping[str, Any]
) -> Round:
    held = where.database.holds(model)
    registry = registry_at(where.uri)
    again = job.apply(job.plan(registry, model), registry).exit_code()
    healed, missed = where.database.holds(model), where.database.missed(model)
    return Round(codes, held, again, healed, missed, winner, job.commit)


@dataclass(frozen=True)
class Window:
    first: float
    last: float
    record: float


def window(where: Place) -> Window:
    """Measure one apply: from the look before the writes to the first and last, and the record."""
    model = _fresh(where)
    job, _ = _jobs(model, RIVALS)
    begun: list[tuple[str, float]] = []
    ended: list[float] = []

    def before(request: Request) -> None:
        begun.append((request.method, time.perf_counter()))

    def after(_: Request) -> None:
        ended.append(time.perf_counter())

    plan = job.plan(registry_at(where.uri), model)
    with proxy(where.uri, before=before, after=after) as server:
        job.apply(plan, registry_at(server.uri))
    writes = [at for method, at in begun if method != "GET"]
    # The answers of reads: the last before the first write, and the one before the last.
    looked, looked_again = ended[1], ended[-2]
    one = median(e - b for (m, b), e in zip(begun, ended, strict=True) if m != "GET")
    first, last, record = writes[0], writes[-2], writes[-1]
    return Window((first - looked) / one, (last - looked) / one, (record - looked_again) / one)
