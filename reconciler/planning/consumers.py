"""Consumers that load nothing which is declared, and those that a change cannot have forgotten."""

from collections.abc import Collection, Iterable, Sequence

from reconciler.core.changes import Change
from reconciler.core.declaring.consumers import (
    affected,
    complaint,
    phrase,
    unresolved,
    was_declared,
)
from reconciler.core.state import Base, Consumer, Declaration, Live
from reconciler.errors import DeclarationError, Problem
from reconciler.ports.history import History


def problems(declaration: Declaration, base: Base) -> tuple[Problem, ...]:
    """Return a problem for each consumer that loads what no commit declared.

    What a recorded commit declared may stay live, and what goes is left to the guards.
    """
    return tuple(
        complaint(consumer, declaration)
        for consumer in unresolved(declaration)
        if _is_new(consumer, base)
    )


def messages(
    declaration: Declaration, base: Base, live: Live, changes: Collection[Change]
) -> Iterable[str]:
    """Yield a sentence for each consumer that loads what git no longer declares.

    What a change takes from it is left to the guards.
    """
    lost = [one for one in unresolved(declaration) if not _is_new(one, base)]
    for row in affected(lost, live.fields, changes, live.versions):
        if row.effect != "loses":
            stays = f"; it stays on v{row.after}" if row.after is not None else ""
            what = phrase(row.consumer.loads)
            yield f"`{row.consumer.name}` loads {what}, which is no longer declared{stays}"


def _is_new(consumer: Consumer, base: Base) -> bool:
    """Return whether no recorded commit declared what a consumer loads, nor it without that."""
    return not was_declared(consumer.loads, base) and consumer.key not in base.consumers


def takes_away(changes: Iterable[Change]) -> bool:
    """Return whether changes may take from a consumer what it loads."""
    return any(
        change.field.name == "stage" or change.action == "remove"
        for change in changes
        if change.cause != "drift" and change.field.name in ("stage", "alias")
    )


def consumers_before(
    history: History, since: str, owner: str, names: Sequence[str]
) -> tuple[Consumer, ...]:
    """Return the consumers of a model before its change that is not applied yet.

    `names` are those that the model has and had. A consumer is no part of what is recorded: what
    was merged about consumers alone since the commit `since` counts.
    """
    before = _declared(history, since, owner, names)
    for commit in history.merged_since(since, names[0]):
        later = _declared(history, commit, owner, names)
        if later != before:
            break
        before = later
    return before.consumers if before is not None else ()


def consumers_at(
    history: History, commit: str, owner: str, names: Sequence[str]
) -> tuple[Consumer, ...]:
    """Return the consumers of a model at a commit; `names` are those that it has and had."""
    declared = _declared(history, commit, owner, names)
    return declared.consumers if declared is not None else ()


def _declared(
    history: History, commit: str, owner: str, names: Sequence[str]
) -> Declaration | None:
    """Return what a commit declares for a model, None also where its file cannot be read."""
    try:
        found = (history.declared(commit, owner, name) for name in names)
        return next(filter(None, found), None)
    except DeclarationError:
        return None
