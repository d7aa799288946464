"""Guards and policies judge the whole plan before its first write, with the evidence beside it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.core.comparison import comparisons
from reconciler.core.facts import Facts
from reconciler.core.plan import DraftPlan, JudgedPlan, ModelPlan
from reconciler.core.policies import DatedFreeze, Policy, WeeklyFreeze
from reconciler.core.settings import EffectiveSettings
from reconciler.core.state import Declaration, Live
from reconciler.core.transitions import (
    Transition,
    changing_hands,
    transitions,
    transitions_in_place,
)
from reconciler.core.violations import Consent, Violation, with_consent
from reconciler.planning.live_state import read_facts
from reconciler.planning.model_plan import Planned
from reconciler.policy import evaluation, guards
from reconciler.policy.evaluation import PolicyContext, PolicyInput
from reconciler.policy.guards import GuardInput
from reconciler.ports.registry import Registry

_READERS = 8


@dataclass(frozen=True, slots=True)
class Judging:
    """How a plan is judged: the court that the policies have, and the consents of this run.

    `evidence` reads the runs of versions that change hands, `everything` judges also what is
    live already.
    """

    context: PolicyContext
    accept: frozenset[Consent] = frozenset()
    evidence: bool = False
    everything: bool = False


@dataclass(frozen=True, slots=True)
class ModelDraft:
    """A model's plan before it is judged; `moves` are those that it makes."""

    planned: Planned
    declaration: Declaration | None
    live: Live | None
    effective: EffectiveSettings
    transitions: tuple[Transition, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """A checkout compared with a registry, and judged by nobody yet.

    `live` is the registry by model name. `registry_violations` says that it looks like another one.
    """

    plan: DraftPlan
    live: Mapping[str, Live]
    drafts: tuple[ModelDraft, ...]
    registry_violations: tuple[Violation, ...] = ()

    def narrowed(self, plans: Sequence[ModelPlan]) -> "Compared":
        """Return what is left where these plans, with no more to write, are all that is meant."""
        chosen = {plan.model: plan for plan in plans}
        drafts = tuple(
            _planned_as(draft, chosen[draft.planned.plan.model])
            for draft in self.drafts
            if draft.planned.plan.model in chosen
        )
        models = tuple(draft.planned.plan for draft in drafts)
        return replace(self, plan=replace(self.plan, models=models), drafts=drafts)


def _planned_as(draft: ModelDraft, plan: ModelPlan) -> ModelDraft:
    made = transitions(plan.changes, draft.planned.live)
    return replace(draft, planned=replace(draft.planned, plan=plan), transitions=made)


def judge(compared: Compared, registry: Registry, judging: Judging) -> JudgedPlan:
    """Return the plan with the evidence for it, and all that guards and policies find in it."""
    draft, drafts = compared.plan, compared.drafts
    policy_inputs = {
        d.planned.plan.model: _policy_input(d, judging) for d in drafts if d.live is not None
    }
    facts = _facts(drafts, policy_inputs, registry, judging)
    verdict = evaluation.combined(
        [
            evaluation.check_policies(policy_input, facts.get(name, {}), judging.context)
            for name, policy_input in policy_inputs.items()
        ]
    )
    found = (
        *compared.registry_violations,
        *guards.check_guards(list(_guarded(drafts))),
        *verdict.violations,
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
                (with_consent(violation, consents) for violation in found),
                key=lambda violation: violation.sort_key,
            )
        ),
        pending=tuple(
            waiting for waiting in verdict.pending if not with_consent(waiting, consents).accepted
        ),
    )


def closed_by_now(
    plan: JudgedPlan, policies: Sequence[Policy], context: PolicyContext
) -> JudgedPlan:
    """Return a saved plan with the freezes that began since it was judged."""
    freezes = tuple(one for one in policies if isinstance(one.requires, WeeklyFreeze | DatedFreeze))
    known = {(one.name, one.model) for one in (*plan.violations, *plan.pending)}
    found = [
        violation
        for model in plan.models
        for violation in evaluation.check_policies(
            PolicyInput(None, Live(model.model, {}, {}), transitions(model.changes, {}), freezes),
            {},
            context,
        ).violations
        if (violation.name, violation.model) not in known
    ]
    return replace(plan, violations=(*plan.violations, *found))


def consents_of_files(declarations: Iterable[Declaration], now: datetime) -> frozenset[Consent]:
    """Return the consents that the models' files give, and that have not ended."""
    return frozenset(
        Consent(consent.guard, declaration.model)
        for declaration in declarations
        for consent in declaration.accept
        if now.date() <= consent.until
    )


def _policy_input(draft: ModelDraft, judging: Judging) -> PolicyInput:
    plan, live = draft.planned.plan, draft.live
    if live is None:  # the caller asks only where it is there
        raise ValueError(plan.model)
    made = draft.transitions
    if judging.everything and draft.declaration is not None:
        made = (
            *transitions(plan.changes, draft.planned.live, drift=True),
            *transitions_in_place(plan.model, draft.declaration.fields, draft.planned.live),
        )
    before = draft.effective.base.policies if draft.effective.base else ()
    return PolicyInput(draft.declaration, live, made, draft.effective.settings.policies, before)


def _facts(
    drafts: Iterable[ModelDraft],
    policy_inputs: Mapping[str, PolicyInput],
    registry: Registry,
    judging: Judging,
) -> Mapping[str, Mapping[int, Facts]]:
    """Read the runs that a policy or a reader asks about, and no others."""
    asked: list[tuple[Live, int]] = []
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
        asked += [
            (policy_input.live, v) for v in sorted(versions) if v in policy_input.live.versions
        ]
    return read_facts(registry, asked, parallelism=_READERS)


def _with_evidence(
    draft: ModelDraft, facts: Mapping[str, Mapping[int, Facts]], judging: Judging
) -> ModelPlan:
    plan = draft.planned.plan
    known = facts.get(plan.model)
    if draft.live is None or not known or not judging.evidence:
        return plan
    return replace(plan, evidence=comparisons(draft.transitions, draft.live, known))


def _guarded(drafts: Iterable[ModelDraft]) -> Iterable[GuardInput]:
    for draft in drafts:
        if draft.declaration is None or draft.live is None:
            continue
        settings = draft.effective.settings
        servings = dict.fromkeys((settings.serving, draft.effective.own.serving))
        yield GuardInput(
            draft.declaration,
            draft.planned.live,
            draft.planned.plan.changes,
            draft.planned.declared,
            settings.guarded_aliases,
            tuple(servings),
        )
