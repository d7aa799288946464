"""What the plan of a pull request showed to its approvers, and whether a later plan exceeds it.

The plan after the merge is computed again. It may write a row only if a pull request showed that
row: to the value that the latest of them showed, and from a value that any of them showed. It may
have fewer rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Final

from reconciler.core.changes import Change, entering_by
from reconciler.core.plan import JudgedPlan, ModelPlan
from reconciler.core.state import Field, Identity, Value
from reconciler.errors import Contrast

_LAST_MOMENT: Final = 253_402_300_799_000  # ms: 9999-12-31T23:59:59, the latest `datetime`


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One row of a plan as it was shown, with its value before and after."""

    field: Field
    before: Value | None
    after: Value | None


@dataclass(frozen=True, slots=True)
class ShownModel:
    """What was shown for one model; `identities` are those of the versions in its rows.

    `approved` are the declared digests of the versions that its rows put into use.
    """

    model: str
    digest: str
    rows: tuple[ShownRow, ...] = ()
    identities: Mapping[int, Identity | None] = field(default_factory=dict)
    approved: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """The plan that was shown for a commit, with its registry and the state's name."""

    registry: str
    state: str
    commit: str
    models: tuple[ShownModel, ...] = ()

    def of(self, model: str) -> ShownModel | None:
        """Return what was shown for a model, None when the plan did not contain it."""
        return next((shown for shown in self.models if shown.model == model), None)


@dataclass(frozen=True, slots=True)
class Approved:
    """What one merged pull request showed for a model."""

    pull_request: int
    shown: ShownModel

    @property
    def entering(self) -> frozenset[int | None]:
        """The versions that were shown to come into use: by a row, or with an approved digest."""
        rows = (entering_by(row.field, row.after) for row in self.shown.rows)
        return frozenset({*rows, *self.shown.approved})


def shown_plan(plan: JudgedPlan, state: str, commit: str) -> ShownPlan:
    """Return what a plan shows, to be kept with `commit`; models without changes are left out."""
    models = (
        ShownModel(
            model.model,
            model.digest(plan.registry),
            tuple(ShownRow(row.field, row.before, row.after) for row in model.changes),
            dict(model.seen.identities) if model.seen else {},
            {row.version: row.digest for row in model.bytes},
        )
        for model in plan.models
        if model.changes
    )
    return ShownPlan(plan.registry.key, state, commit, tuple(models))


def not_shown(model: ModelPlan, digest: str, by: Sequence[Approved]) -> tuple[Contrast, ...]:
    """Return what a model's plan would write although its pull requests did not show it.

    `by` is sorted oldest first. When its last digest equals `digest`, the rows are not compared.
    """
    if by and by[-1].shown.digest == digest:
        return ()
    contrasts = [contrast for row in model.changes if (contrast := _contrast(row, by)) is not None]
    return (*contrasts, *_identities(model, by), *_digests(model, by))


def _contrast(row: Change, by: Sequence[Approved]) -> Contrast | None:
    rows = [
        (approved, shown)
        for approved in by
        for shown in approved.shown.rows
        if shown.field == row.field
    ]
    present = _move(row.before, row.after)
    if not rows:
        return Contrast(str(row.field), "not shown", present)
    latest, last = rows[-1]
    if last.after != row.after or row.before not in {shown.before for _, shown in rows}:
        approved_move = f"{_move(last.before, last.after)} (#{latest.pull_request})"
        return Contrast(str(row.field), approved_move, present)
    return None


def _identities(model: ModelPlan, by: Sequence[Approved]) -> Iterable[Contrast]:
    present = model.seen.identities if model.seen else {}
    for version, identity in present.items():
        naming = [approved for approved in by if version in approved.shown.identities]
        before = naming[-1].shown.identities[version] if naming else identity
        if before != identity:
            was = f"{_origin(before)} (#{naming[-1].pull_request})"
            yield Contrast(f"v{version} itself", was, _origin(identity))


def _digests(model: ModelPlan, by: Sequence[Approved]) -> Iterable[Contrast]:
    """Yield each version whose shown digest is no longer declared; a new one is only stricter."""
    declared = {row.version: row.digest for row in model.bytes}
    for version in sorted(model.entering):
        shown = [(one, one.shown.approved.get(version)) for one in by if version in one.entering]
        latest, approved = shown[-1] if shown else (None, None)
        digest = declared.get(version)
        if latest is not None and approved is not None and digest != approved:
            was = f"{approved} (#{latest.pull_request})"
            yield Contrast(f"v{version} digest", was, digest or "none is declared")


def _origin(identity: Identity | None) -> str:
    """Describe a version by its run and creation time; its source may hold a password."""
    if identity is None:
        return "no such version"
    moment = min(max(identity.created or 0, 0), _LAST_MOMENT)
    created = f"created {datetime.fromtimestamp(moment / 1000, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    return f"run {identity.run_id}, {created}" if identity.run_id else created


def _move(before: Value | None, after: Value | None) -> str:
    return f"{_text(before)} → {_text(after)}"


def _text(value: Value | None) -> str:
    return "nothing" if value is None else repr(value) if isinstance(value, str) else f"v{value}"
