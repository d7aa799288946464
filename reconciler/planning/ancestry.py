"""Compares a checkout's ancestry with a model's recorded commits, by declarations, not dates.

One recorded commit means that its apply finished; several mean that the apply of the last one did
not. A checkout that does not contain what the last recorded commit declared must not write.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from reconciler.core.settings import Ignore
from reconciler.core.state import Base, Declaration, DeclaredVersion, Field, Live, Value
from reconciler.planning.same_model import is_disproven
from reconciler.ports.history import History

NOTHING_BEFORE = "-"  # in place of the first recorded commit during a model's first apply

AncestryStatus: TypeAlias = Literal["first", "go", "superseded", "behind", "diverged", "unknown"]


@dataclass(frozen=True, slots=True)
class Ancestry:
    """The status of one model, and the recorded commit that decided it.

    `same` is true when that commit declares the same as this checkout.
    """

    status: AncestryStatus
    recorded: str | None = None
    same: bool = False


@dataclass(frozen=True, slots=True)
class ModelPast:
    """The declarations of one live model: those under its name, and before them former ones.

    `owner` is the recorded owner, whose state folder has the recorded commits' declarations.
    """

    history: History
    owner: str
    live: Live
    former: tuple[str, ...] = ()

    def declared(self, commit: str) -> Declaration | None:
        """Return what a commit declares for the model, by any of its names; None: nothing.

        A declaration under one of them with the runs of another model is not this one's.
        """
        for name in (*self.former, self.live.model):
            declared = self.history.declared(commit, self.owner, name)
            if declared is not None and not is_disproven(declared, self.live):
                return declared
        return None


def check_ancestry(
    past: ModelPast,
    recorded: Sequence[str],
    declared: Declaration | None,
    *,
    planning: bool,
) -> Ancestry:
    """Return how the checkout, which declares `declared`, relates to a model's recorded commits.

    With `planning`, `behind` is possible; otherwise that case is `diverged`.
    """
    history = past.history
    if not recorded or recorded[-1] == NOTHING_BEFORE:
        return Ancestry("first")
    last = recorded[-1]
    missing = [c for c in recorded if c != NOTHING_BEFORE and not history.knows(c)]
    if missing:
        return Ancestry("unknown", missing[-1])
    at_last = past.declared(last)
    if at_last == declared and len(recorded) == 1:
        return Ancestry("go", last, same=True)
    fork = history.merge_base(last, history.head)
    if fork is None:
        return Ancestry(_cut_off(history) or "diverged", last)
    at_fork = past.declared(fork)
    if at_last == at_fork and (len(recorded) == 1 or fork == last):
        return Ancestry("go", last, same=at_last == declared)
    if not history.main_contains(last):
        return Ancestry(_cut_off(history) or "diverged", last)
    if fork == history.head:
        return Ancestry("superseded", last)
    if planning and declared == at_fork:
        return Ancestry("behind", last)
    return Ancestry("diverged", last)


def base_of(past: ModelPast, commits: Sequence[str], ignore: Ignore) -> Base:
    """Return what the recorded commits declared for a model, without ignored fields."""
    declared = [None if commit == NOTHING_BEFORE else past.declared(commit) for commit in commits]
    ever: dict[Field, frozenset[Value]] = {}
    written: set[Field] = set()
    for declaration in filter(None, declared):
        written |= declaration.fields.keys() - declaration.implied.keys()
        for address, value in ignore.without(declaration.fields).items():
            ever[address] = ever.get(address, frozenset()) | {value}
    first = declared[0] if declared else None
    return Base(
        first=ignore.without(first.fields) if first else {},
        ever=ever,
        consumers=frozenset(c.key for d in declared if d is not None for c in d.consumers),
        entries=_entries(filter(None, declared)),
        later=tuple(
            replace(d, fields=ignore.without(d.fields)) for d in declared[1:] if d is not None
        ),
        implied=frozenset(ever.keys() - written),
        bridged=tuple(dict.fromkeys(pair for d in declared if d is not None for pair in d.bridged)),
    )


def _entries(declared: Iterable[Declaration]) -> Mapping[int, tuple[DeclaredVersion, ...]]:
    entries: dict[int, tuple[DeclaredVersion, ...]] = {}
    for declaration in declared:
        for number, entry in declaration.versions.items():
            entries[number] = (*entries.get(number, ()), entry)
    return entries


def _cut_off(history: History) -> Literal["unknown"] | None:
    """Return `unknown` for a shallow clone, which may lack the connecting commits."""
    return "unknown" if history.is_shallow else None
