"""Measures what the rules of all models ask for: in parallel, and within a time for all of it."""

import random
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from reconciler.api.watching.subjects import WatchSubject
from reconciler.core.declaring.watch import PrometheusQuery, WatchRule
from reconciler.errors import ExitCode, Problem, ReconcilerError
from reconciler.policy.watching.looking import why_unusable
from reconciler.policy.watching.looks import Measurement
from reconciler.policy.watching.remembered import typical
from reconciler.ports.parallel import each
from reconciler.transport.measurements.sources import MeasurementSources

_THREADS: Final = 8
_LONGEST: Final = 60.0  # seconds for all measurements of a run
_MOMENTS: Final = 5  # of the incumbent's window, at which Prometheus is asked
_USES_BASELINE: Final = re.compile(r"\bbaseline\b")

RuleKey: TypeAlias = tuple[str, str]  # the names of a model and of its rule


@dataclass(frozen=True, slots=True)
class Measured:
    """What a rule's source told; `problem` is what only a change of the rule can mend.

    `past` is the median of what it told of the incumbent's window, where that was asked.
    """

    measurement: Measurement
    past: float | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class MeasuringTask:
    """A rule of a model whose source is asked; with `past` also about the incumbent's window."""

    subject: WatchSubject
    rule: WatchRule
    past: bool = False

    @property
    def key(self) -> RuleKey:
        """What identifies the rule among those of all models."""
        return self.subject.model, self.rule.name


def asks_the_past(subject: WatchSubject, rule: WatchRule) -> bool:
    """Return whether a rule needs the incumbent's values, and its source can tell past ones."""
    is_known = subject.since is not None and subject.incumbent is not None
    is_asked = _USES_BASELINE.search(rule.fail) is not None
    return is_known and is_asked and isinstance(rule.source, PrometheusQuery)


def measured(
    sources: MeasurementSources,
    tasks: Sequence[MeasuringTask],
    now: datetime,
    *,
    longest: float = _LONGEST,
) -> Mapping[RuleKey, Measured]:
    """Return what every source told, a broken or slow one beside the others.

    The order is another one for each `now`: where the time is not enough, it is not the same
    sources that are left out at every look.
    """
    late = Measured(Measurement(why=f"not measured within {longest:g} s of this run"))
    found = {task.key: late for task in tasks}
    order = random.Random(now.timestamp()).sample(tasks, len(tasks))  # noqa: S311  no secret
    stop = threading.Event()

    def work(task: MeasuringTask) -> None:
        measurement = _one(sources, task, now)
        if not stop.is_set():
            found[task.key] = measurement

    timer = threading.Timer(longest, stop.set)
    timer.daemon = True
    timer.start()
    try:
        each(work, order, threads=_THREADS, stop=stop)
    finally:
        timer.cancel()
    return found


def _one(sources: MeasurementSources, task: MeasuringTask, now: datetime) -> Measured:
    subject, rule = task.subject, task.rule
    version = subject.version or 0

    def ask(number: int, at: datetime | None) -> Measurement:
        return sources.measure(
            rule.source,
            model=subject.model,
            version=number,
            run_id=subject.run_id if number == version else None,
            now=now,
            at=at,
        )

    try:
        return Measured(ask(version, None), _past(task, ask) if task.past else None)
    except ReconcilerError as error:
        problem = _of_rule(error, subject, rule)
        return Measured(Measurement(why=problem.message), problem=problem)


def _past(task: MeasuringTask, ask: Callable[[int, datetime | None], Measurement]) -> float | None:
    """Return the median of the incumbent's values in the window before the promotion."""
    since, incumbent = task.subject.since, task.subject.incumbent
    if since is None or incumbent is None:
        return None
    step = task.rule.baseline / _MOMENTS
    told = [ask(incumbent, since - step * number) for number in range(_MOMENTS, 0, -1)]
    usable = [one for one in told if why_unusable(task.rule, one) is None]
    return typical([one.value for one in usable if one.value is not None])


def _of_rule(error: ReconcilerError, subject: WatchSubject, rule: WatchRule) -> Problem:
    (problem, *_) = error.problems
    return rule_problem(subject, rule, problem.message, hint=problem.hint, code=problem.code)


def rule_problem(
    subject: WatchSubject,
    rule: WatchRule,
    message: str,
    *,
    hint: str | None = None,
    code: ExitCode = ExitCode.DECLARATION,
) -> Problem:
    """Return a problem with a rule of a model, at the line that has it."""
    return Problem(
        f"rule `{rule.name}`: {message}",
        code,
        file=subject.file_of(rule),
        line=rule.line,
        model=subject.model,
        hint=hint,
    )
