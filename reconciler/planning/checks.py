"""Reads the approved bytes, has guards and policies judge the whole plan, adds the evidence."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.core.comparison import comparisons
from reconciler.core.declaring.consumers import affected
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.declaring.semantic_versions import declared_semvers, semvers
from reconciler.core.facts import Facts
from reconciler.core.plan import DraftPlan, JudgedPlan, ModelPlan
from reconciler.core.policies import DatedFreeze, Policy, WeeklyFreeze
from reconciler.core.settings import EffectiveSettings
from reconciler.core.state import Consumer, Declaration, Live, Serving, aliases
from reconciler.core.transitions import (
    Transition,
    changing_hands,
    in_both_words,
    transitions,
    transitions_in_place,
)
from reconciler.core.violations import Consent, Violation, with_consent
from reconciler.planning.artifacts.approved_bytes import (
    BytesReading,
    check_bytes,
    settled,
    through,
)
from reconciler.planning.live_state import read_facts
from reconciler.planning.model_plan import Planned
from reconciler.planning.semver_order import PastServing, not_higher
from reconciler.policy import evaluation, guards
from reconciler.policy.evaluation import PolicyContext, PolicyInput
from reconciler.policy.guards import GuardInput
from reconciler.ports.registry import Registry


@dataclass(frozen=True, slots=True)
class Judging:
    """How a plan is judged: the context of the policies, and the consents of this run.

    With `evidence`, the runs of versions that change hands are read; with `everything`, live state
    is judged too. `reading` is how bytes are read; None reads them through the registry.
    """

    context: PolicyContext
    accept: frozenset[Consent] = frozenset()
    evidence: bool = False
    everything: bool = False
    reading: BytesReading | None = None


@dataclass(frozen=True, slots=True)
class ModelDraft:
    """One model's plan before it is judged, with what judging it needs.

    `servings` are what "serving" means for the model, here and before the change;
    `consumers_before` are those that it had before, where the change may take something from them.
    """

    planned: Planned
    declaration: Declaration | None
    live: Live | None
    effective: EffectiveSettings
    servings: tuple[Serving, ...]
    transitions: tuple[Transition, ...] = ()
    consumers_before: tuple[Consumer, ...] = ()

    def planned_as(self, plan: ModelPlan) -> "ModelDraft":
        """Return the draft with this plan, which may be a part of the model's plan.

        What puts back drift is no transition: it was judged when it was applied. The apply of an
        unfinished record was never confirmed, so all of its rest is judged.
        """
        is_unfinished = self.live is not None and self.live.unfinished
        moved = transitions(plan.changes, self.planned.live, drift=is_unfinished)
        if plan.changes and self.declaration is not None and self.live is not None:
            consumers = self.declaration.consumers
            live, versions = self.planned.live, self.live.versions
            rows = affected(consumers, live, plan.changes, versions)
            plan = replace(plan, consumers=rows)
        return replace(self, planned=replace(self.planned, plan=plan), transitions=moved)

    @property
    def notes(self) -> tuple[str, ...]:
        """What takes effect one merge later: settings, and what this model's file says serves."""
        *before, now = map(str, self.servings)
        if not before or self.effective.settings.serving != self.effective.own.serving:
            return self.effective.deferred
        still = f"`serving` of `{self.planned.plan.model}` is still {before[0]}, not {now}"
        return (*self.effective.deferred, still)


@dataclass(frozen=True, slots=True)
class Compared:
    """A checkout compared with a registry, not judged yet.

    `live` is the registry by model name; `registry_violations` are those of `check_registry`.
    """

    plan: DraftPlan
    live: Mapping[str, Live]
    drafts: tuple[ModelDraft, ...]
    registry_violations: tuple[Violation, ...] = ()

    def narrowed(self, plans: Sequence[ModelPlan]) -> "Compared":
        """Return the comparison with these plans alone, each a part of the model's plan here."""
        chosen = {plan.model: plan for plan in plans}
        drafts = tuple(
            draft.planned_as(chosen[draft.planned.plan.model])
            for draft in self.drafts
            if draft.planned.plan.model in chosen
        )
        models = tuple(draft.planned.plan for draft in drafts)
        return replace(self, plan=replace(self.plan, models=models), drafts=drafts)


def judge(compared: Compared, registry: Registry, judging: Judging) -> JudgedPlan:
    """Return the plan with its evidence and the violations of guards and policies.

    Excludes a model whose next version has no higher semantic version than what it displaces.
    Reads the bytes of the versions with a declared digest that enter, where the settings say so: a
    model whose bytes are not the approved ones, or cannot be read, is excluded. Reads runs where
    policies or the evidence need them.
    """
    compared = _in_order(compared, judging.context.stage_history)
    compared = _with_bytes(compared, judging.reading or through(registry))
    draft, drafts = compared.plan, compared.drafts
    policy_inputs = {
        d.planned.plan.model: _policy_input(d, judging) for d in drafts if d.live is not None
    }
    facts = _facts(drafts, policy_inputs, registry, judging)
    result = evaluation.combined(
        [
            evaluation.check_policies(policy_input, facts.get(name, {}), judging.context)
            for name, policy_input in policy_inputs.items()
        ]
    )
    violations = (
        *compared.registry_violations,
        *guards.check_guards(list(_guarded(drafts))),
        *result.violations,
    )
    declarations = [draft.declaration for draft in drafts if draft.declaration is not None]
    consents = judging.accept | consents_of_files(declarations, judging.context.now)
    return JudgedPlan(
        registry=draft.registry,
        state=draft.state,
        notes=draft.notes,
        warnings=draft.warnings,
        exclusive=draft.exclusive,
        models=tuple(_with_evidence(draft, facts, judging) for draft in drafts),
        violations=tuple(
            sorted(
                (with_consent(violation, consents) for violation in violations),
                key=lambda violation: violation.sort_key,
            )
        ),
        pending=tuple(
            waiting for waiting in result.pending if not with_consent(waiting, consents).accepted
        ),
    )


