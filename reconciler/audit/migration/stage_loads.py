"""Consumers that load by stage: those that files declare, and those found in source code."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.audit.usage.loads import Load
from reconciler.audit.usage.rewriting import calls_by_stage, stage_of
from reconciler.core.state import STAGES, Declaration


@dataclass(frozen=True, slots=True)
class StageLoad:
    """A consumer that loads by stage; `name` is None for a place in source code.

    `model` and `loads` are None where only the running program knows them. `text` is what the
    source says.
    """

    model: str | None
    loads: str | None
    file: str
    line: int | None
    name: str | None = None
    owner: str | None = None
    column: int | None = None
    text: str | None = None


def declared_by_stage(declaration: Declaration) -> Iterator[StageLoad]:
    """Yield the declared consumers of a model that load by stage."""
    for consumer in declaration.consumers:
        if consumer.loads in STAGES:
            yield StageLoad(
                declaration.model,
                consumer.loads,
                declaration.file,
                consumer.line,
                consumer.name,
                consumer.owner,
            )


def found_by_stage(loads: Iterable[Load]) -> Iterator[StageLoad]:
    """Yield the places in source code that load by stage."""
    for load in loads:
        stage = stage_of(load)
        if stage is not None or calls_by_stage(load):
            yield StageLoad(
                load.model, stage, load.file, load.line, column=load.column, text=load.text
            )
