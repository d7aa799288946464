"""The state of a model is what `plan` and `status` say of it, after any history."""

import random
from collections import Counter
from collections.abc import Mapping

from reconciler.audit.overview.holders import ModelNames
from reconciler.audit.overview.model_overview import ModelState
from reconciler.audit.overview.model_states import ModelVerdict, state_of
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.plan import JudgedPlan, ModelPlan, RegistryRef, StateRef
from reconciler.core.state import Live
from reconciler.planning.planner import Checkout, PlanRequest, reconcile
from reconciler.planning.status import StatusRow, rows
from tests.support.plans.random_histories import CONSENTING, OWNER, World
from tests.support.repositories.fake_history import FakeHistory

_HISTORIES = 150
_STOPPED = {"error": "blocked", "superseded": "blocked", "behind": "blocked", "diverged": "blocked"}
_OUTCOMES = {**_STOPPED, "released": "unmanaged", "held": "held"}


def test_the_word_for_a_model_agrees_with_its_plan_and_its_status() -> None:
    seen: Counter[str] = Counter()
    for seed in range(_HISTORIES):
        world = World(random.Random(seed))  # noqa: S311  a simulation, not a secret
        for _ in range(world.chance.randrange(2, 9)):
            _happen(world)
        checkout = world.chance.choice(world.main) if seed % 2 else world.main[-1]
        for model, (state, plan, status) in _looked_at(world, checkout).items():
            seen[state] += 1
            said = f"history {seed}, {model}: {state}, {plan and plan.outcome}, {status}"
            assert state == _expected(plan, status), said
        world.rename_live()
        world.apply(world.main[-1])
        after = {state for state, _, _ in _looked_at(world, world.main[-1]).values()}
        assert after <= {"in sync", "unmanaged"}, f"history {seed}"
    assert seen.keys() == {"blocked", "drifted", "pending", "in sync", "unmanaged"}


def _happen(world: World) -> None:
    step = world.chance.random()
    if step < 0.35:
        world.change()
    elif step < 0.45:
        world.revert()
    elif step < 0.5:
        world.rename()
    elif step < 0.7:
        world.hand()
    elif world.jobs:
        world.job(crashes=world.chance.random() < 0.5)


def _expected(plan: ModelPlan | None, status: list[StatusRow]) -> str:
    words = {row.sync for row in status}
    if plan is None:
        assert words <= {"unmanaged"}
        return "unmanaged"
    if plan.outcome in _OUTCOMES:
        assert not words & {"in sync"}
        return _OUTCOMES[plan.outcome]
    assert ("out of sync" in words) == bool(plan.changes)
    if any(change.cause == "drift" for change in plan.changes):
        return "drifted"
    if plan.changes:
        return "pending"
    # A row says whether git declares the version at all, and the page whether it is to serve.
    loose = {field.version for field in plan.unmanaged if field.name == "stage"}
    serving = {row.version for row in status if row.stage == "Production"}
    return "unmanaged" if serving & loose else "in sync"


def _looked_at(
    world: World, commit: str
) -> Mapping[str, tuple[ModelState, ModelPlan | None, list[StatusRow]]]:
    plan, desired, live = _planned(world, commit)
    plans = {model.model: model for model in plan.models}
    status = rows(plan, live, desired)
    found = {}
    for name in sorted({*plans, *live}):
        names = ModelNames(
            name, desired.settings, desired.declarations.get(name), live=live.get(name)
        )
        state, _ = state_of(names, ModelVerdict(plans.get(name)))
        found[name] = (state, plans.get(name), [row for row in status if row.model == name])
    return found


def _planned(world: World, commit: str) -> tuple[JudgedPlan, DeclaredState, Mapping[str, Live]]:
    history = FakeHistory(world.commits, commit, world.main[-1])
    desired = DeclaredState(OWNER, world.commits.settings[commit], world.commits.trees[commit])
    checkout = Checkout(desired, StateRef(OWNER, commit), OWNER, history)
    read = reconcile(
        checkout, world.registry, RegistryRef("http://fake"), PlanRequest(parallelism=1), CONSENTING
    )
    return read.plan, desired, read.live
