"""What became of one look at a model: the verdict of each rule, and the proposal."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from reconciler.core.declaring.watch import WatchMode, WatchRule
from reconciler.policy.watching.looks import RuleVerdict, WatchVerdict
from reconciler.policy.watching.verdicts import model_verdict

ProposalResult: TypeAlias = Literal["none", "held-back", "would-open", "opened", "commented"]


@dataclass(frozen=True, slots=True)
class ProposalOutcome:
    """What was done about a model: a pull request was opened, got a comment, or why neither.

    `command` is what a person types instead, where there is no forge to ask.
    """

    action: ProposalResult
    why: str | None = None
    target: int | None = None
    branch: str | None = None
    number: int | None = None
    url: str | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True)
class WatchedRule:
    """A rule, the file that has it, and its verdict by the looks so far."""

    rule: WatchRule
    file: str
    verdict: RuleVerdict


@dataclass(frozen=True, slots=True)
class WatchedModel:
    """A model after a look; `obstacle` says why it was not looked at, None where it was.

    `since` is when its version began to serve, None where that is not known.
    """

    model: str
    file: str
    version: int | None
    since: datetime | None
    rules: tuple[WatchedRule, ...]
    proposal: ProposalOutcome
    obstacle: str | None = None

    @property
    def verdict(self) -> WatchVerdict:
        """The worst verdict of its rules; without any nothing is said."""
        return model_verdict([watched.verdict for watched in self.rules])

    @property
    def mode(self) -> WatchMode:
        """Whether a rollback is proposed by any rule, or only said."""
        modes = {watched.rule.mode for watched in self.rules}
        return "propose" if "propose" in modes else "observe"
