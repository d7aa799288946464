"""What an apply meets when each of its requests in turn meets a fault, and what must be true then.

The apply makes every kind of change to one model, and the first promotion of another.
"""

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_plus

from reconciler.core.report import ApplyReport, ModelReport
from reconciler.errors import RegistryError
from tests.support.faults.fault_lab import OWNER, Job, Place, declared, place, registry_at
from tests.support.registries.servers import HANG_UP, Answer, Request, proxy
from tests.support.repositories.fake_history import Commits

BASE_A: Final = """\
description: Scores payments
tags: {team: fraud, tier: gold}
versions:
  1:
    stage: Production
    aliases: [champion, fast]
    tags: {risk: low}
"""
HEAD_A: Final = """\
description: Scores card transactions
tags: {team: payments}
versions:
  2:
    stage: Production
    aliases: [champion]
    tags: {risk: high}
    description: Adds merchant-risk features
  1: {}
"""
HEAD_B: Final = "versions: {2: {stage: Production, aliases: [champion]}}"
_WRITES: Final = frozenset({"POST", "PATCH", "DELETE"})
_numbers = itertools.count()
COMMIT: Final = "tag reconciler.commit"
SHORT: Final = 1.0  # seconds that a request may take where the fault is that it takes longer

_REFUSED: Final = b'{"error_code": "INTERNAL_ERROR", "message": "the disk is full"}'
_FORBIDDEN: Final = b"Permission denied"
_HTML: Final = Answer(502, b"<html><h1>Bad Gateway</h1></html>", {"Content-Type": "text/html"})
_HALF: Final = Answer(200, b'{"model_version": {"na', length=4000)
_LATE: Final = Answer(504, delay=600.0)
_THROTTLED: Final = Answer(429, b"", {"Retry-After": "0.3"})


@dataclass(frozen=True)
class Fault:
    """What a request meets: the answer, and whether the server got it before.

    `lasting` is met by every request after it as well; the apply is then not patient.
    """

    answer: Answer
    executed: bool = False
    lasting: bool = False
    request_timeout: float = 30.0


PASSING: Final = {
    "hung up before": Fault(HANG_UP),
    "503 before": Fault(Answer(503)),
    "429 before": Fault(_THROTTLED),
    "502 before": Fault(_HTML),
    "hung up after": Fault(HANG_UP, executed=True),
    "502 after": Fault(_HTML, executed=True),
    "cut off after": Fault(_HALF, executed=True),
    "late after": Fault(_LATE, executed=True, request_timeout=SHORT),
}
FINAL: Final = {
    "500 with a code": Fault(Answer(500, _REFUSED)),
    "403": Fault(Answer(403, _FORBIDDEN)),
}
LASTING: Final = {
    "hung up from then on": Fault(HANG_UP, lasting=True),
    "503 from then on": Fault(Answer(503), lasting=True),
    "429 from then on": Fault(Answer(429, b"", {"Retry-After": "3600"}), lasting=True),
    "hung up after, and from then on": Fault(HANG_UP, executed=True, lasting=True),
    "cut off after, and from then on": Fault(_HALF, executed=True, lasting=True),
}


@dataclass(frozen=True)
class Call:
    """One request of the clean run: how it reads for any pair of models, and which of its kind."""

    text: str
    number: int

    @property
    def writes(self) -> bool:
        """Return whether it is not a read."""
        return self.text.partition(" ")[0] in _WRITES


@dataclass
class Line:
    """What lies between one case and the server: it knows its calls, and lets one meet a fault."""

    prefix: str
    bad: Collection[Call] = ()
    fault: Fault | None = None
    calls: list[Call] = field(default_factory=list)
    done: list[Call] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _of: dict[int, Call] = field(default_factory=dict)
    _broken: bool = False

    def before(self, request: Request) -> Answer | None:
        """Count a request, and answer in the server's place where that is the fault."""
        with self._lock:
            call = self._named(request)
            self._of[id(request)] = call  # the proxy keeps every request
            self.calls.append(call)
            answers = self._broken or (call in self.bad and not self._executed)
            self._broken = self._broken or (call in self.bad and self._lasts)
        return self.fault.answer if self.fault and answers else None

    def after(self, request: Request) -> Answer | None:
        """Count what the server did, and lose its answer where that is the fault."""
        with self._lock:
            call = self._of[id(request)]
            self.done.append(call)
        return self.fault.answer if self.fault and call in self.bad else None

    def sent(self, call: Call) -> tuple[int, int]:
        """Return how often a write was sent, and how often the server did it."""
        sent, done = (sum(one.text == call.text for one in calls) for calls in self._all)
        return sent, done

    @property
    def _all(self) -> tuple[list[Call], list[Call]]:
        return self.calls, self.done

    @property
    def _executed(self) -> bool:
        return self.fault is not None and self.fault.executed

    @property
    def _lasts(self) -> bool:
        return self.fault is not None and self.fault.lasting

    def _named(self, request: Request) -> Call:
        path = unquote_plus(request.path).replace("/api/2.0/mlflow/", "").lstrip("/")
        text = f"{request.method} {path} {request.body.decode()}".replace(self.prefix, "")
        self._counts[text] += 1
        return Call(text, self._counts[text])


