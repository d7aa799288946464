"""Who loads a model: the version that a consumer's `loads` means, and what a change does to it."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from reconciler.core.changes import Change
from reconciler.core.diff import applied
from reconciler.core.matching import nearest
from reconciler.core.state import (
    Base,
    Consumer,
    Declaration,
    Field,
    Fields,
    Value,
    aliases,
    stages,
)
from reconciler.errors import ExitCode, Problem

ConsumerEffect: TypeAlias = Literal["moves", "stays", "loses", "archives"]

_NAMED = 8  # words that a hint lists
_ARCHIVED = ("stage", "Archived")


@dataclass(frozen=True, slots=True)
class AffectedConsumer:
    """What a plan does to a consumer: the versions that it loads before and after, None for none.

    It `archives` what the consumer loads after it, `loses` what it loaded, `moves` it to another
    version, or it `stays`.
    """

    consumer: Consumer
    before: int | None
    after: int | None
    effect: ConsumerEffect


def is_number(loads: str) -> bool:
    """Return whether a consumer loads a version by its number."""
    return loads.isdecimal()


def loaded_version(loads: str, fields: Fields, versions: Collection[int]) -> int | None:
    """Return the version that `loads` means in a state, None where it means none.

    Of several versions in a stage MLflow loads the highest.
    """
    if is_number(loads):
        return int(loads) if int(loads) in versions else None
    if loads.startswith("@"):
        return aliases(fields).get(loads[1:])
    return max((v for v, stage in stages(fields).items() if stage == loads), default=None)


def declared_version(loads: str, declaration: Declaration) -> int | None:
    """Return the version that `loads` means by a declaration, None where none is declared."""
    return loaded_version(loads, declaration.fields, declaration.versions)


def unresolved(declaration: Declaration) -> tuple[Consumer, ...]:
    """Return the consumers that load nothing which is declared."""
    return tuple(
        consumer
        for consumer in declaration.consumers
        if declared_version(consumer.loads, declaration) is None
    )


def was_declared(loads: str, base: Base) -> bool:
    """Return whether a recorded commit declared what `loads` names."""
    if is_number(loads):
        return int(loads) in base.versions
    if loads.startswith("@"):
        return Field("alias", None, loads[1:]) in base.ever
    values: Iterable[Collection[Value]] = (
        values for address, values in base.ever.items() if address.name == "stage"
    )
    return any(loads in each for each in values)


def affected(
    consumers: Iterable[Consumer],
    live: Fields,
    changes: Collection[Change],
    versions: Collection[int],
) -> tuple[AffectedConsumer, ...]:
    """Return what changes do to each consumer of a model with these live versions."""
    after = applied(live, changes)
    archived = {c.field.version for c in changes if (c.field.name, c.after) == _ARCHIVED}
    return tuple(_affected(consumer, live, after, archived, versions) for consumer in consumers)


def _affected(
    consumer: Consumer,
    live: Fields,
    later: Fields,
    archived: Collection[int | None],
    versions: Collection[int],
) -> AffectedConsumer:
    before = loaded_version(consumer.loads, live, versions)
    after = loaded_version(consumer.loads, later, versions)
    effect: ConsumerEffect = "stays" if before == after else "moves"
    if after is None and before is not None:
        effect = "loses"
    elif after in archived and consumer.loads != "Archived":
        effect = "archives"
    return AffectedConsumer(consumer, before, after, effect)


def complaint(consumer: Consumer, declaration: Declaration) -> Problem:
    """Return the problem of a consumer that loads nothing which is declared."""
    return Problem(
        f"`{consumer.name}` loads {phrase(consumer.loads)}, which {_absence(consumer.loads)}",
        ExitCode.DECLARATION,
        declaration.file,
        consumer.line,
        consumer.column,
        declaration.model,
        _remedy(consumer.loads, declaration),
    )


def came_and_went(before: Declaration | None, after: Declaration | None) -> Iterator[str]:
    """Yield a phrase for each consumer that a declaration has more than another, or less."""
    was, now = (
        {one.key for one in declaration.consumers} if declaration else set()
        for declaration in (before, after)
    )
    for what, keys in (("added", now - was), ("removed", was - now)):
        yield from (f"consumer {name} of {phrase(loads)} {what}" for name, loads in sorted(keys))


def phrase(loads: str) -> str:
    """Return `loads` as a sentence names it: `v3`, `@champion` or a stage."""
    return f"v{loads}" if is_number(loads) else loads


def _absence(loads: str) -> str:
    if is_number(loads) or loads.startswith("@"):
        return "is not declared"
    return "is declared for no version"


def _remedy(loads: str, declaration: Declaration) -> str:
    # The lowest is the least likely to be meant.
    numbers = [str(version) for version in sorted(declaration.versions, reverse=True)]
    held = dict.fromkeys(stages(declaration.fields).values())
    words = [*(f"@{alias}" for alias in sorted(aliases(declaration.fields))), *held, *numbers]
    near = None if is_number(loads) else nearest(loads, [*words[: len(words) - len(numbers)]])
    if near is not None:
        return near
    return f"declared are {', '.join(words[:_NAMED])}" if words else "no version is declared"
