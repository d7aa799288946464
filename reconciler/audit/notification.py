"""What webhooks are told of an apply: one notification for each model that it changed."""

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
    """Who is behind a model's changes, as far as the run knows: logins, or the commit's author."""

    authors: tuple[str, ...] = ()
    pull_requests: tuple[int, ...] = ()
    approvals: tuple[RecordedApproval, ...] = ()


@dataclass(frozen=True, slots=True)
class Occasion:
    """The run that applied: when, who started it, and where it can be looked at."""

    time: datetime
    actor: str | None = None
    run_url: str | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """What became of one model; `id` tells two notifications of the same words apart."""

    id: str
    registry: RegistryRef
    state: StateRef
    model: ModelReport
    occasion: Occasion
    behind: Behind

    @property
    def outcome(self) -> ModelOutcome:
        """`applied` when everything was, `failed` when nothing was."""
        applied = [result.outcome == "applied" for result in self.model.results]
        if not any(applied):
            return "failed"
        return "applied" if all(applied) and self.model.error is None else "partial"


def worth_telling(report: ApplyReport) -> Iterable[ModelReport]:
    """Return the models that the run changed, and those where it failed after its first write.

    A record alone changes nothing that anybody uses: it is not told.
    """
    for model in report.models:
        outcomes = {result.outcome for result in model.results}
        if "applied" in outcomes or (model.wrote and (outcomes or model.error is not None)):
            yield model
