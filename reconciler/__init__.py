"""Git declares what an MLflow Model Registry holds; this plans the difference and applies it.

>>> import reconciler
>>> r = reconciler.open("registry-state", registry_uri="http://127.0.0.1:5000")
>>> r
<reconciler.Reconciler of registry-state>

docs/python-api.md has each method beside its command.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.api.answers import (
        Answer,
        ApplyInterrupted,
        Drift,
        Plan,
        PlanRefused,
        Report,
        Status,
    )
    from reconciler.api.ci.answers import JobDrift, JobPlan
    from reconciler.api.ci.jobs import CiJobs
    from reconciler.api.editing.discovery import Discovery
    from reconciler.api.editing.edit import Edit
    from reconciler.api.editing.importing import Import
    from reconciler.api.editing.starter_files import StarterFiles
    from reconciler.api.forgetting import ForgottenModel
    from reconciler.api.inspection.audit_report import AuditReport
    from reconciler.api.inspection.model_details import ModelDetails
    from reconciler.api.inspection.model_history import ModelHistory
    from reconciler.api.inspection.resolved_version import ResolvedVersion
    from reconciler.api.inspection.version_comparison import VersionComparison
    from reconciler.api.reconciler import Reconciler, ReconcilerWarning
    from reconciler.api.reconciler import open_reconciler as open  # noqa: A004
    from reconciler.api.validation import json_schema, validate
    from reconciler.apply.executor import Stop
    from reconciler.core.changes import Change
    from reconciler.core.report import Result
    from reconciler.core.violations import Violation
    from reconciler.errors import (
        DeclarationError,
        ExitCode,
        OutOfStep,
        Problem,
        ReconcilerError,
        Refused,
        RegistryError,
        UsageError,
    )

    __version__: str

# Public name → its module. Each is imported when it is first asked for: `reconciler validate`
# reads files alone, and must not wait for git and HTTP.
_HOMES = {
    **dict.fromkeys(
        ("Answer", "ApplyInterrupted", "Drift", "Plan", "PlanRefused", "Report", "Status"),
        "reconciler.api.answers",
    ),
    **dict.fromkeys(("JobDrift", "JobPlan"), "reconciler.api.ci.answers"),
    "CiJobs": "reconciler.api.ci.jobs",
    "Discovery": "reconciler.api.editing.discovery",
    "Edit": "reconciler.api.editing.edit",
    "Import": "reconciler.api.editing.importing",
    "StarterFiles": "reconciler.api.editing.starter_files",
    **dict.fromkeys(("Reconciler", "ReconcilerWarning"), "reconciler.api.reconciler"),
    "ForgottenModel": "reconciler.api.forgetting",
    "AuditReport": "reconciler.api.inspection.audit_report",
    "ModelDetails": "reconciler.api.inspection.model_details",
    "ModelHistory": "reconciler.api.inspection.model_history",
    "ResolvedVersion": "reconciler.api.inspection.resolved_version",
    "VersionComparison": "reconciler.api.inspection.version_comparison",
    **dict.fromkeys(("json_schema", "validate"), "reconciler.api.validation"),
    "Stop": "reconciler.apply.executor",
    "Change": "reconciler.core.changes",
    "Result": "reconciler.core.report",
    "Violation": "reconciler.core.violations",
    **dict.fromkeys(
        (
            "DeclarationError",
            "ExitCode",
            "OutOfStep",
            "Problem",
            "ReconcilerError",
            "Refused",
            "RegistryError",
            "UsageError",
        ),
        "reconciler.errors",
    ),
}

__all__ = [
    "Answer",
    "ApplyInterrupted",
    "AuditReport",
    "Change",
    "CiJobs",
    "DeclarationError",
    "Discovery",
    "Drift",
    "Edit",
    "ExitCode",
    "ForgottenModel",
    "Import",
    "JobDrift",
    "JobPlan",
    "ModelDetails",
    "ModelHistory",
    "OutOfStep",
    "Plan",
    "PlanRefused",
    "Problem",
    "Reconciler",
    "ReconcilerError",
    "ReconcilerWarning",
    "Refused",
    "RegistryError",
    "Report",
    "ResolvedVersion",
    "Result",
    "StarterFiles",
    "Status",
    "Stop",
    "UsageError",
    "VersionComparison",
    "Violation",
    "json_schema",
    "open",
    "validate",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  whatever the name stands for
    """Return a public name, imported now."""
    if name == "__version__":
        return import_module("importlib.metadata").version("mlflow-reconciler")
    if name == "open":
        return import_module("reconciler.api.reconciler").open_reconciler
    if name not in _HOMES:
        raise AttributeError(f"module `reconciler` has no attribute `{name}`")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return [*__all__, "__version__"]
