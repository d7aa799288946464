"""The rows of a table for what a command cost."""

from benchmarks.command import Cost
from benchmarks.table import Row


def seconds(
    work: str, cost: Cost, plain: float | None = None, reach: str = "", limit: float | None = None
) -> Row:
    """Return the row of the time that a command took."""
    return Row(
        work, cost.seconds, plain, reach, limit, before=cost.before.seconds if cost.before else None
    )


def processor(work: str, cost: Cost) -> Row:
    """Return the row of the processor time that a command had."""
    before = cost.before.processor if cost.before else None
    return Row(f"{work}: its own processor time", cost.processor, before=before)


def memory(work: str, cost: Cost, most: int | None) -> Row:
    """Return the row of the most MB that a command had at a time."""
    reach = f"≤ {most} MB" if most else ""
    return Row(f"{work}: peak memory", cost.memory, None, reach, most, "MB")


def listed(work: str, cost: Cost, plain: float) -> Row:
    """Return the row of a command that reads the whole registry."""
    return seconds(work, cost, plain, "≤ 1.2 × raw + 0.4 s", 1.2 * plain + 0.4)
