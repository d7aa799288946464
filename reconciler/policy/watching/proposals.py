"""Decides whether a rollback is proposed for a model that failed, and says why or why not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from reconciler.core.declaring.watch import WatchMode, WatchRule
from reconciler.core.durations import in_words
from reconciler.policy.watching.looks import Proposed, RuleVerdict
from reconciler.policy.watching.verdicts import model_verdict

ProposalAction: TypeAlias = Literal["none", "held-back", "propose", "comment"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done about a verdict, and why. With `observe` it is said and not done."""

    action: ProposalAction
    why: str
    mode: WatchMode = "propose"


@dataclass(frozen=True, slots=True)
class ServingFacts:
    """What is known of the model that was watched, besides its looks.

    `hindrance` is a sentence why nothing may be proposed: git and the registry do not agree, the
    model is held or retired, or there is no version to go back to. `by_rollback` is whether the
    version serves because of a rollback. `open` is the proposal that is open, `ended` when the last
    one was merged or closed, where that is known.
    """

    model: str
    version: int
    hindrance: str | None = None
    by_rollback: bool = False
    open: Proposed | None = None
    ended: datetime | None = None


def proposal_of(
    verdicts: Sequence[RuleVerdict],
    rules: Mapping[str, WatchRule],
    facts: ServingFacts,
    proposals: Iterable[Proposed],
    now: datetime,
) -> Decision:
    """Return what is to be done; `rules` are those of the model by name."""
    verdict = model_verdict(verdicts)
    if verdict != "failed":
        return Decision("none", f"the model is {verdict}")
    failed = [rules[each.rule] for each in verdicts if each.verdict == "failed"]
    acting = [rule for rule in failed if rule.mode == "propose"]
    mode: WatchMode = "propose" if acting else "observe"
    why = _held_back(acting or failed, facts, proposals, now)
    if why is not None:
        return Decision("held-back", why, mode)
    names = ", ".join(f"`{rule.name}`" for rule in failed)
    if facts.open is not None:
        return Decision("comment", _already_open(facts, facts.open), mode)
    return Decision("propose", f"v{facts.version} failed {names}", mode)


def _held_back(
    rules: Sequence[WatchRule],
    facts: ServingFacts,
    proposals: Iterable[Proposed],
    now: datetime,
) -> str | None:
    if facts.hindrance is not None:
        return facts.hindrance
    if facts.by_rollback:
        return f"v{facts.version} serves because of a rollback, which is not rolled back"
    if facts.open is not None:
        return None
    cooldown = min(rule.cooldown for rule in rules)
    times = [each.time for each in proposals if each.model == facts.model]
    times += [] if facts.ended is None else [facts.ended]
    recent = [time for time in times if abs(now - time) < cooldown]
    if not recent:
        return None
    ago = in_words(abs(now - max(recent)), parts=2)
    return f"the last proposal was {ago} ago; the cooldown is {in_words(cooldown)}"


def _already_open(facts: ServingFacts, proposal: Proposed) -> str:
    if proposal.version == facts.version:
        return f"#{proposal.number} is open"
    return f"#{proposal.number} is open, and is about v{proposal.version}: close it"