def _in_order(compared: Compared, past: PastServing | None) -> Compared:
    plans = [_judged_order(draft, past) for draft in compared.drafts]
    is_same = all(p is d.planned.plan for p, d in zip(plans, compared.drafts, strict=True))
    return compared if is_same else compared.narrowed(plans)


def _judged_order(draft: ModelDraft, past: PastServing | None) -> ModelPlan:
    plan, declaration = draft.planned.plan, draft.declaration
    moved = {transition.version for transition in draft.transitions}
    if declaration is None or not moved:
        return plan
    problems = not_higher(declaration, draft.planned.base, draft.servings, moved, past)
    return plan.excluded(problems) if problems else plan


def _with_bytes(compared: Compared, reading: BytesReading) -> Compared:
    if not any(draft.planned.plan.bytes for draft in compared.drafts):
        return compared
    to_read = [d for d in compared.drafts if "plan" in d.effective.settings.verify]
    checks = check_bytes([draft.planned.plan for draft in to_read], reading)
    plans = [settled(d.planned.plan, d.declaration, checks) for d in compared.drafts]
    return compared.narrowed(plans)


def closed_by_now(plan: JudgedPlan, desired: DeclaredState, context: PolicyContext) -> JudgedPlan:
    """Return a saved plan with the violations of freezes that began since it was judged."""
    freezes = tuple(
        policy
        for policy in desired.settings.policies
        if isinstance(policy.requires, WeeklyFreeze | DatedFreeze)
    )
    known = {(v.name, v.model) for v in (*plan.violations, *plan.pending)}
    new = [
        violation
        for model in plan.models
        for violation in evaluation.check_policies(
            _moved_by(model, desired, freezes), {}, context
        ).violations
        if (violation.name, violation.model) not in known
    ]
    return replace(plan, violations=(*plan.violations, *new))


def _moved_by(
    model: ModelPlan, desired: DeclaredState, policies: tuple[Policy, ...]
) -> PolicyInput:
    name, rules = model.model, desired.settings.serving
    servings = rules.of(name, desired.declarations.get(name)), rules.of(name, None)
    bridged = desired.settings.bridge.pairs
    made = transitions(model.changes, {})
    return PolicyInput(None, Live(name, {}, {}), made, servings, policies, bridged=bridged)


def consents_of_files(declarations: Iterable[Declaration], now: datetime) -> frozenset[Consent]:
    """Return the consents in the models' files that have not expired."""
    return frozenset(
        Consent(consent.guard, declaration.model)
        for declaration in declarations
        for consent in declaration.accept
        if now.date() <= consent.until
    )


def _policy_input(draft: ModelDraft, judging: Judging) -> PolicyInput:
    plan, live = draft.planned.plan, draft.live
    if live is None:  # the caller passes live models only
        raise ValueError(plan.model)
    made = draft.transitions
    if judging.everything and draft.declaration is not None:
        made = (
            *transitions(plan.changes, draft.planned.live, drift=True),
            *transitions_in_place(plan.model, draft.declaration.fields, draft.planned.live),
        )
    before = draft.effective.base.policies if draft.effective.base else ()
    own = draft.effective.settings.policies
    bridged = draft.effective.bridged
    made = in_both_words(made, draft.planned.live, draft.planned.base.first, bridged)
    numbers = declared_semvers(draft.declaration, draft.planned.base)
    return PolicyInput(draft.declaration, live, made, draft.servings, own, before, bridged, numbers)


def _facts(
    drafts: Iterable[ModelDraft],
    policy_inputs: Mapping[str, PolicyInput],
    registry: Registry,
    judging: Judging,
) -> Mapping[str, Mapping[int, Facts]]:
    """Read the runs that a policy or the evidence needs, and no others."""
    needed: list[tuple[Live, int]] = []
    for draft in drafts:
        policy_input = policy_inputs.get(draft.planned.plan.model)
        if policy_input is None:
            continue
        versions = set(
            changing_hands([transition for transition in draft.transitions if transition.matters])
            if judging.evidence
            else ()
        )
        versions |= set(evaluation.versions_to_know(policy_input, judging.context.expressions))
        needed += [
            (policy_input.live, v) for v in sorted(versions) if v in policy_input.live.versions
        ]
    return read_facts(registry, needed)


def _with_evidence(
    draft: ModelDraft, facts: Mapping[str, Mapping[int, Facts]], judging: Judging
) -> ModelPlan:
    plan = draft.planned.plan
    known = facts.get(plan.model)
    if draft.live is None or not known or not judging.evidence:
        return plan
    digests = draft.declaration.digests if draft.declaration is not None else {}
    numbers = semvers(draft.declaration)
    made = comparisons(draft.transitions, draft.live, known, digests, numbers)
    return replace(plan, evidence=made)


def _guarded(drafts: Iterable[ModelDraft]) -> Iterable[GuardInput]:
    for draft in drafts:
        if draft.declaration is None or draft.live is None:
            continue
        yield GuardInput(
            draft.declaration,
            draft.planned.live,
            draft.planned.plan.changes,
            draft.planned.declared,
            tuple(filter(draft.effective.settings.guards, aliases(draft.planned.live))),
            draft.servings,
            draft.effective.bridged,
            consumers_before=draft.consumers_before,
        )
