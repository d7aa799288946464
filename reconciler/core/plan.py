"""A plan: changes, violations, and the live state they were computed from; frozen.

Rendering, saving and applying read this value and compute nothing again. A `DraftPlan` is not
judged yet, a `JudgedPlan` is, and only an `AdmittedPlan`, which nothing denies, can be applied.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypeAlias

from reconciler.core.artifacts.bytes_check import BytesCheck
from reconciler.core.changes import Change, entering, left_alone
from reconciler.core.comparison import Comparison
from reconciler.core.declaring.consumers import AffectedConsumer
from reconciler.core.state import Field, Identity
from reconciler.core.violations import Consent, Violation, with_consent
from reconciler.errors import ExitCode, Problem, Refused, first_code

PlanOutcome: TypeAlias = Literal[
    "in-sync", "changes", "superseded", "behind", "diverged", "released", "held", "error"
]


@dataclass(frozen=True, slots=True)
class RegistryRef:
    """A registry: its URI without credentials, its name in the settings, and its workspace.

    Two workspaces of one server are two registries, also under one name.
    """

    uri: str
    name: str | None = None
    workspace: str | None = None

    @property
    def key(self) -> str:
        """The identifier in digests and records: the name, else the URI, and the workspace."""
        where = self.name or self.uri
        return where if self.workspace is None else f"{where}, workspace {self.workspace}"

    @property
    def address(self) -> str:
        """The URI, and the workspace at it."""
        return RegistryRef(self.uri, workspace=self.workspace).key


@dataclass(frozen=True, slots=True)
class StateRef:
    """A declared state: its folder, the checked-out commit, and the uncommitted files."""

    path: str
    commit: str | None = None
    dirty: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """The values to write to a model's two tags, which record who applied what.

    `start` is written to the commit tag before the first change (None: it has that value already),
    `commit` after every change is confirmed. `owner` is None when the owner tag stays as it is.
    """

    commit: str
    start: str | None
    owner: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The live state that a model's changes were computed from, besides their `before` values.

    `commit` and `owner` are the two tags. `identities` has every version that the changes name
    (None: it does not exist); `stage_occupants` the versions in each exclusive stage that the
    changes enter or leave. `updated` is that of the live model: while it stays, so do the stages.
    """

    commit: str | None
    owner: str | None
    identities: Mapping[int, Identity | None]
    stage_occupants: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    updated: int | None = None


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """The plan of one model; nothing is written when `problems` is not empty.

    `evidence` compares the versions that change hands; empty unless it was requested. `deleted` are
    declared versions that the registry had at the last apply, and has no longer. `taken_from` is
    the state folder or the commit that the model is taken over from; None where it is not. `bytes`
    are the checks of the versions with a declared digest that the changes put into use. `consumers`
    are the declared ones with what the changes do to each; they are not in the digest.
    """

    model: str
    outcome: PlanOutcome
    file: str | None = None
    changes: tuple[Change, ...] = ()
    record: Record | None = None
    seen: Snapshot | None = None
    messages: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    unmanaged: tuple[Field, ...] = ()
    evidence: tuple[Comparison, ...] = ()
    deleted: tuple[int, ...] = ()
    taken_from: str | None = None
    bytes: tuple[BytesCheck, ...] = ()
    consumers: tuple[AffectedConsumer, ...] = ()

    def digest(self, registry: RegistryRef) -> str:
        """Return the digest of this model's changes on a registry: `sha256:` and 64 hex digits."""
        return _digest(registry, [self])

    @property
    def entering(self) -> frozenset[int]:
        """The versions that the changes put into use, also by having another one leave."""
        occupants = self.seen.stage_occupants if self.seen is not None else {}
        return entering(self.changes) | left_alone(self.changes, occupants)

    @property
    def writes(self) -> bool:
        """Return whether applying this model writes anything, its record included."""
        return bool(self.changes) or self.record is not None

    def excluded(self, problems: Sequence[Problem]) -> "ModelPlan":
        """Return the plan of this model with nothing to write, because of these problems."""
        return ModelPlan(
            self.model,
            "error",
            file=self.file,
            problems=(*self.problems, *problems),
            deleted=self.deleted,
        )


