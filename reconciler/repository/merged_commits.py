"""Reads what the merges of a first-parent line brought: the commits of their branches.

One `git log` for all merges: which commit came by which of them is told from the parents alone.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from reconciler.audit.merged_changes import MergedCommit
from reconciler.repository.log_format import FIELDS, FORMAT, PLAIN, ask, read_commit
from reconciler.repository.repository import GitRepo

_ID, _PARENTS = FIELDS.index("H"), FIELDS.index("P")


@dataclass(frozen=True, slots=True)
class Branches:
    """A first-parent line, oldest first, and how every other commit came to it.

    `landed` names the merge of the line that brought a commit; `brought` are the commits of each
    merge that was asked for, oldest first.
    """

    line: tuple[str, ...]
    landed: Mapping[str, str]
    brought: Mapping[str, tuple[MergedCommit, ...]]


def read_branches(
    repo: GitRepo, tip: str, first: MergedCommit, merges: Collection[str]
) -> Branches:
    """Return the line from `first`, a commit of it, to `tip`, with what its merges brought."""
    # What the first one was committed onto is older than the line that is asked for.
    older = [f"^{parent}" for parent in first.parents[:1]]
    order = ("--topo-order", "--reverse")
    told = ask(repo, "log", *order, *PLAIN, FORMAT, tip, *older, "--").split("\0")
    commits = [told[begin : begin + len(FIELDS)] for begin in range(0, len(told) - 1, len(FIELDS))]
    parents = {fields[_ID]: fields[_PARENTS].split() for fields in commits}
    line = _first_parents(tip, parents)
    landed = _landed(line, parents)
    brought = defaultdict(list)
    for fields in commits:
        merge = landed.get(fields[_ID])
        if merge is not None and merge in merges:
            brought[merge].append(read_commit(fields))
    return Branches(line, landed, {merge: tuple(some) for merge, some in brought.items()})


def _first_parents(tip: str, parents: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    line: list[str] = []
    place: str | None = tip
    while place is not None and place in parents:
        line.append(place)
        place = next(iter(parents[place]), None)
    return tuple(reversed(line))


def _landed(line: Sequence[str], parents: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return which merge brought each commit: the first one of the line that reaches it."""
    landed: dict[str, str] = {}
    known = set(line)
    for merge in line:
        ahead = [*parents[merge][1:]]
        while ahead:
            commit = ahead.pop()
            if commit in parents and commit not in known:
                known.add(commit)
                landed[commit] = merge
                ahead += parents[commit]
    return landed
