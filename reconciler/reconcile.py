"""The steps in order: load desired → read base → read live → diff → judge → plan.

This is the public Python API: give it what a checkout declares, its history and a registry.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from reconciler.authority import Context
from reconciler.desired import Desired
from reconciler.errors import DeclarationError, ExitCode, Problem
from reconciler.guards import Judged, judge
from reconciler.history import History
from reconciler.live import read_live
from reconciler.model_planning import plan_model
from reconciler.plan import ModelPlan, Plan, RegistryRef, StateRef
from reconciler.readiness import beyond
from reconciler.registry import Registry
from reconciler.state import Live
from reconciler.violations import Consent


@dataclass(frozen=True, slots=True)
class Checkout:
    """What is planned from: the declared state, and the history that it stands in.

    `history` is None outside a repository: then the difference is two-way. `owner` is the name
    under which this state folder speaks for models.
    """

    desired: Desired
    state: StateRef
    owner: str
    history: History | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: `models` None is every declared model and every one released.

    `planning` allows `behind`, where an apply has to refuse; `late_is_fine` makes a superseded
    model a warning, as for a job that a newer one overtook, and not an error.
    """

    models: frozenset[str] | None = None
    adopt: frozenset[str] = frozenset()
    accept: frozenset[Consent] = frozenset()
    planning: bool = True
    late_is_fine: bool = False
    parallelism: int = 8


@dataclass(frozen=True, slots=True)
class Reading:
    """A plan and the live registry that it was computed against, by model name."""

    plan: Plan
    live: Mapping[str, Live]


def reconcile(checkout: Checkout, registry: Registry, ref: RegistryRef, ask: Question) -> Reading:
    """Read the registry once and return what would change.

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
    live = {name: model for name, model in found.items() if not desired.rules.ignore.model(name)}
    if ask.models is None:
        chosen = sorted({*chosen, *_owned(live, checkout.owner)})
    context = Context(
        rules=desired.rules,
        owner=checkout.owner,
        history=checkout.history,
        planning=ask.planning,
        late_is_fine=ask.late_is_fine,
        adopt=ask.adopt,
        names=tuple(live),
    )
    plans, judged = [], []
    for name in chosen:
        declaration, there = desired.declarations.get(name), live.get(name)
        if name in unreadable:
            plans.append(_unreadable(name, unreadable[name], checkout))
            continue
        if declaration is None and (there is None or there.owner != checkout.owner):
            continue  # asked for by name, and none of our business
        planned = plan_model(name, declaration, there, context)
        if declaration is None and planned.plan.outcome == "in-sync":
            continue  # released long ago, or never ours
        plans.append(planned.plan)
        if declaration is not None and there is not None:
            judged.append(Judged(declaration, planned.live, planned.plan.changes, planned.declared))
    plan = Plan(
        registry=ref,
        state=checkout.state,
        models=tuple(plans),
        violations=judge(judged, desired.rules, ask.accept),
        warnings=desired.warnings,
        exclusive=desired.rules.exclusive,
    )
    return Reading(plan, live)


def _refuse_beyond(desired: Desired, chosen: Collection[str], registry: Registry) -> None:
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