@dataclass(frozen=True)
class DraftPlan:
    """A plan that guards and policies have not judged: it can be shown, not applied.

    `models` are sorted by name; `notes` are sentences about the whole run.
    """

    registry: RegistryRef
    state: StateRef
    models: tuple[ModelPlan, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[Problem, ...] = ()
    exclusive: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change, sorted for reading."""
        return tuple(change for model in self.models for change in model.changes)

    @property
    def to_write(self) -> tuple[ModelPlan, ...]:
        """The models that an apply writes."""
        return tuple(m for m in self.models if m.writes and not m.problems)

    @property
    def deleted(self) -> tuple[tuple[str, int], ...]:
        """Every version that was deleted by hand, with its model, in order."""
        return tuple((m.model, version) for m in self.models for version in sorted(m.deleted))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems that exclude models, sorted by position."""
        problems = (problem for model in self.models for problem in model.problems)
        return tuple(sorted(problems, key=lambda problem: problem.sort_key))

    @cached_property
    def digest(self) -> str:
        """The digest of registry, changes, and the identities and approved bytes of versions.

        The commit is not part of it.
        """
        return _digest(self.registry, self.models)

    @property
    def summary(self) -> dict[str, int]:
        """The counts of the JSON document's `summary`."""
        causes = Counter(change.cause for change in self.changes)
        return {
            "models": len(self.models),
            "changes": len(self.changes),
            "drift": causes["drift"],
            "unmanaged": sum(len(model.unmanaged) for model in self.models),
            "violations": 0,
            "records": sum(model.record is not None for model in self.models),
        }

    def exit_code(self, *, detailed: bool = False) -> ExitCode:
        """Return the exit code of `plan`; with `detailed` it is 2 when there are changes."""
        code = first_code(self._codes)
        if code is ExitCode.OK and detailed and self.changes:
            return ExitCode.CHANGES
        return code

    @property
    def _codes(self) -> list[ExitCode]:
        return [problem.code for problem in self.problems]


@dataclass(frozen=True)
class JudgedPlan(DraftPlan):
    """A plan that guards and policies have judged.

    `pending` are policies that wait for an approval: not violations yet, but the plan cannot be
    applied without it.
    """

    violations: tuple[Violation, ...] = field(kw_only=True)
    pending: tuple[Violation, ...] = field(default=(), kw_only=True)

    @property
    def denied(self) -> tuple[Violation, ...]:
        """The violations that deny the plan."""
        return tuple(violation for violation in self.violations if violation.denies)

    @property
    def summary(self) -> dict[str, int]:
        """The counts of the JSON document's `summary`."""
        return super().summary | {"violations": len(self.violations)}

    @property
    def _codes(self) -> list[ExitCode]:
        return [*super()._codes, *([ExitCode.REFUSED] if self.denied else [])]


@dataclass(frozen=True, slots=True)
class AdmittedPlan:
    """A plan that no guard or policy denies: the only value that can be applied.

    Raises `Refused` for a plan that a violation denies, or that waits for an approval.
    """

    plan: JudgedPlan

    def __post_init__(self) -> None:
        waiting = (violation for violation in self.plan.pending if violation.denies)
        denied = (*self.plan.denied, *waiting)
        if denied:
            names = ", ".join(dict.fromkeys(violation.name for violation in denied))
            problems = [violation.problem for violation in denied]
            raise Refused(f"the plan is refused by {names}", problems=problems)


def only(plan: DraftPlan, keep: Callable[[Change], bool]) -> DraftPlan:
    """Return a plan, not judged, with only the changes for which `keep` is true.

    It is to look at: the bytes that an apply of them would check stay out of it, and so does what
    the plan as a whole does to consumers.
    """
    models = tuple(
        replace(model, changes=tuple(filter(keep, model.changes)), bytes=(), consumers=())
        for model in plan.models
    )
    return DraftPlan(plan.registry, plan.state, models, plan.notes, plan.warnings, plan.exclusive)


def accepting(plan: JudgedPlan, consents: Collection[Consent]) -> JudgedPlan:
    """Return a saved plan whose violations are accepted by these consents alone.

    What was pending becomes a violation: a saved plan has no later approvals.
    """
    unmet = sorted((*plan.violations, *plan.pending), key=lambda violation: violation.sort_key)
    violations = tuple(
        with_consent(replace(violation, accepted=False), consents) for violation in unmet
    )
    return replace(plan, violations=violations, pending=())


def _digest(registry: RegistryRef, models: Iterable[ModelPlan]) -> str:
    rows: list[object] = []
    identities: list[object] = []
    approved: list[object] = []
    for model in models:
        rows += [
            [model.model, *change.field, change.before, change.after] for change in model.changes
        ]
        named = sorted({version for change in model.changes for version in change.versions})
        for version in named:
            identity = model.seen.identities.get(version) if model.seen else None
            parts = (identity.run_id, identity.source, identity.created) if identity else None
            identities.append([model.model, version, parts])
        entered = model.entering
        approved += [
            [model.model, c.version, c.digest] for c in model.bytes if c.version in entered
        ]
    document = {"registry": registry.key, "changes": rows, "identities": identities}
    if approved:  # without a declared digest a plan keeps the digest that it had before
        document["bytes"] = approved
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
