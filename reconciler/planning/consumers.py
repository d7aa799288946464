"""Consumers that load nothing which is declared, and those that a change cannot have forgotten."""

from collections.abc import Iterable, Sequence

from reconciler.core.changes import Change
from reconciler.core.declaring.consumers import complaint, phrase, unresolved, was_declared
from reconciler.core.state import Base, Consumer, Declaration
from reconciler.errors import Problem
from reconciler.ports.history import History


def problems(declaration: Declaration, base: Base) -> tuple[Problem, ...]:
    """Return a problem for each consumer that loads what no commit declared.

    What a recorded commit declared and this checkout does not is left to the guards.
    """
    return tuple(
        complaint(consumer, declaration)
        for consumer in unresolved(declaration)
        if not was_declared(consumer.loads, base) and consumer.key not in base.consumers
    )


def messages(declaration: Declaration, base: Base) -> Iterable[str]:
    """Yield a sentence for each consumer that has loaded nothing since an earlier apply."""
    for consumer in unresolved(declaration):
        if not was_declared(consumer.loads, base) and consumer.key in base.consumers:
            what = phrase(consumer.loads)
            yield f"`{consumer.name}` loads {what}, which is no longer declared"


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

    def declared(commit: str) -> Declaration | None:
        found = (history.declared(commit, owner, name) for name in names)
        return next(filter(None, found), None)

    before = declared(since)
    for commit in history.merged_since(since, names[0]):
        later = declared(commit)
        if later != before:
            break
        before = later
    return before.consumers if before is not None else ()
