"""The steps in order: load desired → read base → read live → diff → judge → plan.

This is the public Python API: give it what a checkout declares, its history and a registry.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from reconciler.core.declared import DeclaredState
from reconciler.core.plan import DraftPlan, JudgedPlan, ModelPlan, RegistryRef, StateRef
from reconciler.core.settings import Settings, effective_settings
from reconciler.core.state import Live
from reconciler.core.transitions import transitions
from reconciler.errors import DeclarationError, ExitCode, Problem
from reconciler.planning.ancestry import NOTHING_BEFORE
from reconciler.planning.checks import Compared, Judging, ModelDraft, judge
from reconciler.planning.live_state import read_live
from reconciler.planning.model_plan import Planned, plan_model
from reconciler.planning.ownership import PlanningContext
from reconciler.planning.preconditions import beyond
from reconciler.policy import guards
from reconciler.ports.history import History
from reconciler.ports.registry import Registry


@dataclass(frozen=True, slots=True)
class Checkout:
    """What is planned from: the declared state, and the history that it stands in.

    `history` is None outside a repository: then the difference is two-way. `owner` is the name
    under which this state folder speaks for models. `rules_before` are the settings that this
    checkout's own may not loosen; without them they are those before each model's change.
    """

    desired: DeclaredState
    state: StateRef
    owner: str
    history: History | None = None
    base_settings: Settings | None = None


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What is asked: `models` None is every declared model and every one released.

    `planning` allows `behind`, where an apply has to refuse; `late_is_fine` makes a superseded
    model a warning, as for a job that a newer one overtook, and not an error.
    """

    models: frozenset[str] | None = None
    adopt: frozenset[str] = frozenset()
    planning: bool = True
    allow_superseded: bool = False
    parallelism: int = 8


@dataclass(frozen=True, slots=True)
class Reading:
    """A plan and the live registry that it was computed against, by model name."""

    plan: JudgedPlan
    live: Mapping[str, Live]


def reconcile(
    checkout: Checkout, registry: Registry, ref: RegistryRef, ask: PlanRequest, judging: Judging
) -> Reading:
    """Read the registry once and return what would change, judged; raises as `compare` does."""
    compared = compare(checkout, registry, ref, ask)
    return Reading(judge(compared, registry, judging), compared.live)


def compare(checkout: Checkout, registry: Registry, ref: RegistryRef, ask: PlanRequest) -> Compared:
    """Read the registry once and return what differs, judged by nobody: to look at.

    Raises `DeclarationError` when the backend cannot hold what is declared, `RegistryError` when
    it cannot be read.
    """
    desired = checkout.desired
    chosen = sorted(ask.models if ask.models is not None else desired.declarations)
    _refuse_beyond(desired, chosen, registry)
    needed = {
        name: tuple(desired.declarations[name].versions) if name in desired.declarations else ()
        for name in chosen
    }
    found, unreadable = read_live(
        registry, needed, everything=ask.models is None, parallelism=ask.parallelism
    )
    live = {name: model for name, model in found.items() if not desired.settings.ignore.model(name)}
    if ask.models is None:
        chosen = sorted({*chosen, *_owned(live, checkout.owner)})
    drafts = tuple(
        draft
        for name in chosen
        if (draft := _draft(name, live, unreadable.get(name), checkout, ask)) is not None
    )
    declared = [name for name in chosen if name in desired.declarations]
    registry_violations = () if unreadable else guards.check_registry(declared, live, registry.uri)
    plan = DraftPlan(
        registry=ref,
        state=checkout.state,
        models=tuple(draft.planned.plan for draft in drafts),
        warnings=desired.warnings,
        exclusive=_exclusive(drafts, desired.settings),
        notes=tuple(dict.fromkeys(note for draft in drafts for note in draft.effective.deferred)),
    )
    return Compared(plan, live, drafts, registry_violations)


def _draft(
    name: str,
    live: Mapping[str, Live],
    unreadable: Problem | None,
    checkout: Checkout,
    ask: PlanRequest,
) -> ModelDraft | None:
    """Plan one model; None for one that is none of our business."""
    desired = checkout.desired
    declaration, there = desired.declarations.get(name), live.get(name)
    if unreadable is not None:
        plan = _unreadable(name, unreadable, checkout)
        return ModelDraft(
            Planned(plan), declaration, None, effective_settings(desired.settings, None)
        )
    if declaration is None and (there is None or there.owner != checkout.owner):
        return None  # asked for by name, and not ours
    effective = effective_settings(desired.settings, _before(there, checkout))
    context = PlanningContext(
        settings=effective.settings,
        owner=checkout.owner,
        history=checkout.history,
        planning=ask.planning,
        allow_superseded=ask.allow_superseded,
        adopt=ask.adopt,
        names=tuple(live),
    )
    planned = plan_model(name, declaration, there, context)
    if declaration is None and planned.plan.outcome == "in-sync":
        return None  # released long ago, or never ours
    made = transitions(planned.plan.changes, planned.live)
    return ModelDraft(planned, declaration, there, effective, made)


def _before(live: Live | None, checkout: Checkout) -> Settings | None:
    """Return the rules that a change to this model may not loosen, None where there are none."""
    history = checkout.history
    if checkout.base_settings is not None or live is None or history is None:
        return checkout.base_settings
    known = [one for one in live.recorded if one != NOTHING_BEFORE and history.knows(one)]
    # A model of a first run is held to what held before this commit.
    since = known[0] if known else history.head
    return history.base_settings(since, live.owner or checkout.owner, live.model)


def _exclusive(drafts: Iterable[ModelDraft], settings: Settings) -> tuple[str, ...]:
    stages = (stage for draft in drafts for stage in draft.effective.settings.exclusive)
    return tuple(dict.fromkeys((*settings.exclusive, *stages)))


def _refuse_beyond(desired: DeclaredState, chosen: Collection[str], registry: Registry) -> None:
    capabilities = registry.capabilities()
    found = [
        problem
        for name in chosen
        if name in desired.declarations
        for problem in beyond(desired.declarations[name], capabilities)
    ]
    if found:
        raise DeclarationError(found)


def _owned(live: Mapping[str, Live], owner: str) -> set[str]:
    """Return the models that this state folder speaks for, declared or not."""
    return {name for name, model in live.items() if model.owner == owner and model.recorded}


def _unreadable(name: str, problem: Problem, checkout: Checkout) -> ModelPlan:
    declaration = checkout.desired.declarations.get(name)
    file, line = (declaration.file, declaration.line) if declaration else (None, None)
    shown = Problem(
        problem.message, ExitCode.REGISTRY, file=file, line=line, model=name, hint=problem.hint
    )
    return ModelPlan(name, "error", file=file, problems=(shown,))
