"""A registry and a history in memory, and plans made of them."""

from dataclasses import replace

from reconciler.apply.executor import apply
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.declaring.implied import complete
from reconciler.core.plan import AdmittedPlan, JudgedPlan, ModelPlan, RegistryRef, StateRef
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, DeclaredVersion, Field, Value
from reconciler.planning.checks import Judging
from reconciler.planning.planner import Checkout, PlanRequest, reconcile
from tests.support.plans.gate_lab import GATE
from tests.support.registries.fake_registry import FakeRegistry
from tests.support.repositories.fake_history import Commits, FakeHistory

OWNER = "registry-state"
ASK = PlanRequest()
REF = RegistryRef("http://fake")


def serving(version: int, *, model: str = "m", **rest: str) -> Declaration:
    fields: dict[Field, Value] = {
        Field("stage", version): "Production",
        Field("alias", None, "champion"): version,
    }
    fields |= {Field("tag", None, key): value for key, value in rest.items()}
    return Declaration(model, fields, {version: DeclaredVersion(line=7)}, file=f"{model}.yaml")


class Lab:
    """One registry and a line of commits."""

    def __init__(self, **models: int) -> None:
        self.registry = FakeRegistry()
        self.commits = Commits()
        self.heads: list[str] = []
        self.settings = Settings()
        self.owner = OWNER
        self.cut_before: str | None = None
        for model, versions in (models or {"m": 3}).items():
            self.registry.create_model(model)
            for number in range(versions):
                self.registry.create_version(model, run_id=f"run-{number + 1}")

    def commit(self, *declarations: Declaration) -> str:
        tree = {one.model: complete(one, self.settings) for one in declarations}
        head = self.commits.commit(tree, *self.heads[-1:], settings=self.settings)
        self.heads.append(head)
        return self.heads[-1]

    def plan(
        self,
        ask: PlanRequest = ASK,
        *,
        at: str | None = None,
        two_way: bool = False,
        gate: Judging = GATE,
    ) -> JudgedPlan:
        checkout = self.checked_out(at, two_way=two_way)
        return reconcile(checkout, self.registry, REF, ask, gate).plan

    def checked_out(self, at: str | None = None, *, two_way: bool = False) -> Checkout:
        commit = at or self.heads[-1]
        history = None if two_way else self._history(commit)
        desired = DeclaredState(OWNER, self.settings, self.commits.trees[commit])
        return Checkout(desired, StateRef(OWNER, commit), self.owner, history)

    def _history(self, commit: str) -> FakeHistory:
        cut = self.cut_before
        tip = self.heads[-1]
        return FakeHistory(self.commits, commit, tip, is_shallow=cut is not None, cut_before=cut)

    def apply(self, *declarations: Declaration) -> None:
        self.commit(*declarations)
        plan = AdmittedPlan(self.plan(replace(ASK, planning=False)))
        assert apply(plan, self.registry).exit_code() == 0

    def only(self, ask: PlanRequest = ASK, *, at: str | None = None) -> ModelPlan:
        (model,) = self.plan(ask, at=at).models
        return model
