"""Decides whether this checkout may write a model; returns its base and record, or a refusal."""

from collections.abc import Collection
from dataclasses import dataclass
from shlex import quote

from reconciler.core.plan import ModelPlan, PlanOutcome, Record
from reconciler.core.settings import Settings
from reconciler.core.state import NO_BASE, Base, Declaration, Live
from reconciler.errors import DeclarationError, ExitCode, Problem
from reconciler.planning.ancestry import (
    NOTHING_BEFORE,
    Ancestry,
    ModelPast,
    base_of,
    check_ancestry,
)
from reconciler.planning.renames import NO_OTHER_NAME, OtherName
from reconciler.ports.history import History


@dataclass(frozen=True, slots=True)
class PlanningContext:
    """What planning a model needs besides the model.

    `names` are the live models, `other_name` is that of the model itself.
    """

    settings: Settings
    owner: str
    history: History | None
    planning: bool
    allow_superseded: bool
    adopt: frozenset[str]
    names: Collection[str]
    other_name: OtherName = NO_OTHER_NAME


@dataclass(frozen=True, slots=True)
class WriteAccess:
    """Either a `refusal`, or the base to compare with and the record to write.

    `taken_from` names the state folder or the commit that a model is taken over from.
    """

    base: Base = NO_BASE
    record: Record | None = None
    refusal: ModelPlan | None = None
    taken_from: str | None = None


def write_access(
    name: str, declaration: Declaration | None, live: Live | None, context: PlanningContext
) -> WriteAccess:
    """Return whether this checkout may write a model, with its base and record."""
    history = context.history
    if live is None or history is None:
        return WriteAccess()
    try:
        if name in context.adopt:
            return _taken_over(name, declaration, live, context, history)
        if live.owner not in (None, context.owner):
            return _refused(name, declaration, *_foreign(name, live, context))
        return _own(name, declaration, live, context, history)
    except DeclarationError as error:
        first = error.problems[0]
        message = f"what a recorded commit declared cannot be read: {first.where}: {first.message}"
        return _refused(name, declaration, message, ExitCode.OUT_OF_STEP, _take_over(name))


def _own(
    name: str,
    declaration: Declaration | None,
    live: Live,
    context: PlanningContext,
    history: History,
) -> WriteAccess:
    owner = live.owner or context.owner
    past = ModelPast(history, owner, live, context.other_name.former)
    ancestry = check_ancestry(past, live.recorded, declaration, planning=context.planning)
    match ancestry.status:
        case "first":
            base = NO_BASE
        case "go":
            base = base_of(past, live.recorded, context.settings.ignore)
        case _:
            return _cannot_write(name, declaration, ancestry, context, history)
    if ancestry.same and len(live.recorded) == 1:
        # A change that was reverted is recorded all the same, so that a late job for the commit in
        # between sees that it is superseded. So is a record of a branch commit that was merged as
        # another commit, because a clone may not have that branch.
        since = live.recorded[0]
        is_off_main = history.main_contains(history.head) and not history.main_contains(since)
        if not (is_off_main or history.declared_otherwise(since, owner, declaration, name)):
            return WriteAccess(base)
    return WriteAccess(base, _record(live, ancestry, context, history))


def _record(live: Live, ancestry: Ancestry, context: PlanningContext, history: History) -> Record:
    head = history.head
    before = (NOTHING_BEFORE,) if ancestry.status == "first" else live.recorded
    # A commit that declares the same is replaced, so that repeated failures do not lengthen it.
    kept = before[:-1] if ancestry.same else before
    start = None if before[-1] == head else " ".join((*kept, head))
    owner = None if live.owner == context.owner else context.owner
    return Record(commit=head, start=start, owner=owner)


def _taken_over(
    name: str,
    declaration: Declaration | None,
    live: Live,
    context: PlanningContext,
    history: History,
) -> WriteAccess:
    """Take over a model that this checkout may not write; any other one is planned as usual."""
    last = live.recorded[-1] if live.recorded else NOTHING_BEFORE
    if live.owner not in (None, context.owner):
        return _adopted(last, live.owner, live, context, history)
    try:
        own = _own(name, declaration, live, context, history)
    except DeclarationError:  # what the recorded commit declared cannot be read
        own = None
    if own is not None and own.refusal is None:
        return own
    return _adopted(last, f"commit {last[:12]}", live, context, history)


