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
class ProposalDecision:
    """What is to be done about a verdict, and why. In the mode `observe` it is only said."""

    action: ProposalAction
    why: str
    mode: WatchMode = "propose"


@dataclass(frozen=True, slots=True)
class ServingFacts:
    """What is known of a model that is watched, besides its looks.

    `by_rollback` is whether the version serves because of a rollback. `open` is the proposal that
    is open, and `ended` when the last one was merged or closed, where that is known.
    """

    model: str
    version: int
    by_rollback: bool = False
    open: Proposed | None = None
    ended: datetime | None = None


def proposal_of(
    verdicts: Sequence[RuleVerdict],
    rules: Mapping[str, WatchRule],
    facts: ServingFacts,
    proposals: Iterable[Proposed],
    now: datetime,
) -> ProposalDecision:
    """Return what is to be done; `rules` are those of the model by name.

    `proposals` are the remembered ones, of any model.
    """
    verdict = model_verdict(verdicts)
    if verdict != "failed":
        return ProposalDecision("none", f"{facts.model} v{facts.version} is {verdict}")
    failed = {each.rule: each for each in verdicts if each.verdict == "failed"}
    acting = [name for name in failed if rules[name].mode == "propose"]
    mode: WatchMode = "propose" if acting else "observe"
    if facts.by_rollback:
        why = f"v{facts.version} serves because of a rollback, which no watch takes back"
        return ProposalDecision("held-back", why, mode)
    if facts.open is not None:
        action: ProposalAction = "comment" if acting else "held-back"
        return ProposalDecision(action, _is_open(facts.open, facts.version), mode)
    asking = [rules[name] for name in acting or failed]
    cooling = _cooling(asking, facts, proposals, now)
    if cooling is not None:
        return ProposalDecision("held-back", cooling, mode)
    why = "; ".join(f"`{name}`: {found.why}" for name, found in failed.items())
    return ProposalDecision("propose", f"v{facts.version} failed {why}", mode)


def _is_open(proposal: Proposed, version: int) -> str:
    said = f"#{proposal.number} is open"
    if proposal.version == version:
        return said
    return f"{said}, which is about v{proposal.version}: close it, so that v{version} can have one"


def _cooling(
    rules: Sequence[WatchRule],
    facts: ServingFacts,
    proposals: Iterable[Proposed],
    now: datetime,
) -> str | None:
    """Return a sentence within the shortest cooldown of the rules that ask, else None."""
    cooldown = min(rule.cooldown for rule in rules)
    times = [each.time for each in proposals if each.model == facts.model]
    if facts.ended is not None:
        times.append(facts.ended)
    # One from the future was written by a wrong clock, and may not hold back until then.
    recent = [abs(now - time) for time in times if abs(now - time) < cooldown]
    if not recent:
        return None
    ago = in_words(min(recent), parts=2)
    return f"the last proposal is {ago} old, and `cooldown` is {in_words(cooldown)}"
