"""Plans judged by guards and policies, on a registry in memory."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone

from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.facts import Facts
from reconciler.core.plan import JudgedPlan, RegistryRef, StateRef
from reconciler.core.policies import (
    Approvals,
    Expression,
    On,
    Policy,
)
from reconciler.core.settings import Settings
from reconciler.core.state import (
    Declaration,
    DeclaredVersion,
    Field,
    Value,
)
from reconciler.planning.checks import Judging
from reconciler.planning.planner import Checkout, PlanRequest, reconcile
from reconciler.policy.cel.adapter import CelConditions
from reconciler.policy.evaluation import PolicyContext
from tests.support.plans.gate_lab import GATE
from tests.support.registries.fake_registry import FakeRegistry
from tests.support.repositories.fake_history import Commits, FakeHistory

OWNER = "registry-state"
REF = RegistryRef("http://fake")
NOW = datetime(2026, 11, 18, 12, 0, tzinfo=timezone.utc)
TO_PRODUCTION = On(stages=("Production",))


def rule(source: str, name: str = "good", **rest: object) -> Policy:
    return Policy(name, TO_PRODUCTION, Expression(source), **rest)  # type: ignore[arg-type]


def declared(
    stages: Mapping[int, str],
    model: str = "m",
    aliases: Mapping[str, int] | None = None,
    tags: Mapping[tuple[int, str], str] | None = None,
) -> Declaration:
    fields: dict[Field, Value] = {Field("stage", v): stage for v, stage in stages.items()}
    fields |= {Field("alias", None, alias): v for alias, v in (aliases or {}).items()}
    fields |= {Field("tag", v, key): text for (v, key), text in (tags or {}).items()}
    versions = {v: DeclaredVersion() for v in {*stages, *(aliases or {}).values()}}
    return Declaration(model, fields, versions, file=f"{model}.yaml", line=1)


class Gates:
    """A registry whose `m` serves v1 (auc 0.90), and has v2 (auc 0.93) in Staging, and v3."""

    def __init__(self) -> None:
        self.registry = FakeRegistry()
        self.commits = Commits()
        self.before: Settings | None = None
        self.parents: tuple[str, ...] = ()
        for model in ("m", "other"):
            self.registry.create_model(model)
            for number, auc in enumerate((0.90, 0.93, 0.85), start=1):
                self.registry.create_version(model, run_id=f"run-{number}")
                self.registry.set_facts(model, number, Facts(metrics={"auc": auc}))
            self.registry.set_stage(model, 1, "Production")
            self.registry.set_stage(model, 2, "Staging")
        self.context = PolicyContext(CelConditions(), NOW)

    def plan(
        self,
        rules: Settings | tuple[Policy, ...],
        *declarations: Declaration,
        judging: Judging = GATE,
        planning: bool = True,
    ) -> JudgedPlan:
        settings = rules if isinstance(rules, Settings) else Settings(policies=rules)
        tree = {declaration.model: declaration for declaration in declarations}
        commit = self.commits.commit(tree, *self.parents, settings=settings)
        checkout = Checkout(
            DeclaredState(OWNER, settings, tree),
            StateRef(OWNER, commit),
            OWNER,
            FakeHistory(self.commits, commit),
            base_settings=self.before,
        )
        context = replace(self.context, planning=planning)
        ask = PlanRequest(planning=planning)
        return reconcile(checkout, self.registry, REF, ask, replace(judging, context=context)).plan

    def cost(self, policies: tuple[Policy, ...], *declarations: Declaration) -> int:
        """Return how many requests a plan takes."""
        before = self.registry.requests
        self.plan(policies, *declarations)
        return self.registry.requests - before


PROMOTE = declared({2: "Production", 1: "Archived"})
WORSE = declared({3: "Production", 1: "Archived"})
BETTER = rule("metrics.auc >= incumbent.metrics.auc")
APPROVED = Policy("two-people", TO_PRODUCTION, Approvals(2))
