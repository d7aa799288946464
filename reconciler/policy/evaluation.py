"""Policies: every move that a plan makes is judged by the rules that cover it.

What is live already is not judged, and neither is drift that is put back.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from shlex import quote
from typing import Literal, Protocol, TypeAlias

from reconciler.core.facts import NO_FACTS, Facts
from reconciler.core.policies import Approvals, Expression, Policy
from reconciler.core.state import Declaration, Live
from reconciler.core.transitions import Transition
from reconciler.core.violations import Violation
from reconciler.policy import builtin_rules
from reconciler.policy.builtin_rules import RuleInput, StageEntry
from reconciler.policy.variables import Commit, TransitionInput, Variables, live_tags, variables

Topic: TypeAlias = Literal["facts", "history", "approvals"]

_LONGEST = 120  # characters of a condition that a message repeats


class Expressions(Protocol):
    """The port to the language that conditions are written in."""

    def unmet(self, source: str, scope: Mapping[str, object]) -> str | None:
        """Return None when a condition holds, else why not; never raises for what it does."""
        ...

    def may_be_approved(self, source: str, scope: Mapping[str, object]) -> bool:
        """Return whether approvals that may still come can make an unmet condition hold."""
        ...

    def reads(self, source: str, topic: Topic) -> bool:
        """Return whether a condition looks at runs and signatures, at the past, or at approvals."""
        ...


class StageHistory(Protocol):
    """The port to what the merged history says of a version."""

    def served_before(self, model: str, version: int) -> bool:
        """Return whether a version served, and then another one did."""
        ...

    def entered(self, model: str, version: int, stage: str) -> StageEntry | None:
        """Return since when a version is in a stage, None where nobody knows."""
        ...


@dataclass(frozen=True, slots=True)
class PolicyContext:
    """What judging needs besides the moves; without a `chronicle` there is no past.

    `commit_of` returns the commit that a model is judged for, with the approvals that are known.
    `planning` makes an approval that may still come `pending`.
    """

    expressions: Expressions
    now: datetime
    stage_history: StageHistory | None = None
    commit_of: Callable[[Live], Commit] = lambda _: Commit()
    planning: bool = True


@dataclass(frozen=True, slots=True)
class PolicyInput:
    """One model before the court: its moves, and the rules that may be asked about them.

    `before` are the rules as they were before this change, where they are not the same.
    """

    declaration: Declaration | None
    live: Live
    transitions: tuple[Transition, ...]
    policies: tuple[Policy, ...]
    before: tuple[Policy, ...] = ()

    def covered(self) -> Iterable[tuple[Policy, bool, Transition]]:
        """Yield each policy with each move that it covers; true for a rule from before."""
        settings = [(policy, False) for policy in self.policies]
        settings += [(policy, True) for policy in self.before if policy not in self.policies]
        for policy, old in settings:
            for transition in self.transitions:
                if covers(policy, transition):
                    yield policy, old, transition


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """What the policies found; `pending` waits for an approval that may still come."""

    violations: tuple[Violation, ...] = ()
    pending: tuple[Violation, ...] = ()


def covers(policy: Policy, transition: Transition) -> bool:
    """Return whether a policy is asked about a move; globs and names count case."""
    on = policy.on
    if not any(fnmatchcase(transition.model, glob) for glob in on.models):
        return False
    return (
        transition.alias in on.aliases
        if transition.alias is not None
        else transition.stage in on.stages
    )


def versions_to_know(policy_input: PolicyInput, expressions: Expressions) -> Collection[int]:
    """Return the versions whose facts the policies ask for: none, where none does."""
    named: set[int] = set()
    for policy, _, transition in policy_input.covered():
        if _reads(policy, "facts", expressions):
            named |= {transition.version} | (
                {transition.incumbent} if transition.incumbent is not None else set()
            )
    return sorted(named)


def check_policies(
    policy_input: PolicyInput, facts: Mapping[int, Facts], context: PolicyContext
) -> PolicyResult:
    """Return every policy that the moves of one model break."""
    found: dict[tuple[str, int, str, bool], _Broken] = {}
    for policy, old, transition in policy_input.covered():
        seen = TransitionInput(transition, policy_input.live, policy_input.declaration, facts)
        reason, waits = _unmet(policy, seen, context)
        if reason is not None:
            key = (policy.name, transition.version, reason, old)
            before = found.get(key)
            places = tuple(dict.fromkeys((*(before.places if before else ()), transition.place)))
            found[key] = _Broken(policy, transition, places, reason, old=old, waits=waits)
    broken = sorted(
        found.values(), key=lambda one: (one.policy.name, one.transition.version, one.reason)
    )
    return PolicyResult(
        tuple(_violation(one) for one in broken if not one.waits),
        tuple(_violation(one) for one in broken if one.waits),
    )


@dataclass(frozen=True, slots=True)
class _Broken:
    policy: Policy
    transition: Transition
    places: tuple[str, ...]
    reason: str
    old: bool
    waits: bool


def _violation(broken: _Broken) -> Violation:
    policy, transition = broken.policy, broken.transition
    where = f"v{transition.version} → {', '.join(broken.places)}"
    old = " (the rule as it was before this change)" if broken.old else ""
    hint = policy.message or builtin_rules.way_out(policy.requires)
    if policy.enforce == "deny":
        consent = quote(f"{policy.name}={transition.model}")
        hint += f"; `apply --accept {consent}` lets it pass once"
    return Violation(
        policy.name,
        transition.model,
        f"{where}: {broken.reason}{old}",
        hint,
        enforce=policy.enforce,
    )


def _unmet(
    policy: Policy, seen: TransitionInput, context: PolicyContext
) -> tuple[str | None, bool]:
    """Return why a policy is not met, and whether an approval is all that it waits for."""
    requires = policy.requires
    past = _reads(policy, "history", context.expressions)
    rollback = past and _served_before(seen.transition, context)
    if isinstance(requires, Expression):
        scope = variables(seen, context.commit_of(seen.live), context.now, rollback=rollback)
        return _unmet_condition(requires.source, scope, context)
    reason = builtin_rules.unmet(requires, _case(seen, context, rollback=rollback, past=past))
    waits = reason is not None and context.planning and isinstance(requires, Approvals)
    return reason, waits


def _unmet_condition(
    source: str, scope: Variables, context: PolicyContext
) -> tuple[str | None, bool]:
    found = context.expressions.unmet(source, scope)
    if found is None:
        return None, False
    waits = (
        context.planning
        and context.expressions.reads(source, "approvals")
        and context.expressions.may_be_approved(source, scope)
    )
    if len(source) > _LONGEST:
        return found, waits
    return f"`{' '.join(source.split())}` does not hold: {found}", waits


def _case(
    seen: TransitionInput, context: PolicyContext, *, rollback: bool, past: bool
) -> RuleInput:
    transition, commit = seen.transition, context.commit_of(seen.live)
    approvals = commit.approvals
    incumbent = (
        None if transition.incumbent is None else seen.facts.get(transition.incumbent, NO_FACTS)
    )
    return RuleInput(
        transition=transition,
        facts=seen.facts.get(transition.version, NO_FACTS),
        incumbent_facts=incumbent,
        tags=live_tags(seen.live, transition.version),
        rollback=rollback,
        entered=_entered(seen, context) if past else None,
        now=context.now,
        approvers=None if approvals is None else frozenset(one.login for one in approvals),
        authors=commit.authors,
    )


def _served_before(transition: Transition, context: PolicyContext) -> bool:
    return context.stage_history is not None and context.stage_history.served_before(
        transition.model, transition.version
    )


def _entered(seen: TransitionInput, context: PolicyContext) -> StageEntry | None:
    transition = seen.transition
    if context.stage_history is None or transition.before is None:
        return None
    return context.stage_history.entered(transition.model, transition.version, transition.before)


def _reads(policy: Policy, topic: Topic, expressions: Expressions) -> bool:
    requires = policy.requires
    if isinstance(requires, Expression):
        return expressions.reads(requires.source, topic)
    match topic:
        case "facts":
            return builtin_rules.reads_facts(requires)
        case "history":
            return builtin_rules.reads_history(requires)
        case "approvals":
            return isinstance(requires, Approvals)


def combined(verdicts: Sequence[PolicyResult]) -> PolicyResult:
    """Return several models' verdicts as one."""
    return PolicyResult(
        tuple(violation for verdict in verdicts for violation in verdict.violations),
        tuple(waiting for verdict in verdicts for waiting in verdict.pending),
    )
