"""A plan: changes, violations, and what they were computed against; frozen.

Rendering, saving and applying are readers of this one value; none of them computes again. It has
three types: a `DraftPlan` that nobody judged, a `Plan` that was judged, and an `AdmittedPlan`
that nothing forbids, which alone can be applied.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypeAlias

from reconciler.core.changes import Change
from reconciler.core.comparison import Comparison
from reconciler.core.state import Field, Identity
from reconciler.core.violations import Consent, Violation, with_consent
from reconciler.errors import ExitCode, Problem, Refused, first_code

PlanOutcome: TypeAlias = Literal[
    "in-sync", "changes", "superseded", "behind", "diverged", "released", "held", "error"
]


@dataclass(frozen=True, slots=True)
class RegistryRef:
    """Which registry: its URI without credentials, and the name the settings give it."""

    uri: str
    name: str | None = None

    @property
    def key(self) -> str:
        """What digests and records know it by: the name where there is one."""
        return self.name or self.uri


@dataclass(frozen=True, slots=True)
class StateRef:
    """Which declared state: the folder, the commit that is checked out, and what is uncommitted."""

    path: str
    commit: str | None = None
    dirty: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """How a model's two tags move so that the registry knows who spoke last.

    `start` is written before the first change (None: it is there already), `commit` alone when
    every change is confirmed. `owner` is None when the owner tag is right as it is.
    """

    commit: str
    start: str | None
    owner: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a model's changes were computed against, besides the values they start from.

    `identities` has every version that the changes name; `crowd` every version in an exclusive
    stage that they fill or empty.
    """

    commit: str | None
    owner: str | None
    identities: Mapping[int, Identity | None]
    stage_occupants: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """What happens to one model; nothing is written where `problems` is not empty.

    `evidence` is what is known of the versions that change hands, where it was asked for.
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

    def digest(self, registry: RegistryRef) -> str:
        """Return the digest of this model's rows on that registry."""
        return _digest(registry, [self])

    @property
    def writes(self) -> bool:
        """Return whether anything at all is to be written for this model."""
        return bool(self.changes) or self.record is not None


@dataclass(frozen=True)
class DraftPlan:
    """What would change, before guards and policies judge it: to look at, not to apply.

    `models` are sorted by name; `notes` are said once, about the whole run.
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
    def problems(self) -> tuple[Problem, ...]:
        """What excludes models, sorted by place."""
        found = (problem for model in self.models for problem in model.problems)
        return tuple(sorted(found, key=lambda problem: problem.sort_key))

    @cached_property
    def digest(self) -> str:
        """Covers registry, changes and the identity of every version they name; not the commit."""
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
        """Return the code of `plan`; `detailed` asks for 2 when there are changes."""
        code = first_code(self._codes)
        if code is ExitCode.OK and detailed and self.changes:
            return ExitCode.CHANGES
        return code

    @property
    def _codes(self) -> list[ExitCode]:
        return [problem.code for problem in self.problems]


@dataclass(frozen=True)
class JudgedPlan(DraftPlan):
    """A plan that guards and policies judged.

    `pending` are policies that wait for an approval: no violations yet, but nothing is applied
    without it.
    """

    violations: tuple[Violation, ...] = field(kw_only=True)
    pending: tuple[Violation, ...] = field(default=(), kw_only=True)

    @property
    def denied(self) -> tuple[Violation, ...]:
        """The violations that forbid the plan."""
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
    """A plan that no guard or policy forbids: the one value that can be applied.

    Raises `Refused` for a plan that a violation denies, or that still waits for an approval.
    """

    plan: JudgedPlan

    def __post_init__(self) -> None:
        waiting = (rule for rule in self.plan.pending if rule.denies)
        broken = (*self.plan.denied, *waiting)
        if broken:
            names = ", ".join(dict.fromkeys(rule.name for rule in broken))
            raise Refused(
                f"the plan is refused by {names}", problems=[rule.problem for rule in broken]
            )


def only(plan: DraftPlan, keep: Callable[[Change], bool]) -> DraftPlan:
    """Return the plan with those changes alone, which nobody judged."""
    models = tuple(
        replace(model, changes=tuple(change for change in model.changes if keep(change)))
        for model in plan.models
    )
    return DraftPlan(plan.registry, plan.state, models, plan.notes, plan.warnings, plan.exclusive)


def accepting(plan: JudgedPlan, consents: Collection[Consent]) -> JudgedPlan:
    """Return a saved plan as it is applied: accepted is what a consent of now names.

    Nothing is pending: an approval that was awaited when the plan was saved is one that nobody
    has shown since.
    """
    found = sorted((*plan.violations, *plan.pending), key=lambda violation: violation.sort_key)
    violations = tuple(with_consent(replace(one, accepted=False), consents) for one in found)
    return replace(plan, violations=violations, pending=())


def _digest(registry: RegistryRef, models: Iterable[ModelPlan]) -> str:
    rows: list[object] = []
    identities: list[object] = []
    for model in models:
        rows += [
            [model.model, *change.field, change.before, change.after] for change in model.changes
        ]
        named = sorted({version for change in model.changes for version in change.versions})
        for version in named:
            identity = model.seen.identities.get(version) if model.seen else None
            parts = (identity.run_id, identity.source, identity.created) if identity else None
            identities.append([model.model, version, parts])
    document = {"registry": registry.key, "changes": rows, "identities": identities}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