def _adopted(
    last: str, taken_from: str | None, live: Live, context: PlanningContext, history: History
) -> WriteAccess:
    """Return access whose base is the last recorded commit, if this clone has and can read it."""
    commits = (last,) if history.knows(last) else (NOTHING_BEFORE,)
    owner = live.owner or context.owner
    past = ModelPast(history, owner, live, context.other_name.former)
    try:
        base = base_of(past, commits, context.settings.ignore)
    except DeclarationError:
        commits, base = (NOTHING_BEFORE,), NO_BASE
    return WriteAccess(
        base,
        Record(
            commit=history.head,
            start=" ".join((*commits, history.head)),
            owner=None if live.owner == context.owner else context.owner,
        ),
        taken_from=taken_from,
    )


def _cannot_write(
    name: str,
    declaration: Declaration | None,
    ancestry: Ancestry,
    context: PlanningContext,
    history: History,
) -> WriteAccess:
    last = (ancestry.recorded or "")[:12]
    file = declaration.file if declaration else None
    if ancestry.status == "behind":
        message = f"behind: the main line has changed this model since (commit {last} is applied)"
        return WriteAccess(refusal=ModelPlan(name, "behind", file=file, messages=(message,)))
    if ancestry.status == "superseded":
        message = f"superseded: commit {last}, which contains this one, is already applied"
        if context.allow_superseded:
            refusal = ModelPlan(name, "superseded", file=file, messages=(message,))
            return WriteAccess(refusal=refusal)
        hint = (
            f"nothing is written; to go back, use `reconciler rollback {quote(name)}` or "
            "`git revert`, and merge that"
        )
        return _refused(
            name, declaration, message, ExitCode.OUT_OF_STEP, hint, outcome="superseded"
        )
    if ancestry.status == "unknown" and declaration is None:
        # The model of another repository with the same owner name.
        return WriteAccess()
    if ancestry.status == "unknown":
        known = history.knows(ancestry.recorded or "")
        missing = (
            f"the history up to the recorded commit {last}"
            if known
            else f"the recorded commit {last}"
        )
        message = f"{missing} is not in this clone"
        return _refused(name, declaration, message, ExitCode.OUT_OF_STEP, _fetch(name, history))
    message, hint = _diverged(name, ancestry.recorded or "", history)
    return _refused(name, declaration, message, ExitCode.OUT_OF_STEP, hint, outcome="diverged")


def _diverged(name: str, recorded: str, history: History) -> tuple[str, str]:
    """Return what keeps this checkout from writing over a commit that it does not contain."""
    last = recorded[:12]
    if history.main_contains(recorded):
        message = f"diverged: commit {last} is applied, but this checkout does not contain it"
        hint = f"merge it first: `git merge {last}`"
    elif history.merge_base(recorded, history.head) == history.head:
        # A late job's clone can have an old main line, because actions/checkout by branch name
        # resets it. Taking over from there would undo what was merged since.
        message = (
            f"diverged: commit {last}, which contains this one, is applied, but is not on this "
            "clone's main line"
        )
        hint = (
            "`git fetch origin`, and in CI check out the commit id; if a branch was applied, "
            f"merge that, or {_take_over(name)}"
        )
    else:
        message = f"diverged: commit {last} is applied, but was never merged into the main line"
        hint = f"merge it, or {_take_over(name)}"
    return message, hint


def _foreign(name: str, live: Live, context: PlanningContext) -> tuple[str, ExitCode, str]:
    message = f"`{name}` is managed by state folder `{live.owner}`, not `{context.owner}`"
    return message, ExitCode.REFUSED, f"remove the file, or {_take_over(name)}"


def _fetch(name: str, history: History) -> str:
    if history.is_shallow:
        return "this clone is shallow: `git fetch --unshallow` (in CI: `fetch-depth: 0`)"
    return (
        "`git fetch` it; if history was rewritten, or another repository applies to this registry, "
        f"{_take_over(name)}"
    )


def _take_over(name: str) -> str:
    return f"take it over with `--adopt {quote(name)}`"


def _refused(
    name: str,
    declaration: Declaration | None,
    message: str,
    code: ExitCode,
    hint: str,
    *,
    outcome: PlanOutcome = "error",
) -> WriteAccess:
    file, line = (declaration.file, declaration.line) if declaration else (None, None)
    problem = Problem(message, code, file=file, line=line, model=name, hint=hint)
    return WriteAccess(refusal=ModelPlan(name, outcome, file=file, problems=(problem,)))
