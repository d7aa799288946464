"""May this checkout speak for a model? Judged by declarations, not by dates.

The recorded commits say who spoke last: one id means in step, several an apply that did not
finish, the last being the one under way. With R the last recorded commit, H this checkout and B
their merge base, a checkout that has not seen what R declared must not write.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from reconciler.core.settings import Ignore
from reconciler.core.state import Base, Declaration, Field, Value
from reconciler.ports.history import History

NOTHING_BEFORE = "-"  # stands for "no commit" as the first recorded id of the very first apply

AncestryStatus: TypeAlias = Literal["first", "go", "superseded", "behind", "diverged", "unknown"]


@dataclass(frozen=True, slots=True)
class Ancestry:
    """The status on one model, and the recorded commit that it was reached on.

    `same` says that it declares what this checkout does.
    """

    status: AncestryStatus
    recorded: str | None = None
    same: bool = False


def check_ancestry(
    model: str,
    recorded: Sequence[str],
    declared: Declaration | None,
    *,
    owner: str,
    history: History,
    planning: bool,
) -> Ancestry:
    """Return whether the checkout that declares `declared` may speak for `model`.

    `owner` is the recorded one: where the recorded commits' declarations are read.
    """
    if not recorded or recorded[-1] == NOTHING_BEFORE:
        return Ancestry("first")
    last = recorded[-1]
    missing = [c for c in recorded if c != NOTHING_BEFORE and not history.knows(c)]
    if missing:
        return Ancestry("unknown", missing[-1])
    at_last = history.declared(last, owner, model)
    if at_last == declared and len(recorded) == 1:
        return Ancestry("go", last, same=True)
    fork = history.merge_base(last, history.head)
    if fork is None:
        return Ancestry(_cut_off(history) or "diverged", last)
    at_fork = history.declared(fork, owner, model)
    if at_last == at_fork and (len(recorded) == 1 or fork == last):
        return Ancestry("go", last, same=at_last == declared)
    if not history.main_contains(last):
        return Ancestry(_cut_off(history) or "diverged", last)
    if fork == history.head:
        return Ancestry("superseded", last)
    if planning and declared == at_fork:
        return Ancestry("behind", last)
    return Ancestry("diverged", last)


def base_of(
    model: str, commits: Sequence[str], *, owner: str, history: History, ignore: Ignore
) -> Base:
    """Return what the recorded commits declared for a model, less what is ignored."""
    declared = [
        None if commit == NOTHING_BEFORE else history.declared(commit, owner, model)
        for commit in commits
    ]
    ever: dict[Field, frozenset[Value]] = {}
    for declaration in filter(None, declared):
        for address, value in ignore.without(declaration.fields).items():
            ever[address] = ever.get(address, frozenset()) | {value}
    first = declared[0] if declared else None
    return Base(
        first=ignore.without(first.fields) if first else {},
        ever=ever,
        versions=frozenset(v for d in declared if d is not None for v in d.versions),
    )


def _cut_off(history: History) -> Literal["unknown"] | None:
    """Say where a shallow clone may just lack the commits that lead from one to the other."""
    return "unknown" if history.is_shallow else None
