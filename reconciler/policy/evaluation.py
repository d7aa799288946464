"""Judges every transition in a plan by the policies that cover it.

Neither live state nor changes that revert drift are judged.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from shlex import quote
from typing import Literal, Protocol, TypeAlias

from reconciler.core.declaring.semantic_versions import NO_SEMVERS, DeclaredSemvers
from reconciler.core.facts import NO_FACTS, Facts, Unread
from reconciler.core.policies import Approvals, Expression, Lineage, Policy, SemverRule
from reconciler.core.state import Declaration, Live, Serving
from reconciler.core.transitions import Transition
from reconciler.core.violations import Violation
from reconciler.policy import builtin_rules
from reconciler.policy.builtin_rules import RuleInput, StageEntry
from reconciler.policy.semver_rule import compares_signatures
from reconciler.policy.unread import Gap, Reads, gaps, unread
from reconciler.policy.variables import Commit, TransitionInput, Variables, live_tags, variables

Topic: TypeAlias = Literal["facts", "history", "approvals"]

_MAX_QUOTED = 120  # characters of a condition that a message repeats


class Expressions(Reads, Protocol):
    """The port to the language of conditions."""

    def unmet(self, source: str, scope: Mapping[str, object]) -> str | None:
        """Return None when a condition holds, else why not. Does not raise for any condition."""
        ...

    def holds_without(
        self, source: str, scope: Mapping[str, object], gaps: Collection[Gap]
    ) -> bool:
        """Return whether a condition holds whatever stands in the parts that nobody could read."""
        ...

    def may_be_approved(self, source: str, scope: Mapping[str, object]) -> bool:
        """Return whether further approvals can make an unmet condition hold."""
        ...

    def reads(self, source: str, topic: Topic) -> bool:
        """Return whether a condition reads runs and signatures, history, or approvals."""
        ...


class StageHistory(Protocol):
    """The port to the merged history of a version."""

    def served_before(self, model: str, version: int) -> bool:
        """Return whether a version served and was then replaced by another one."""
        ...

    def entered(self, model: str, version: int, stage: str) -> StageEntry | None:
        """Return when a version entered its stage; None when unknown."""
        ...


@dataclass(frozen=True, slots=True)
class PolicyContext:
    """What policies need besides the transitions; without `stage_history` there is no history.

    `commit_of` returns the commit that a model is judged for, with its known approvals. With
    `planning`, a missing approval is pending, not a violation.
    """

    expressions: Expressions
    now: datetime
    stage_history: StageHistory | None = None
    commit_of: Callable[[Live], Commit] = lambda _: Commit()
    planning: bool = True


@dataclass(frozen=True, slots=True)
class PolicyInput:
    """One model's transitions, and the policies that may cover them.

    `servings` are what "serving" means for the model: two while a change to that is new. `before`
    are the policies before this change, where they differ. `bridged` are pairs of a stage and an
    alias that are one. `semvers` are the model's numbers.
    """

    declaration: Declaration | None
    live: Live
    transitions: tuple[Transition, ...]
    servings: tuple[Serving, ...]
    policies: tuple[Policy, ...]
    before: tuple[Policy, ...] = ()
    bridged: tuple[tuple[str, str], ...] = ()
    semvers: DeclaredSemvers = NO_SEMVERS

    def pair(self, transition: Transition) -> str:
        """Return the same for both words of a bridged pair, else where a transition leads."""
        stages = {alias: stage for stage, alias in self.bridged}
        return stages.get(transition.alias or "", transition.place)

    def covered(self) -> Iterable[tuple[Policy, bool, Transition]]:
        """Yield each policy, whether it is in `before` alone, and each transition it covers."""
        policies = [(policy, False) for policy in self.policies]
        policies += [(policy, True) for policy in self.before if policy not in self.policies]
        for policy, old in policies:
            for transition in self.transitions:
                if covers(policy, transition, self.servings):
                    yield policy, old, transition


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """The violations of policies; those in `pending` can still be met by an approval."""

    violations: tuple[Violation, ...] = ()
    pending: tuple[Violation, ...] = ()


def covers(policy: Policy, transition: Transition, servings: Collection[Serving]) -> bool:
    """Return whether a policy covers a transition; globs and names are case-sensitive."""
    on = policy.on
    if not any(fnmatchcase(transition.model, glob) for glob in on.models):
        return False
    serves = servings if on.serving else ()
    if transition.alias is not None:
        return transition.alias in (*on.aliases, *(serving.alias for serving in serves))
    return transition.stage in (*on.stages, *(serving.stage for serving in serves))


def versions_to_know(policy_input: PolicyInput, expressions: Expressions) -> Collection[int]:
    """Return the versions whose facts the policies read, sorted."""
    versions: set[int] = set()
    for policy, _, transition in policy_input.covered():
        if _reads(policy, "facts", expressions):
            versions |= {transition.version} | (
                {transition.incumbent} if transition.incumbent is not None else set()
            )
    return sorted(versions)


def check_policies(
    policy_input: PolicyInput, facts: Mapping[int, Facts], context: PolicyContext
) -> PolicyResult:
    """Return every policy that the transitions of one model violate."""
    reasons: dict[tuple[str, int, str, bool], _Broken] = {}
    of_pair: dict[tuple[str, int, str, bool], str] = {}
    for policy, old, transition in policy_input.covered():
        inputs = TransitionInput(
            transition, policy_input.live, policy_input.declaration, facts, policy_input.semvers
        )
        reason, waits = _unmet(policy, inputs, context)
        if reason is not None:
            # A move into a bridged pair breaks a policy once: for the reason at the stage.
            pair = (policy.name, transition.version, policy_input.pair(transition), old)
            first = of_pair.setdefault(pair, reason)
            reason = reason if transition.alias is None else first
            key = (policy.name, transition.version, reason, old)
            known = reasons.get(key)
            places = tuple(dict.fromkeys((*(known.places if known else ()), transition.place)))
            found = _unread(policy, inputs, context)
            waits = waits and (known is None or known.waits)
            reasons[key] = _Broken(policy, transition, places, reason, found, old=old, waits=waits)
    broken = sorted(reasons.values(), key=lambda b: (b.policy.name, b.transition.version, b.reason))
    return PolicyResult(
        tuple(_violation(policy) for policy in broken if not policy.waits),
        tuple(_violation(policy) for policy in broken if policy.waits),
    )


@dataclass(frozen=True, slots=True)
class _Broken:
    """A violated policy; `old` is true for one from before this change, `waits` for pending.

    `unread` is the evidence that it reads and nobody could read.
    """

    policy: Policy
    transition: Transition
    places: tuple[str, ...]
    reason: str
    unread: tuple[Unread, ...]
    old: bool
    waits: bool


def _violation(broken: _Broken) -> Violation:
    policy, transition = broken.policy, broken.transition
    where = f"v{transition.version} → {', '.join(broken.places)}"
    old = " (the rule as it was before this change)" if broken.old else ""
    why = [one.why for one in broken.unread if one.why and one.why not in broken.reason]
    return Violation(
        policy.name,
        transition.model,
        f"{where}: {'; '.join([broken.reason, *why])}{old}",
        _way_out(broken),
        enforce=policy.enforce,
    )


def _way_out(broken: _Broken) -> str:
    """Return what to do; what nobody could read has to be readable, and is never consented to."""
    policy = broken.policy
    if broken.unread:
        return "; ".join(dict.fromkeys(one.hint for one in broken.unread))
    hint = policy.message or builtin_rules.way_out(policy.requires, broken.transition)
    if policy.enforce == "deny":
        consent = quote(f"{policy.name}={broken.transition.model}")
        hint += f"; `apply --accept {consent}` allows it once"
    return hint


def _unread(policy: Policy, inputs: TransitionInput, context: PolicyContext) -> tuple[Unread, ...]:
    if isinstance(policy.requires, SemverRule) and not compares_signatures(
        inputs.transition, inputs.semvers
    ):
        return ()
    return unread(
        policy.requires,
        inputs.transition,
        inputs.facts,
        context.expressions,
        approvals=context.commit_of(inputs.live).approvals is not None,
        history=context.stage_history is not None,
    )


def _unmet(
    policy: Policy, inputs: TransitionInput, context: PolicyContext
) -> tuple[str | None, bool]:
    """Return why a policy is not met, and whether an approval can still meet it."""
    requires = policy.requires
    reads_history = _reads(policy, "history", context.expressions)
    rollback = reads_history and _served_before(inputs.transition, context)
    if isinstance(requires, Expression):
        scope = variables(inputs, context.commit_of(inputs.live), context.now, rollback=rollback)
        reason, waits = _unmet_condition(requires.source, scope, context)
        if reason is None:
            reason = _undecided(requires.source, scope, inputs, context)
        return reason, waits
    reason = builtin_rules.unmet(
        requires, _rule_input(inputs, context, rollback=rollback, with_history=reads_history)
    )
    if reason is None and isinstance(requires, Lineage) and _unread(policy, inputs, context):
        reason = f"v{inputs.transition.version}: its lineage cannot be read as a whole"
    waits = reason is not None and context.planning and isinstance(requires, Approvals)
    return reason, waits


def _unmet_condition(
    source: str, scope: Variables, context: PolicyContext
) -> tuple[str | None, bool]:
    reason = context.expressions.unmet(source, scope)
    if reason is None:
        return None, False
    waits = (
        context.planning
        and context.expressions.reads(source, "approvals")
        and context.expressions.may_be_approved(source, scope)
    )
    if len(source) > _MAX_QUOTED:
        return reason, waits
    return f"`{' '.join(source.split())}` does not hold: {reason}", waits


def _undecided(
    source: str, scope: Variables, inputs: TransitionInput, context: PolicyContext
) -> str | None:
    """Return a sentence where a condition holds only because evidence could not be read.

    Else `!has(metrics.f1)` would hold for every version while the tracking server is away.
    """
    found = gaps(source, inputs.transition, inputs.facts, context.expressions)
    if not found or context.expressions.holds_without(source, scope, found):
        return None
    condition = f"`{' '.join(source.split())}`" if len(source) <= _MAX_QUOTED else "the condition"
    return f"{condition} cannot be judged by what could be read"


def _rule_input(
    inputs: TransitionInput, context: PolicyContext, *, rollback: bool, with_history: bool
) -> RuleInput:
    transition, commit = inputs.transition, context.commit_of(inputs.live)
    approvals = commit.approvals
    incumbent = (
        None if transition.incumbent is None else inputs.facts.get(transition.incumbent, NO_FACTS)
    )
    return RuleInput(
        transition=transition,
        facts=inputs.facts.get(transition.version, NO_FACTS),
        incumbent_facts=incumbent,
        tags=live_tags(inputs.live, transition.version),
        rollback=rollback,
        entered=_entered(inputs, context) if with_history else None,
        now=context.now,
        approvers=None
        if approvals is None
        else frozenset(approval.login for approval in approvals),
        authors=commit.authors,
        declaration=inputs.declaration,
        semvers=inputs.semvers,
    )


def _served_before(transition: Transition, context: PolicyContext) -> bool:
    return context.stage_history is not None and context.stage_history.served_before(
        transition.model, transition.version
    )


def _entered(inputs: TransitionInput, context: PolicyContext) -> StageEntry | None:
    transition = inputs.transition
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


def combined(results: Sequence[PolicyResult]) -> PolicyResult:
    """Return the results of several models as one."""
    return PolicyResult(
        tuple(violation for result in results for violation in result.violations),
        tuple(waiting for result in results for waiting in result.pending),
    )
