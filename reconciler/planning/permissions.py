"""Compares what a plan writes with what the registry lets the user do."""

from dataclasses import dataclass
from typing import Final

from reconciler.core.plan import JudgedPlan, ModelPlan
from reconciler.core.report import lacking, named, user_called
from reconciler.errors import ExitCode, Problem
from reconciler.ports.registry import Registry

_LEVELS: Final = ("NO_PERMISSIONS", "READ", "USE", "EDIT", "MANAGE")


@dataclass(frozen=True, slots=True)
class ModelPermission:
    """The permission that a model's plan needs, and the one there is; None: not told."""

    model: str
    needs: str
    has: str | None

    @property
    def suffices(self) -> bool | None:
        """Return whether it is enough; None where that is not known."""
        if self.has not in _LEVELS:
            return None
        return _LEVELS.index(self.has) >= _LEVELS.index(self.needs)


@dataclass(frozen=True, slots=True)
class PermissionCheck:
    """What the registry says of its `user`; without users, `is_managed` is false.

    `models` has those that the plan writes.

    >>> r.plan(check_permissions=True).permissions.is_managed
    False
    """

    user: str | None
    is_managed: bool
    models: tuple[ModelPermission, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """One problem for each permission that is missing, whatever the number of models."""
        return tuple(
            Problem(lacking(self.user, needs, names), ExitCode.REGISTRY, hint=_HINTS[needs])
            for needs in ("EDIT", "MANAGE")
            if (names := [row.model for row in self.models if _lacks(row, needs)])
        )

    @property
    def note(self) -> str:
        """The result in a sentence."""
        if not self.is_managed:
            return "not managed by this registry: everybody may write"
        unknown = [row.model for row in self.models if row.suffices is None]
        if unknown:
            told = "the registry does not tell the permission of"
            return f"{told} {user_called(self.user)} on {named(unknown)}: not known before an apply"
        if self.problems:
            return "; ".join(problem.message for problem in self.problems)
        return f"{user_called(self.user)} may write all of it"


_HINTS: Final = {
    "EDIT": "grant EDIT on these models, or apply as another user",
    "MANAGE": "removing an alias or a version tag needs MANAGE",
}


def check(plan: JudgedPlan, registry: Registry) -> PermissionCheck:
    """Ask the registry for the permissions that applying this plan needs."""
    access = registry.access([model.model for model in plan.to_write])
    if not access.is_managed:
        return PermissionCheck(None, is_managed=False)
    rows = (
        ModelPermission(model.model, needed(model), access.permissions.get(model.model))
        for model in plan.to_write
    )
    return PermissionCheck(access.user, is_managed=True, models=tuple(rows))


def needed(model: ModelPlan) -> str:
    """Return the permission that writing a model needs."""
    return "MANAGE" if any(row.permission == "MANAGE" for row in model.changes) else "EDIT"


def _lacks(row: ModelPermission, needs: str) -> bool:
    return row.suffices is False and row.needs == needs
