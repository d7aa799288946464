"""What the tests of faults and of two writers stand on: jobs without a command line around them.

Git is not what is attacked here, so it is in memory; MLflow and everything that is sent to it is
real.
"""

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.apply.executor import apply
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.plan import AdmittedPlan, JudgedPlan, RegistryRef, StateRef
from reconciler.core.report import ApplyReport
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration
from reconciler.files.loader import parse_declaration
from reconciler.planning.planner import Checkout, PlanRequest, reconcile
from reconciler.registries.rest import MlflowRest
from tests.support.plans.gate_lab import GATE
from tests.support.registries.lab import Hand
from tests.support.registries.mlflow_database import MlflowDatabase
from tests.support.registries.servers import mlflow_server
from tests.support.repositories.fake_history import Commits, FakeHistory

OWNER = "registry-state"


@dataclass(frozen=True)
class Place:
    """A server, its database, and somebody's hand on it."""

    uri: str
    database: MlflowDatabase
    hand: Hand


@contextmanager
def place(folder: Path, template: Path | None = None) -> Iterator[Place]:
    """Run a server of our own; `template` is a database that has MLflow's tables."""
    path = folder / "registry.db"
    if template is not None:
        shutil.copy(template, path)
    # The file stays so; readers and the writer then do not wait for each other.
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
    with mlflow_server(folder, f"sqlite:///{path}") as uri:
        yield Place(uri, MlflowDatabase(path), Hand(uri))


def declared(files: Mapping[str, str]) -> dict[str, Declaration]:
    """Return what files declare, by model."""
    return {
        model: parse_declaration(text.encode(), f"{OWNER}/{model}.yaml")
        for model, text in files.items()
    }


def registry_at(uri: str, *, request_timeout: float = 30.0, retry_for: float = 60.0) -> MlflowRest:
    """Return the registry as a job sees it."""
    return MlflowRest(uri, environ={}, request_timeout=request_timeout, retry_for=retry_for)


@dataclass(frozen=True)
class Job:
    """An apply of one commit, in a clone that has all commits."""

    commits: Commits
    commit: str

    def plan(self, registry: MlflowRest, *models: str) -> JudgedPlan:
        """Plan some models; raises `RegistryError` where they cannot be read."""
        history = FakeHistory(self.commits, self.commit)
        desired = DeclaredState(OWNER, Settings(), self.commits.trees[self.commit])
        checkout = Checkout(desired, StateRef(OWNER, self.commit), OWNER, history)
        ask = PlanRequest(models=frozenset(models), planning=False)
        return reconcile(checkout, registry, RegistryRef(registry.uri), ask, GATE).plan

    def apply(
        self, plan: JudgedPlan, registry: MlflowRest, *, timeout: float = 60.0
    ) -> ApplyReport:
        """Carry out a plan, one model after the other."""
        return apply(
            AdmittedPlan(plan),
            registry,
            parallelism=1,
            timeout=timeout,
            is_superseded_by=self._is_newer,
        )

    def _is_newer(self, commit: str) -> bool:
        known = commit in self.commits.parents
        return known and commit != self.commit and self.commit in self.commits.ancestors(commit)
