"""A plan and a registry in memory that it is applied to, with faults on demand."""

from collections.abc import Callable, Mapping

from reconciler.apply.executor import Stop, apply
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.plan import AdmittedPlan, JudgedPlan, RegistryRef, StateRef
from reconciler.core.report import ApplyReport
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, DeclaredVersion, Field, Value
from reconciler.planning.checks import Compared, judge
from reconciler.planning.planner import Checkout, PlanRequest, compare
from tests.support.plans.gate_lab import GATE
from tests.support.registries.fake_registry import FakeRegistry, Write
from tests.support.repositories.fake_history import Commits, FakeHistory

OWNER = "registry-state"
REF = RegistryRef("http://fake")
PROMOTION: Mapping[Field, Value] = {
    Field("stage", 2): "Production",
    Field("alias", None, "champion"): 2,
    Field("tag", 2, "risk"): "high",
    Field("description", 2): "better",
}


def declaration(model: str = "m", fields: Mapping[Field, Value] = PROMOTION) -> Declaration:
    return Declaration(model, dict(fields), {2: DeclaredVersion()})


class Lab:
    """A registry where v1 serves, and a commit that promotes v2."""

    def __init__(self, *models: str) -> None:
        self.registry = FakeRegistry()
        self.commits = Commits()
        self.models = models or ("m",)
        for model in self.models:
            self.registry.create_model(model)
            for run in ("one", "two"):
                self.registry.create_version(model, run_id=run)
            self.registry.set_stage(model, 1, "Production")
            self.registry.set_alias(model, "champion", 1)
        self.registry.writes.clear()
        self.tree = {model: declaration(model) for model in self.models}
        self.head = self.commits.commit(self.tree)

    def commit(self, tree: Mapping[str, Declaration]) -> None:
        self.tree = dict(tree)
        self.head = self.commits.commit(tree, self.head)

    def compared(self) -> Compared:
        history = FakeHistory(self.commits, self.head)
        desired = DeclaredState(OWNER, Settings(), self.tree)
        checkout = Checkout(desired, StateRef(OWNER, self.head), OWNER, history)
        return compare(checkout, self.registry, REF, PlanRequest(planning=False))

    def plan(self) -> JudgedPlan:
        return judge(self.compared(), self.registry, GATE)

    def apply(self, plan: JudgedPlan | None = None, stop: Stop | None = None) -> ApplyReport:
        return apply(AdmittedPlan(plan or self.plan()), self.registry, timeout=1.5, stop=stop)

    def converges(self) -> bool:
        report = self.apply()
        return report.exit_code() == 0 and not any(model.writes for model in self.plan().models)

    @property
    def methods(self) -> list[str]:
        return [
            f"{write.method} {write.key or write.version or ''}" for write in self.registry.writes
        ]


def once(error: Exception, when: Callable[[Write], bool]) -> Callable[[Write], None]:
    """Raise `error` at the first write that fits, and never again."""
    left = [error]

    def hook(write: Write) -> None:
        if left and when(write):
            raise left.pop()

    return hook


def always(error: Exception, when: Callable[[Write], bool]) -> Callable[[Write], None]:
    def hook(write: Write) -> None:
        if when(write):
            raise error

    return hook


def alias(write: Write) -> bool:
    return write.method == "set_alias"


def any_change(write: Write) -> bool:
    return not (write.key or "").startswith("reconciler.")
