"""What a pull request's plan showed to those who approved it, and whether a plan is still that.

A plan after the merge is computed anew. It may write a row that one of the pull requests showed:
to the value that the latest of them showed, from a value that any of them showed. Fewer rows than
were shown are fine.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Final

from reconciler.core.changes import Change
from reconciler.core.plan import JudgedPlan, ModelPlan
from reconciler.core.state import Field, Identity, Value
from reconciler.errors import Contrast

_LAST_MOMENT: Final = 253_402_300_799_000  # ms, of the last second that a date can have


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One row of a plan as it was shown: from which value to which."""

    field: Field
    before: Value | None
    after: Value | None


@dataclass(frozen=True, slots=True)
class ShownModel:
    """What was shown for one model; `identities` are those of the versions that its rows name."""

    model: str
    digest: str
    rows: tuple[ShownRow, ...] = ()
    identities: Mapping[int, Identity | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """What was shown for a commit: on which registry, and as whom the state folder spoke."""

    registry: str
    state: str
    commit: str
    models: tuple[ShownModel, ...] = ()

    def of(self, model: str) -> ShownModel | None:
        """Return what was shown for a model, None when it was not in the plan."""
        return next((one for one in self.models if one.model == model), None)


@dataclass(frozen=True, slots=True)
class Approved:
    """What one merged pull request showed for a model."""

    pull_request: int
    shown: ShownModel


def shown_plan(plan: JudgedPlan, state: str, commit: str) -> ShownPlan:
    """Return what a plan shows, for keeping beside `commit`; models without a row are left out."""
    models = (
        ShownModel(
            model.model,
            model.digest(plan.registry),
            tuple(ShownRow(row.field, row.before, row.after) for row in model.changes),
            dict(model.seen.identities) if model.seen else {},
        )
        for model in plan.models
        if model.changes
    )
    return ShownPlan(plan.registry.key, state, commit, tuple(models))


def not_shown(model: ModelPlan, digest: str, by: Sequence[Approved]) -> tuple[Contrast, ...]:
    """Return what a model's plan would write that its pull requests, oldest first, did not show.

    `digest` is the model's own; one that was shown as it is needs no look at its rows.
    """
    if by and by[-1].shown.digest == digest:
        return ()
    found = [contrast for row in model.changes if (contrast := _row(row, by)) is not None]
    return (*found, *_identities(model, by))


def _row(row: Change, by: Sequence[Approved]) -> Contrast | None:
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
        said = f"{_move(last.before, last.after)} (#{latest.pull_request})"
        return Contrast(str(row.field), said, present)
    return None


def _identities(model: ModelPlan, by: Sequence[Approved]) -> Iterable[Contrast]:
    present = model.seen.identities if model.seen else {}
    for version, identity in present.items():
        named = [one for one in by if version in one.shown.identities]
        before = named[-1].shown.identities[version] if named else identity
        if before != identity:
            said = f"{_origin(before)} (#{named[-1].pull_request})"
            yield Contrast(f"v{version} itself", said, _origin(identity))


def _origin(identity: Identity | None) -> str:
    """Say what a version is, whatever number it has; not its source, which may hold a password."""
    if identity is None:
        return "no such version"
    moment = min(max(identity.created or 0, 0), _LAST_MOMENT)
    created = f"created {datetime.fromtimestamp(moment / 1000, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    return f"run {identity.run_id}, {created}" if identity.run_id else created


def _move(before: Value | None, after: Value | None) -> str:
    return f"{_text(before)} → {_text(after)}"


def _text(value: Value | None) -> str:
    return "nothing" if value is None else repr(value) if isinstance(value, str) else f"v{value}"
