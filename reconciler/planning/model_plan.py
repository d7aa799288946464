"""Plans one model: ownership, preconditions, difference and record."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from shlex import quote

from reconciler.core.changes import entering, left_alone
from reconciler.core.diff import Difference, applied, diff
from reconciler.core.plan import ModelPlan, PlanOutcome, Snapshot
from reconciler.core.settings import Settings
from reconciler.core.state import (
    NO_BASE,
    Base,
    Declaration,
    Fields,
    Live,
    aliases,
    occupants,
    stages,
)
from reconciler.core.transitions import partings
from reconciler.planning import consumers, preconditions
from reconciler.planning.artifacts.approved_bytes import declared_bytes
from reconciler.planning.ownership import PlanningContext, WriteAccess, write_access
from reconciler.planning.renames import OtherName
from reconciler.planning.semver_order import edited_semvers
from reconciler.planning.unfinished_apply import as_far_as_written


@dataclass(frozen=True, slots=True)
class Planned:
    """A model's plan, with what the guards check besides.

    `live` is without ignored fields; `declared` counts the aliases and tags of base and desired.
    `base` is what the recorded commits declared.
    """

    plan: ModelPlan
    live: Fields = field(default_factory=dict)
    declared: int = 0
    base: Base = NO_BASE


def plan_model(
    name: str, declaration: Declaration | None, live: Live | None, context: PlanningContext
) -> Planned:
    """Return the plan of one model; its problems are in the plan's `problems`."""
    file = declaration.file if declaration else None
    access = write_access(name, declaration, live, context)
    if access.refusal is not None:
        return Planned(access.refusal)
    if declaration is None:
        return Planned(_released(name, live, access))
    deleted = preconditions.deleted(declaration, live, access.base) if live is not None else ()
    problems = (
        *preconditions.problems(
            declaration, live, names=context.names, deleted=deleted, other_name=context.other_name
        ),
        *edited_semvers(declaration, access.base),
    )
    problems += consumers.problems(declaration, access.base) if live is not None else ()
    if declaration.hold is not None and (live is None or problems):
        return Planned(ModelPlan(name, "held", file=file, messages=(f"held: {declaration.hold}",)))
    if live is None or problems:
        return Planned(ModelPlan(name, "error", file=file, problems=problems, deleted=deleted))
    visible = replace(live, fields=context.settings.ignore.without(live.fields))
    exclusive = context.settings.exclusive
    base = as_far_as_written(access.base, visible, exclusive)
    difference = diff(base, declaration, visible, exclusive=exclusive)
    if declaration.hold is not None:
        return Planned(_held(declaration, declaration.hold, difference), visible.fields)
    plan = replace(
        _to_write(declaration, live, difference, access, context),
        messages=(
            *_taken(access),
            *_renamed(context.other_name),
            *_gone(declaration, live, deleted),
            *_parted(declaration, live, difference, context.settings),
            *difference.left,
            *consumers.messages(declaration, access.base, visible, difference.changes),
        ),
        deleted=deleted,
        taken_from=access.taken_from,
    )
    addresses = {*access.base.ever, *declaration.fields}
    count = sum(address.name in ("alias", "tag") for address in addresses)
    return Planned(plan, visible.fields, count, access.base)


def _to_write(
    declaration: Declaration,
    live: Live,
    difference: Difference,
    access: WriteAccess,
    context: PlanningContext,
) -> ModelPlan:
    named = frozenset[int]().union(*(change.versions for change in difference.changes))
    touched = {
        str(value)
        for change in difference.changes
        if change.field.name == "stage"
        for value in (change.before, change.after)
    }
    held = occupants(live.fields, [s for s in context.settings.exclusive if s in touched])
    # No change names them: the snapshot has them for their bytes, and only where those are pinned.
    staying = left_alone(difference.changes, held) & declaration.digests.keys()
    identities = {
        v: live.versions[v].identity if v in live.versions else None for v in named | staying
    }
    outcome: PlanOutcome = "changes" if difference.changes else "in-sync"
    return ModelPlan(
        declaration.model,
        outcome,
        file=declaration.file,
        changes=difference.changes,
        record=access.record,
        seen=Snapshot(
            live.commit,
            live.owner,
            dict(sorted(identities.items())),
            held,
            live.updated,
        ),
        unmanaged=difference.unmanaged,
        bytes=declared_bytes(declaration, entering(difference.changes) | staying),
    )


def _renamed(other_name: OtherName) -> Iterable[str]:
    for former in other_name.former:
        yield f"renamed from `{former}`: what git declared under that name is the base"


def _taken(access: WriteAccess) -> Iterable[str]:
    if access.taken_from is not None:
        yield f"taken over from {access.taken_from}"


def _gone(declaration: Declaration, live: Live, deleted: Collection[int]) -> Iterable[str]:
    remedy = f"`reconciler tidy {quote(declaration.model)}` takes the entry out"
    for version in preconditions.gone(declaration, live):
        if version in deleted:
            yield f"{preconditions.deletion(declaration, version)}: {remedy}"
            continue
        stage = stages(declaration.fields).get(version)
        declared = f"declared {stage}" if stage else "declared"
        yield f"v{version} is {declared} but not in the registry: {remedy}"


def _parted(
    declaration: Declaration, live: Live, difference: Difference, settings: Settings
) -> Iterable[str]:
    return partings(
        live.fields,
        applied(live.fields, difference.changes),
        settings.serving.of(live.model, declaration),
        names=settings.guarded_aliases,
        places=settings.exclusive,
    )


def _held(declaration: Declaration, reason: str, difference: Difference) -> ModelPlan:
    count = len(difference.changes)
    waiting = (
        f"{count} change{'s' if count != 1 else ''} pending" if count else "no changes pending"
    )
    return ModelPlan(
        declaration.model,
        "held",
        file=declaration.file,
        messages=(f"held: {reason}; {waiting}",),
        unmanaged=difference.unmanaged,
    )


def _released(name: str, live: Live | None, access: WriteAccess) -> ModelPlan:
    if live is None or access.record is None:
        return ModelPlan(name, "in-sync")
    staying = [
        f"v{version} {stage}"
        for version, stage in sorted(stages(live.fields).items())
        if stage != "None"
    ] + [f"@{alias} → v{version}" for alias, version in sorted(aliases(live.fields).items())]
    left = ", ".join(staying) or "no stage and no alias"
    return ModelPlan(
        name,
        "released",
        record=access.record,
        seen=Snapshot(live.commit, live.owner, {}),
        messages=(f"released: git no longer declares it, and it stays as it is ({left})",),
    )
