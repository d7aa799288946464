"""The outcome of each change of an applied plan."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from reconciler.core.artifacts.bytes_check import BytesCheck
from reconciler.core.changes import Change
from reconciler.core.plan import JudgedPlan
from reconciler.errors import ExitCode, Problem, first_code

_SHOWN: Final = 5  # models named in a sentence
ChangeOutcome: TypeAlias = Literal["applied", "failed", "skipped", "stale", "superseded"]


@dataclass(frozen=True, slots=True)
class Result:
    """A change and its outcome; `error` says why it was not applied.

    >>> r.apply().results[0].outcome
    'applied'
    """

    change: Change
    outcome: ChangeOutcome
    error: str | None = None
    code: ExitCode = ExitCode.OK


@dataclass(frozen=True, slots=True)
class ModelReport:
    """The outcome of one model; `recorded` is true when its record names this commit alone.

    `wrote` is true when at least one write was confirmed, the record's included; `error` says why
    the record was not completed, or is None. `messages` hold until the next run. `lacks` is the
    permission without which the registry answered 403; `untried` is true where the run ended before
    this model because others were refused like that. `bytes` are the checks of the versions with a
    declared digest right before the first write; the plan's own where the settings ask for no more.
    """

    model: str
    results: tuple[Result, ...]
    recorded: bool = False
    wrote: bool = False
    error: str | None = None
    code: ExitCode = ExitCode.OK
    messages: tuple[str, ...] = ()
    lacks: str | None = None
    untried: bool = False
    bytes: tuple[BytesCheck, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether the registry let this user write nothing of it."""
        return self.lacks is not None and all(row.outcome != "applied" for row in self.results)


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """The plan, and the outcome of each of its models that was to be written.

    `signal` is the number of the signal that ended the run early, or None; `bug` is an unexpected
    exception from one model's run, to be shown with its traceback. `user` is who wrote, as far as
    the credentials tell.
    """

    plan: JudgedPlan
    models: tuple[ModelReport, ...]
    signal: int | None = None
    bug: Exception | None = None
    user: str | None = None

    @property
    def results(self) -> tuple[Result, ...]:
        """Every result, in the order of the plan."""
        return tuple(result for model in self.models for result in model.results)

    @property
    def summary(self) -> dict[str, int]:
        """The plan's counts, and the number of changes per outcome."""
        outcomes = Counter[str](result.outcome for result in self.results)
        outcomes["skipped"] += len(self.plan.changes) - len(self.results)
        return self.plan.summary | {
            outcome: outcomes[outcome]
            for outcome in ("applied", "failed", "skipped", "stale", "superseded")
        }

    @property
    def refusals(self) -> tuple[Problem, ...]:
        """One problem for each permission that was missing, whatever the number of models."""
        found: dict[str, list[str]] = {}
        for model in self.models:
            if model.lacks is not None:
                found.setdefault(model.lacks, []).append(model.model)
        return tuple(
            Problem(lacking(self.user, permission, models), ExitCode.REGISTRY)
            for permission, models in sorted(found.items())
        )

    @property
    def landed(self) -> bool:
        """Return whether at least one change reached the registry."""
        return any(result.outcome == "applied" for result in self.results)

    def exit_code(self) -> int:
        """Return the exit code of `apply`: 7 when only some changes were applied.

        A run that a signal ended before any write returns 128 plus the signal's number.
        """
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


def lacking(user: str | None, permission: str, models: Sequence[str]) -> str:
    """Return the sentence that a permission is missing, with the models counted."""
    return f"{user_called(user)} lacks {permission} on {named(models)}"


def named(models: Sequence[str]) -> str:
    """Return the number of models, and the first of their names."""
    first = ", ".join(f"`{name}`" for name in models[:_SHOWN])
    if len(models) == 1:
        return first
    more = f" and {len(models) - _SHOWN:,} more" if len(models) > _SHOWN else ""
    return f"{len(models):,} models: {first}{more}"


def user_called(user: str | None) -> str:
    """Return how a sentence names the user."""
    return f"user `{user}`" if user else "the user of these credentials"
