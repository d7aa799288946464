"""What webhooks are told about an apply: one notification for each model that it changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from reconciler.audit.apply_record import RecordedApproval
from reconciler.core.plan import RegistryRef, StateRef
from reconciler.core.report import ApplyReport, ModelReport

ModelOutcome: TypeAlias = Literal["applied", "partial", "failed"]


@dataclass(frozen=True, slots=True)
class Behind:
    """The people behind a model's changes, where known: logins, or the commit's author."""

    authors: tuple[str, ...] = ()
    pull_requests: tuple[int, ...] = ()
    approvals: tuple[RecordedApproval, ...] = ()


@dataclass(frozen=True, slots=True)
class Occasion:
    """The run that applied: its time, who started it, and its URL."""

    time: datetime
    actor: str | None = None
    run_url: str | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """The outcome for one model; `id` distinguishes two notifications with the same text."""

    id: str
    registry: RegistryRef
    state: StateRef
    model: ModelReport
    occasion: Occasion
    behind: Behind

    @property
    def outcome(self) -> ModelOutcome:
        """`applied` when every change was, `failed` when none was, else `partial`."""
        applied = [result.outcome == "applied" for result in self.model.results]
        if not any(applied):
            return "failed"
        return "applied" if all(applied) and self.model.error is None else "partial"


def worth_telling(report: ApplyReport) -> Iterable[ModelReport]:
    """Yield the models that the run changed, and those that failed after its first write.

    A model for which only the record was written is left out: nobody uses the record.
    """
    for model in report.models:
        outcomes = {result.outcome for result in model.results}
        if "applied" in outcomes or (model.wrote and (outcomes or model.error is not None)):
            yield model
