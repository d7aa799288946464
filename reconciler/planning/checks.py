"""Guards and policies judge the whole plan before its first write, with the evidence beside it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.core.comparison import comparisons
from reconciler.core.facts import Facts
from reconciler.core.plan import DraftPlan, ModelPlan, Plan
from reconciler.core.policies import DatedFreeze, Policy, WeeklyFreeze
from reconciler.core.settings import Settled
from reconciler.core.state import Declaration, Live
from reconciler.core.transitions import Move, changing_hands, moves, standing_moves
from reconciler.core.violations import Consent, Violation, with_consent
from reconciler.planning.live_state import read_facts
from reconciler.planning.model_plan import Planned
from reconciler.policy import evaluation, guards
from reconciler.policy.evaluation import Court, Subject
from reconciler.policy.guards import Judged
from reconciler.ports.registry import Registry

_READERS = 8


@dataclass(frozen=True, slots=True)
class Gate:
    """How a plan is judged: the court that the policies have, and the consents of this run.

    `evidence` reads the runs of versions that change hands, `everything` judges also what is
    live already.
    """

    court: Court
    accept: frozenset[Consent] = frozenset()
    evidence: bool = False
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A model's plan before it is judged; `moves` are those that it makes."""

    planned: Planned
    declaration: Declaration | None
    live: Live | None
    settled: Settled
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """A checkout compared with a registry, and judged by nobody yet.

    `live` is the registry by model name. `astray` says that it looks like another one.
    """

    plan: DraftPlan
    live: Mapping[str, Live]
    drafts: tuple[Draft, ...]
    astray: tuple[Violation, ...] = ()

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


def _planned_as(draft: Draft, plan: ModelPlan) -> Draft:
    made = moves(plan.changes, draft.planned.live)
    return replace(draft, planned=replace(draft.planned, plan=plan), moves=made)


def judge(compared: Compared, registry: Registry, gate: Gate) -> Plan:
    """Return the plan with the evidence for it, and all that guards and policies find in it."""
    draft, drafts = compared.plan, compared.drafts
    subjects = {d.planned.plan.model: _subject(d, gate) for d in drafts if d.live is not None}
    facts = _facts(drafts, subjects, registry, gate)
    verdict = evaluation.all_of(
        [
            evaluation.judge(subject, facts.get(name, {}), gate.court)
            for name, subject in subjects.items()
        ]
    )
    found = (*compared.astray, *guards.judge(list(_guarded(drafts))), *verdict.violations)
    declarations = [draft.declaration for draft in drafts if draft.declaration is not None]
    consents = gate.accept | consents_of_files(declarations, gate.court.now)
    return Plan(
        registry=draft.registry,
        state=draft.state,
        notes=draft.notes,
        warnings=draft.warnings,
        exclusive=draft.exclusive,
        models=tuple(_with_evidence(draft, facts, gate) for draft in drafts),
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


def closed_by_now(plan: Plan, policies: Sequence[Policy], court: Court) -> Plan:
    """Return a saved plan with the freezes that began since it was judged."""
    freezes = tuple(one for one in policies if isinstance(one.requires, WeeklyFreeze | DatedFreeze))
    known = {(one.name, one.model) for one in (*plan.violations, *plan.pending)}
    found = [
        violation
        for model in plan.models
        for violation in evaluation.judge(
            Subject(None, Live(model.model, {}, {}), moves(model.changes, {}), freezes), {}, court
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


def _subject(draft: Draft, gate: Gate) -> Subject:
    plan, live = draft.planned.plan, draft.live
    if live is None:  # the caller asks only where it is there
        raise ValueError(plan.model)
    made = draft.moves
    if gate.everything and draft.declaration is not None:
        made = (
            *moves(plan.changes, draft.planned.live, drift=True),
            *standing_moves(plan.model, draft.declaration.fields, draft.planned.live),
        )
    before = draft.settled.also.policies if draft.settled.also else ()
    return Subject(draft.declaration, live, made, draft.settled.rules.policies, before)


def _facts(
    drafts: Iterable[Draft], subjects: Mapping[str, Subject], registry: Registry, gate: Gate
) -> Mapping[str, Mapping[int, Facts]]:
    """Read the runs that a policy or a reader asks about, and no others."""
    asked: list[tuple[Live, int]] = []
    for draft in drafts:
        subject = subjects.get(draft.planned.plan.model)
        if subject is None:
            continue
        versions = set(
            changing_hands([move for move in draft.moves if move.matters]) if gate.evidence else ()
        )
        versions |= set(evaluation.versions_to_know(subject, gate.court.expressions))
        asked += [(subject.live, v) for v in sorted(versions) if v in subject.live.versions]
    return read_facts(registry, asked, parallelism=_READERS)


def _with_evidence(draft: Draft, facts: Mapping[str, Mapping[int, Facts]], gate: Gate) -> ModelPlan:
    plan = draft.planned.plan
    known = facts.get(plan.model)
    if draft.live is None or not known or not gate.evidence:
        return plan
    return replace(plan, evidence=comparisons(draft.moves, draft.live, known))


def _guarded(drafts: Iterable[Draft]) -> Iterable[Judged]:
    for draft in drafts:
        if draft.declaration is None or draft.live is None:
            continue
        rules = draft.settled.rules
        servings = dict.fromkeys((rules.serving, draft.settled.own.serving))
        yield Judged(
            draft.declaration,
            draft.planned.live,
            draft.planned.plan.changes,
            draft.planned.declared,
            rules.guarded_aliases,
            tuple(servings),
        )
