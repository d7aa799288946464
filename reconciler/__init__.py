"""Git declares what an MLflow Model Registry holds; this plans the difference and applies it.

>>> import reconciler
>>> r = reconciler.open("registry-state", registry_uri="http://127.0.0.1:5000")
>>> r
<reconciler.Reconciler of registry-state>

docs/python-api.md has each method beside its command.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a checker cannot compute `__all__`: an import `as` itself is public, too
    from reconciler.api.answers import Answer as Answer
    from reconciler.api.answers import ApplyInterrupted as ApplyInterrupted
    from reconciler.api.answers import Drift as Drift
    from reconciler.api.answers import Plan as Plan
    from reconciler.api.answers import PlanRefused as PlanRefused
    from reconciler.api.answers import Report as Report
    from reconciler.api.answers import Status as Status
    from reconciler.api.artifacts.version_digests import VersionDigests as VersionDigests
    from reconciler.api.ci.answers import JobDrift as JobDrift
    from reconciler.api.ci.answers import JobPlan as JobPlan
    from reconciler.api.ci.jobs import CiJobs as CiJobs
    from reconciler.api.editing.discovery import Discovery as Discovery
    from reconciler.api.editing.edit import Edit as Edit
    from reconciler.api.editing.importing import Import as Import
    from reconciler.api.editing.starter_files import StarterFiles as StarterFiles
    from reconciler.api.editing.tidying import Tidying as Tidying
    from reconciler.api.forgetting import ForgottenModel as ForgottenModel
    from reconciler.api.inspection.audit_report import AuditReport as AuditReport
    from reconciler.api.inspection.model_details import ModelDetails as ModelDetails
    from reconciler.api.inspection.model_history import ModelHistory as ModelHistory
    from reconciler.api.inspection.registry_history import RegistryHistory as RegistryHistory
    from reconciler.api.inspection.resolved_file import FileCheck as FileCheck
    from reconciler.api.inspection.resolved_version import ResolvedVersion as ResolvedVersion
    from reconciler.api.inspection.version_comparison import VersionComparison as VersionComparison
    from reconciler.api.migration.report import MigrationReport as MigrationReport
    from reconciler.api.migration.rewrite import Rewrite as Rewrite
    from reconciler.api.migration.steps import Migration as Migration
    from reconciler.api.publishing.card import Card as Card
    from reconciler.api.publishing.page import Page as Page
    from reconciler.api.publishing.review import ReviewFiles as ReviewFiles
    from reconciler.api.reconciler import Reconciler as Reconciler
    from reconciler.api.reconciler import ReconcilerWarning as ReconcilerWarning
    from reconciler.api.reconciler import open_reconciler
    from reconciler.api.usage.consumers import Consumers as Consumers
    from reconciler.api.validation import json_schema as json_schema
    from reconciler.api.validation import validate as validate
    from reconciler.api.watching.answers import Replay as Replay
    from reconciler.api.watching.answers import Watched as Watched
    from reconciler.apply.executor import Stop as Stop
    from reconciler.core.changes import Change as Change
    from reconciler.core.report import Result as Result
    from reconciler.core.violations import Violation as Violation
    from reconciler.errors import DeclarationError as DeclarationError
    from reconciler.errors import ExitCode as ExitCode
    from reconciler.errors import ForgeError as ForgeError
    from reconciler.errors import OutOfStep as OutOfStep
    from reconciler.errors import Problem as Problem
    from reconciler.errors import ReconcilerError as ReconcilerError
    from reconciler.errors import Refused as Refused
    from reconciler.errors import RegistryError as RegistryError
    from reconciler.errors import UsageError as UsageError
    from reconciler.ports.artifacts import BytesProgress as BytesProgress

    open = open_reconciler  # noqa: A001
    __version__: str

# Module → its public names. Each is imported when it is first asked for: `reconciler validate`
# reads files alone, and must not wait for git and HTTP.
_NAMES = {
    "reconciler.api.answers": (
        "Answer",
        "ApplyInterrupted",
        "Drift",
        "Plan",
        "PlanRefused",
        "Report",
        "Status",
    ),
    "reconciler.api.artifacts.version_digests": ("VersionDigests",),
    "reconciler.api.ci.answers": ("JobDrift", "JobPlan"),
    "reconciler.api.ci.jobs": ("CiJobs",),
    "reconciler.api.editing.discovery": ("Discovery",),
    "reconciler.api.editing.edit": ("Edit",),
    "reconciler.api.editing.importing": ("Import",),
    "reconciler.api.editing.starter_files": ("StarterFiles",),
    "reconciler.api.editing.tidying": ("Tidying",),
    "reconciler.api.forgetting": ("ForgottenModel",),
    "reconciler.api.inspection.audit_report": ("AuditReport",),
    "reconciler.api.inspection.model_details": ("ModelDetails",),
    "reconciler.api.inspection.model_history": ("ModelHistory",),
    "reconciler.api.inspection.registry_history": ("RegistryHistory",),
    "reconciler.api.inspection.resolved_file": ("FileCheck",),
    "reconciler.api.inspection.resolved_version": ("ResolvedVersion",),
    "reconciler.api.inspection.version_comparison": ("VersionComparison",),
    "reconciler.api.migration.report": ("MigrationReport",),
    "reconciler.api.usage.consumers": ("Consumers",),
    "reconciler.api.migration.rewrite": ("Rewrite",),
    "reconciler.api.migration.steps": ("Migration",),
    "reconciler.api.publishing.card": ("Card",),
    "reconciler.api.publishing.page": ("Page",),
    "reconciler.api.publishing.review": ("ReviewFiles",),
    "reconciler.api.reconciler": ("Reconciler", "ReconcilerWarning", "open"),
    "reconciler.api.validation": ("json_schema", "validate"),
    "reconciler.api.watching.answers": ("Replay", "Watched"),
    "reconciler.apply.executor": ("Stop",),
    "reconciler.core.changes": ("Change",),
    "reconciler.core.report": ("Result",),
    "reconciler.core.violations": ("Violation",),
    "reconciler.ports.artifacts": ("BytesProgress",),
    "reconciler.errors": (
        "DeclarationError",
        "ExitCode",
        "ForgeError",
        "OutOfStep",
        "Problem",
        "ReconcilerError",
        "Refused",
        "RegistryError",
        "UsageError",
    ),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}

if not TYPE_CHECKING:
    __all__ = list(_HOMES)


def __getattr__(name: str) -> Any:  # noqa: ANN401  whatever the name stands for
    """Return a public name, imported now."""
    if name == "__version__":
        return import_module("importlib.metadata").version("mlflow-reconciler")
    if name not in _HOMES:
        raise AttributeError(f"module `reconciler` has no attribute `{name}`")
    given = "open_reconciler" if name == "open" else name  # its module needs the builtin
    return getattr(import_module(_HOMES[name]), given)


def __dir__() -> list[str]:
    """Return the public names."""
    return [*_HOMES, "__version__"]
