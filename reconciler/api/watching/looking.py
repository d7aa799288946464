"""Looks at every model once: measures by its rules, and judges by what earlier looks saw."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from reconciler.api.watching.measuring import (
    Measured,
    MeasuringTask,
    RuleKey,
    asks_the_past,
    measured,
    rule_problem,
)
from reconciler.api.watching.subjects import WatchSubject
from reconciler.api.workspace import Workspace
from reconciler.core.declaring.watch import WatchRule
from reconciler.errors import Problem
from reconciler.policy.cel.watch_conditions import fails
from reconciler.policy.watching.looking import look_at
from reconciler.policy.watching.looks import Look, RuleVerdict, WatchMemory
from reconciler.policy.watching.remembered import baseline_of, first_seen, never_answered
from reconciler.policy.watching.verdicts import verdict_of
from reconciler.policy.watching.watched_model import ProposalOutcome, WatchedModel, WatchedRule
from reconciler.transport.measurements.sources import MeasurementSources


class ModelLooks:
    """Measures and judges; `new` are the looks of now, and `problems` what the rules have."""

    def __init__(self, workspace: Workspace, memory: WatchMemory, now: datetime) -> None:
        self._workspace = workspace
        self._memory = memory
        self._now = now
        self._measured: Mapping[RuleKey, Measured] = {}
        self.new: list[Look] = []
        self.problems: list[Problem] = []

    def measure(self, subjects: Sequence[WatchSubject]) -> None:
        """Ask the source of every rule of the models that are looked at."""
        tasks = [
            MeasuringTask(subject, rule, past=self._asks_the_past(subject, rule))
            for subject in subjects
            if subject.obstacle is None
            for rule in subject.rules
        ]
        workspace = self._workspace
        root = workspace.repo.root if workspace.repo is not None else workspace.caller.root
        if tasks:
            runs = workspace.registry.logged_runs()
            sources = MeasurementSources(workspace.environ, root, runs)
            self._measured = measured(sources, tasks, self._now)

    def _asks_the_past(self, subject: WatchSubject, rule: WatchRule) -> bool:
        return asks_the_past(subject, rule) and self._baseline(subject, rule) is None

    def _baseline(self, subject: WatchSubject, rule: WatchRule) -> float | None:
        since = self._since(subject)
        return baseline_of(rule, self._memory, subject.model, subject.version or 0, since)

    def _since(self, subject: WatchSubject) -> datetime:
        """Return since when the version serves; without a record not before it was merged."""
        if subject.since is not None:
            return subject.since
        seen = first_seen(self._memory, subject.model, subject.version or 0, self._now)
        merged = subject.put_there.time if subject.put_there is not None else seen
        return max(seen, merged) if merged <= self._now else seen

    def judged(self, subject: WatchSubject) -> WatchedModel:
        """Return a model with the verdict of each of its rules."""
        rules = () if subject.obstacle is not None else subject.rules
        return WatchedModel(
            model=subject.model,
            file=subject.declaration.file,
            version=subject.version,
            since=None if subject.obstacle is not None else self._since(subject),
            rules=tuple(
                WatchedRule(rule, subject.file_of(rule), self._verdict(subject, rule))
                for rule in rules
            ),
            proposal=ProposalOutcome("none"),
            obstacle=subject.obstacle,
        )

    def _verdict(self, subject: WatchSubject, rule: WatchRule) -> RuleVerdict:
        model, version, since = subject.model, subject.version or 0, self._since(subject)
        told = self._measured[model, rule.name]
        look = look_at(
            rule,
            told.measurement,
            model=model,
            version=version,
            now=self._now,
            since=since,
            baseline=told.past if told.past is not None else self._baseline(subject, rule),
            fails=fails,
        )
        self.new.append(look)
        self._complain(subject, rule, told)
        looks = (*self._memory.looks, look)
        return verdict_of(rule, looks, model=model, version=version, since=since, now=self._now)

    def _complain(self, subject: WatchSubject, rule: WatchRule, told: Measured) -> None:
        if told.problem is not None:
            self.problems.append(told.problem)
            return
        never = never_answered(rule, self._memory, told.measurement, model=subject.model)
        if never is not None:
            hint = "correct the rule; `--dry-run` tries it before it is merged"
            self.problems.append(rule_problem(subject, rule, never, hint=hint))
