"""The ready-made rules: what each asks of one move, with its numbers, and the way out of it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final, Literal, TypeAlias

from typing_extensions import assert_never

from reconciler.core.durations import in_words
from reconciler.core.facts import Facts
from reconciler.core.policies import (
    Approvals,
    DatedFreeze,
    Expression,
    Lineage,
    Requirement,
    SignatureRule,
    Soak,
    Transitions,
    WeeklyFreeze,
)
from reconciler.core.signatures import incompatibilities
from reconciler.core.state import ACTIVE_STAGES
from reconciler.core.transitions import Transition
from reconciler.policy.freeze_windows import closed, frozen_until

BuiltinRule: TypeAlias = (
    Transitions | Soak | WeeklyFreeze | DatedFreeze | Lineage | SignatureRule | Approvals
)

_SHOWN: Final = 10  # names that a message lists of what is there
_SHORT: Final = 8  # characters of a commit's id


@dataclass(frozen=True, slots=True)
class StageEntry:
    """Since when a version is in the stage that it leaves, by which source and commit."""

    when: datetime
    source: Literal["apply record", "main line"]
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class RuleInput:
    """One move, and everything that a ready-made rule may look at.

    `tags` are the version's live ones. `entered` is about its live stage, None where nobody knows.
    `approvers` is None where no forge was asked; `authors` wrote the change.
    """

    transition: Transition
    facts: Facts
    incumbent_facts: Facts | None
    tags: Mapping[str, str]
    rollback: bool
    entered: StageEntry | None
    now: datetime
    approvers: frozenset[str] | None
    authors: frozenset[str]


def unmet(requirement: BuiltinRule, case: RuleInput) -> str | None:
    """Return why a move does not meet a requirement, in words and numbers; None when it does."""
    if case.rollback and exempts_rollback(requirement):
        return None
    match requirement:
        case Transitions():
            return _transition(requirement, case.transition)
        case Soak():
            return _soak(requirement, case)
        case WeeklyFreeze() | DatedFreeze():
            return _freeze(requirement, case)
        case Lineage():
            return _lineage(requirement, case)
        case SignatureRule():
            return _signature(requirement, case)
        case Approvals():
            return _approvals(requirement, case)
        case _:
            assert_never(requirement)


def exempts_rollback(requirement: BuiltinRule) -> bool:
    """Return whether a version that served before passes: going back must be quick, yet not blind."""
    return isinstance(requirement, Transitions | Soak | WeeklyFreeze | DatedFreeze)


def reads_history(requirement: BuiltinRule) -> bool:
    """Return whether the past of a version counts: since when it is where it is, or if it served."""
    return exempts_rollback(requirement)


def reads_facts(requirement: BuiltinRule) -> bool:
    """Return whether runs or signatures are looked at, which costs requests."""
    if isinstance(requirement, Lineage):
        return any(not name.startswith("tags.") for name in requirement.names)
    return isinstance(requirement, SignatureRule)


def way_out(requirement: Requirement) -> str:
    """Return what to do where a policy has no message of its own."""
    match requirement:
        case Expression():
            return "change what the condition looks at, and plan again"
        case Transitions():
            return "declare the next stage on the way, apply that, and go on from there"
        case Soak():
            return "wait, and plan again"
        case WeeklyFreeze() | DatedFreeze():
            return "wait for the opening, and run it again"
        case Lineage():
            return "log it in the run that trains the model, or set the tag where the data is known"
        case SignatureRule(level="required"):
            return "log the model with a signature (`infer_signature`), and register that version"
        case SignatureRule():
            return "register a version that takes what callers send, or move the callers first"
        case Approvals():
            return "ask somebody who did not write the change to approve it"
        case _:
            assert_never(requirement)


def _transition(rule: Transitions, transition: Transition) -> str | None:
    """Judge a way into an active stage; leaving for a rest, and an alias, are always allowed."""
    if transition.stage not in ACTIVE_STAGES or transition.in_place:
        return None
    before = transition.before or "None"
    if transition.stage in rule.order:
        place = rule.order.index(transition.stage)
        if place == 0 or rule.order[place - 1] == before:
            return None
    way = " → ".join(rule.order)
    return f"v{transition.version} goes {before} → {transition.stage}; the way is {way}"


def _soak(rule: Soak, case: RuleInput) -> str | None:
    """Judge the time in the active stage before; for an alias, in whatever stage it is now."""
    transition, asked = case.transition, in_words(rule.at_least)
    if transition.in_place:
        return None
    before = transition.before or "None"
    if transition.alias is None and before not in ACTIVE_STAGES:
        rests = "was in no stage before" if before == "None" else f"comes from {before}"
        return f"v{transition.version} {rests}; {asked} in {' or '.join(ACTIVE_STAGES)} are asked"
    since = case.entered
    if since is None:
        return (
            f"nobody knows since when v{transition.version} is in {before}; {asked} are asked: "
            f"they count from the merge that declares `stage: {before}`, or from its apply"
        )
    if case.now - since.when >= rule.at_least:
        return None
    commit = f" of {since.commit[:_SHORT]}" if since.commit else ""
    return (
        f"v{transition.version} is in {before} since {_utc(since.when)} ({since.source}{commit}), "
        f"{in_words(case.now - since.when, parts=2)}; {asked} are asked, "
        f"reached at {_utc(since.when + rule.at_least)}"
    )


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"


def _freeze(rule: WeeklyFreeze | DatedFreeze, case: RuleInput) -> str | None:
    opening = None if case.transition.in_place else closed(rule, case.now)
    return None if opening is None else frozen_until(rule, opening)


def _lineage(rule: Lineage, case: RuleInput) -> str | None:
    """Judge names that need a value; one of blanks is none."""
    families = {
        "params": case.facts.params,
        "run.tags": case.facts.run.tags if case.facts.run else {},
        "tags": case.tags,
    }
    lacking: list[str] = []
    looked_at: list[str] = []
    for name in rule.names:
        family = next(one for one in families if name.startswith(f"{one}."))
        value = families[family].get(name.removeprefix(f"{family}."))
        if value is None or not value.strip():
            lacking.append(f"no `{name}`" if value is None else f"`{name}` is empty")
            looked_at += [family] if family not in looked_at else []
    if not lacking:
        return None
    there = [f"{family}: {_listed(families[family])}" for family in looked_at]
    unread = case.facts.missing if reads_facts(rule) else ()
    return "; ".join([f"v{case.transition.version}: {', '.join(lacking)}", *there, *unread])


def _listed(names: Collection[str]) -> str:
    shown = [f"`{name}`" for name in sorted(names)[:_SHOWN]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "") or "none"


def _signature(rule: SignatureRule, case: RuleInput) -> str | None:
    """Judge a signature; `compatible` asks no more than `required` where the incumbent has none."""
    version, signature = f"v{case.transition.version}", case.facts.signature
    if signature is None:
        return "; ".join([f"{version} has no signature", *case.facts.missing])
    if not signature.inputs:
        return f"the signature of {version} names no inputs"
    incumbent = case.incumbent_facts
    if rule.level == "required" or incumbent is None:
        return None
    if incumbent.signature_unread:
        what = f"the signature of v{case.transition.incumbent}, to compare with, cannot be read"
        return "; ".join([what, *incumbent.missing])
    before = incumbent.signature
    if before is None or not before.inputs:
        return None
    broken = "; ".join(incompatibilities(signature, before))
    return f"{version} breaks callers of v{case.transition.incumbent}: {broken}" if broken else None


def _approvals(rule: Approvals, case: RuleInput) -> str | None:
    """Judge verified approvals; names count without case, and no author's does."""
    if case.approvers is None:
        return "approvals are not known here: no forge confirmed any"
    authors = {name.casefold() for name in case.authors}
    others = {name.casefold(): name for name in sorted(case.approvers)}
    count = [name for folded, name in others.items() if folded not in authors]
    if len(count) >= rule.at_least:
        return None
    return "; ".join([f"{len(count)} of {rule.at_least} approvals", *_who(count, case, authors)])


def _who(count: Collection[str], case: RuleInput, authors: Collection[str]) -> Iterator[str]:
    if count:
        yield f"by {', '.join(count)}"
    own = sorted(name for name in case.approvers or () if name.casefold() in authors)
    if own:
        yield f"that of {', '.join(own)} does not count: they wrote the change"