@dataclass(frozen=True)
class Ended:
    """How an apply ended: without a report where nothing could be planned."""

    code: int
    report: ApplyReport | None
    requests: int


def _job(prefix: str) -> Job:
    """Return the job for one pair of models: commits have the same ids for every pair."""
    commits = Commits()
    base = commits.commit(declared({f"{prefix}a": BASE_A}))
    head = commits.commit(declared({f"{prefix}a": HEAD_A, f"{prefix}b": HEAD_B}), base)
    return Job(commits, head)


def carry_out(prefix: str, uri: str, fault: Fault | None = None) -> Ended:
    """Plan and apply one pair of models."""
    patient = fault is None or not fault.lasting
    registry = registry_at(
        uri,
        request_timeout=fault.request_timeout if fault else 30.0,
        retry_for=60.0 if patient else 0.0,
    )
    job = _job(prefix)
    try:
        plan = job.plan(registry, f"{prefix}a", f"{prefix}b")
    except RegistryError as error:
        return Ended(error.code, None, registry.requests)
    report = job.apply(plan, registry, timeout=60.0 if patient else 0.2)
    return Ended(report.exit_code(), report, registry.requests)


@dataclass(frozen=True)
class World:
    """The server, what the two models are before and after the apply, and its calls."""

    where: Place
    before: Mapping[str, Mapping[str, Any]]
    after: Mapping[str, Mapping[str, Any]]
    calls: Sequence[Call]


def copies(where: Place, count: int) -> list[str]:
    """Make so many pairs of models, and return what their names begin with."""
    prefixes = [f"c{next(_numbers)}-" for _ in range(count)]
    for key in "ab":
        where.database.copy(f"base-{key}", [f"{prefix}{key}" for prefix in prefixes])
    return prefixes


def holds(where: Place, prefix: str) -> dict[str, dict[str, Any]]:
    """Return what the registry has of a pair of models."""
    return {key: where.database.holds(f"{prefix}{key}") for key in "ab"}


def _served(where: Place) -> None:
    """Make the two models that are copied, as git and people left them."""
    hand = where.hand
    for model in ("base-a", "base-b"):
        hand.register(model, 3)
        hand.stage(model, 1, "Production")
        hand.alias(model, "champion", 1)
        hand.tag(model, 3, "note", "of somebody")
    hand.describe("base-a", None, "Scores payments")
    hand.alias("base-a", "fast", 1)
    hand.tag("base-a", None, "team", "fraud")
    hand.tag("base-a", None, "tier", "gold")
    hand.tag("base-a", 1, "risk", "low")
    hand.tag("base-a", None, "reconciler.commit", next(iter(_job("").commits.trees)))
    hand.tag("base-a", None, "reconciler.owner", OWNER)


@contextmanager
def world(folder: Path, template: Path | None = None) -> Iterator[World]:
    """Run the apply once without a fault, which says what its requests are."""
    with place(folder, template) as where:
        where.database.watch()
        _served(where)
        [prefix] = copies(where, 1)
        before = holds(where, prefix)
        line = Line(prefix)
        with proxy(where.uri, before=line.before, after=line.after) as server:
            ended = carry_out(prefix, server.uri)
        assert ended.code == 0
        yield World(where, before, holds(where, prefix), line.calls)


def groups(calls: Sequence[Call]) -> list[tuple[Call, ...]]:
    """Share calls out so that what passes can be met by a whole group in one apply.

    A retry counts as the next call of its kind, so a group has one of each kind; and as an unclear
    write is read back, writes and reads are apart.
    """
    writes = [call for call in calls if call.writes]
    reads = [call for call in calls if not call.writes]
    most = max(call.number for call in reads)
    by_number = [tuple(c for c in reads if c.number == n) for n in range(1, most + 1)]
    return [tuple(writes[::2]), tuple(writes[1::2]), *by_number]


