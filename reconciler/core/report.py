"""What became of each change of a plan."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal, TypeAlias

from reconciler.core.changes import Change
from reconciler.core.plan import JudgedPlan
from reconciler.errors import ExitCode, first_code

ChangeOutcome: TypeAlias = Literal["applied", "failed", "skipped", "stale", "superseded"]


@dataclass(frozen=True, slots=True)
class Result:
    """One change and what became of it; `error` says why where it was not applied."""

    change: Change
    outcome: ChangeOutcome
    error: str | None = None
    code: ExitCode = ExitCode.OK


@dataclass(frozen=True, slots=True)
class ModelReport:
    """What became of one model; `recorded` says that its record now is this commit.

    `wrote` says that at least one write was confirmed, a record's included; `error` is what kept
    the record from being written, None when nothing did. `messages` say what somebody has to know
    until the next run.
    """

    model: str
    results: tuple[Result, ...]
    recorded: bool = False
    wrote: bool = False
    error: str | None = None
    code: ExitCode = ExitCode.OK
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """The plan and, for each of its models that was to be written, what became of it.

    `signal` is the number of the signal that ended the run early, None when none did; `bug` is
    what broke a model's run unexpectedly, to be told with its traceback.
    """

    plan: JudgedPlan
    models: tuple[ModelReport, ...]
    signal: int | None = None
    bug: Exception | None = None

    @property
    def results(self) -> tuple[Result, ...]:
        """Every result, in the order of the plan."""
        return tuple(result for model in self.models for result in model.results)

    @property
    def summary(self) -> dict[str, int]:
        """The plan's counts, and how many changes had each outcome."""
        outcomes = Counter[str](result.outcome for result in self.results)
        outcomes["skipped"] += len(self.plan.changes) - len(self.results)
        return self.plan.summary | {
            outcome: outcomes[outcome]
            for outcome in ("applied", "failed", "skipped", "stale", "superseded")
        }

    @property
    def landed(self) -> bool:
        """Return whether at least one change reached the registry."""
        return any(result.outcome == "applied" for result in self.results)

    def exit_code(self) -> int:
        """Return the exit code of `apply`: 7 when some landed and some did not."""
        code = first_code(
            [
                *(problem.code for problem in self.plan.problems),
                *(result.code for result in self.results),
                *(model.code for model in self.models),
            ]
        )
        if self.signal is not None:
            wrote = any(model.wrote for model in self.models)
            return ExitCode.PARTIAL if wrote else 128 + self.signal
        if self.landed and (code is not ExitCode.OK or self.bug is not None):
            return ExitCode.PARTIAL
        return ExitCode.USAGE if self.bug is not None else code
