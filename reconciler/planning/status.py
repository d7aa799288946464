"""Computes the rows of `reconciler status`, and the unmanaged live values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.diff import unmanaged
from reconciler.core.plan import DraftPlan, ModelPlan, PlanOutcome
from reconciler.core.state import ACTIVE_STAGES, Field, Live, Value, aliases, stages
from reconciler.errors import UsageError

Sync: TypeAlias = Literal["in sync", "out of sync", "unmanaged", "deleted"] | PlanOutcome


SYNCS: Final[tuple[Sync, ...]] = (
    *("in sync", "out of sync", "unmanaged", "deleted"),
    *(outcome for outcome in get_args(PlanOutcome) if outcome not in ("in-sync", "changes")),
)


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One version, or with `version` None the model itself; `commit` is the last recorded commit.

    `unfinished` is true when an apply of `commit` began but was not completed.
    """

    model: str
    version: int | None
    stage: str | None
    aliases: tuple[str, ...]
    sync: Sync
    commit: str | None
    unfinished: bool = False


def rows(
    plan: DraftPlan, live: Mapping[str, Live], desired: DeclaredState
) -> tuple[StatusRow, ...]:
    """Return a row for every declared version and every other one that may be in use.

    A version may be in use in an active stage or under an alias. A model without such versions has
    one row. A declared version that was deleted by hand has one, too.
    """
    plans = {model.model: model for model in plan.models}
    ignore = desired.settings.ignore
    names = sorted({*plans, *(name for name, model in live.items() if not model.is_prompt)})
    return tuple(
        row
        for name in names
        if not ignore.model(name)
        for row in _model_rows(name, plans.get(name), live.get(name), desired)
    )


def _model_rows(
    name: str, plan: ModelPlan | None, live: Live | None, desired: DeclaredState
) -> Iterable[StatusRow]:
    declaration = desired.declarations.get(name)
    declared = set(declaration.versions) if declaration else set()
    touched = {v for change in plan.changes for v in change.versions} if plan else set()
    where = stages(live.fields) if live else {}
    named: dict[int, list[str]] = {}
    for alias, version in sorted(aliases(live.fields).items()) if live else ():
        named.setdefault(version, []).append(alias)
    active = {v for v, stage in where.items() if stage in ACTIVE_STAGES}
    commit = live.recorded[-1] if live and live.recorded else None
    unfinished = live is not None and live.unfinished

    def row(version: int | None, sync: Sync) -> StatusRow:
        stage = where.get(version) if version is not None else None
        own_aliases = tuple(named.get(version, ())) if version is not None else ()
        return StatusRow(name, version, stage, own_aliases, sync, commit, unfinished)

    deleted = set(plan.deleted) if plan else set()
    shown = sorted({*active, *named, *(declared & set(where)), *deleted}, reverse=True)
    # Only a model that was compared can be in sync.
    compared: Sync = "in sync"
    if plan is not None and plan.outcome not in ("in-sync", "changes"):
        compared = plan.outcome
    if not shown:
        yield row(None, compared if declaration else "unmanaged")
    elif plan and any(c.field.version is None and c.field.name != "alias" for c in plan.changes):
        yield row(None, "out of sync")
    for version in shown:
        sync: Sync = "out of sync" if version in touched else compared
        if version in deleted:
            sync = "deleted"
        yield row(version, sync if version in declared or version in touched else "unmanaged")


def syncs(words: Iterable[str]) -> frozenset[str]:
    """Return what rows are to be, every kind without `words`: `out-of-sync` means `out of sync`.

    Raises `UsageError` for a word that no row can have.
    """
    chosen = {word.strip().replace("-", " ") for word in words}
    for word in sorted(chosen.difference(SYNCS)):
        choices = ", ".join(sync.replace(" ", "-") for sync in SYNCS)
        raise UsageError(f"no version's status is `{word}`", hint=f"choose from {choices}")
    return frozenset(chosen or SYNCS)


def unmanaged_values(
    plan: DraftPlan, live: Mapping[str, Live], desired: DeclaredState
) -> tuple[tuple[str, Field, Value], ...]:
    """Return every live value that git does not declare as (model, field, value), sorted."""
    planned = {model.model: model.unmanaged for model in plan.models}
    ignore = desired.settings.ignore
    values = []
    for name, model in sorted(live.items()):
        if model.is_prompt:
            continue
        fields = ignore.without(model.fields)
        addresses = planned[name] if name in planned else unmanaged({}, fields)
        values += [(name, address, fields[address]) for address in addresses]
    return tuple(values)