def each(
    work: Callable[[str, tuple[Call, ...]], object],
    where: Place,
    cases: Sequence[tuple[Call, ...]],
    *,
    at_once: int = 2,
) -> None:
    """Let each of these cases have its own models, some at once; raises with all that is wrong."""

    def one(prefix: str, calls: tuple[Call, ...]) -> str | None:
        try:
            work(prefix, calls)
        except AssertionError as error:
            return f"{'; '.join(f'{call.text} ({call.number})' for call in calls)}: {error}"
        return None

    with ThreadPoolExecutor(at_once) as pool:
        wrong = [found for found in pool.map(one, copies(where, len(cases)), cases) if found]
    if wrong:
        raise AssertionError("\n".join(wrong))


def suffer(world: World, prefix: str, calls: Collection[Call], fault: Fault) -> tuple[Ended, Line]:
    """Apply with a fault, look whether all that is said is true, and let a clean run heal."""
    line = Line(prefix, calls, fault)
    with proxy(world.where.uri, before=line.before, after=line.after) as server:
        ended = carry_out(prefix, server.uri, fault)
    assert ended.requests == len(line.calls), "requests are counted as they are sent"
    assert set(calls) <= set(line.calls), "every fault was met"
    is_true(world, prefix, ended)
    heals(world, prefix)
    return ended, line


def is_true(world: World, prefix: str, ended: Ended) -> None:
    """Compare all that an apply said with what the registry has."""
    found = holds(world.where, prefix)
    models = {report.model: report for report in ended.report.models} if ended.report else {}
    for key, held in found.items():
        report = models.get(f"{prefix}{key}")
        if report is None:
            assert held == world.before[key], "who says nothing of a model has not touched it"
        else:
            _is_true_of(report, held, world.after[key])
        _is_resumable(held, world.before[key], world.after[key])
    landed = any(r.outcome == "applied" for m in models.values() for r in m.results)
    if ended.code == 0:
        assert found == world.after, "0 is said of what is done"
    else:
        assert ended.code == (7 if landed else 6), f"{ended.code} and {landed}"


def _is_resumable(
    held: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    recorded = held.get(COMMIT, "").split()
    head = after[COMMIT]
    assert held == before or head in recorded, "what was touched says by which commit"
    assert recorded != [head] or held == after, "recorded alone is only what is in step"


def _is_true_of(report: ModelReport, held: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    for result in report.results:
        name, said = str(result.change.field), result.error or ""
        value = held.get(name)
        match result.outcome:
            case "applied":
                assert value == result.change.after, f"{name} is said to be applied"
            case "skipped":
                assert value == result.change.before, f"{name} is said to be skipped"
            case _:
                unclear = "reading it back failed too" in said
                assert unclear or value == result.change.before, f"{name}: {said}"
                assert said, f"{name} says nothing"
    said = " ".join([report.error or "", *(result.error or "" for result in report.results)])
    assert "the record was not written" not in said or held != after, said
    assert not report.recorded or held == after, "recorded is only what is in step"


def heals(world: World, prefix: str) -> None:
    """Run once more, without a fault: it writes what is missing, and nothing else."""
    missing = sum(lacks(held, world.after[key]) for key, held in holds(world.where, prefix).items())
    line = Line(prefix)
    with proxy(world.where.uri, before=line.before, after=line.after) as server:
        assert carry_out(prefix, server.uri).code == 0, "the next run is through"
    assert holds(world.where, prefix) == world.after, "the next run leaves what is declared"
    written = sum(call.writes for call in line.calls)
    assert written == missing, f"{missing} were missing, {written} were written"
    interrupted(world, prefix)


def interrupted(world: World, prefix: str) -> None:
    """Look at every state that the models ever were in."""
    missed = [miss for key in "ab" for miss in world.where.database.missed(f"{prefix}{key}")]
    assert missed == [], "; ".join(missed)


def lacks(held: Mapping[str, Any], after: Mapping[str, Any]) -> int:
    """Return how many writes lead there: one a value, and the record's one or two."""
    differing = {name for name in held.keys() | after.keys() if held.get(name) != after.get(name)}
    started = after[COMMIT] in held.get(COMMIT, "").split()
    return len(differing) + (COMMIT in differing and not started)
