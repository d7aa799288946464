"""Matches what loads models, in source code and in access logs, with the declared consumers."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final, TypeVar

from reconciler.audit.usage.loads import Load, SeenLoad
from reconciler.core.declaring.consumers import declared_version
from reconciler.core.state import STAGES, Consumer, Declaration

_LONGEST_NAME: Final = 250
_Sighting = TypeVar("_Sighting")


@dataclass(frozen=True, slots=True)
class DeclaredConsumer:
    """A declared consumer of a model, and the declared version that it loads, None for none."""

    model: str
    consumer: Consumer
    version: int | None
    file: str

    @property
    def key(self) -> tuple[str, str]:
        """The model, and what is loaded of it."""
        return self.model, self.consumer.loads


@dataclass(frozen=True, slots=True)
class FoundLoad:
    """A place in source code; `name` is that of its program, by the path.

    `place` is where the program is: a folder, or the file itself; None where that is a path of
    this machine alone. `declared_as` is the consumer that it is.
    """

    load: Load
    name: str
    place: str | None
    declared_as: str | None = None


@dataclass(frozen=True, slots=True)
class SeenClient:
    """A client in an access log, and the declared consumer that it is."""

    seen: SeenLoad
    declared_as: str | None = None


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """Who loads models, by what is declared, by source code and by access logs.

    `declared_models` are all that a file declares. `found` and `unknown` are None where no code was
    scanned, `seen` and `not_seen` where no log was read.
    """

    consumers: tuple[DeclaredConsumer, ...]
    declared_models: frozenset[str] = frozenset()
    found: tuple[FoundLoad, ...] | None = None
    unknown: tuple[Load, ...] | None = None
    seen: tuple[SeenClient, ...] | None = None
    not_seen: tuple[DeclaredConsumer, ...] | None = None


def declared_consumers(declarations: Iterable[Declaration]) -> tuple[DeclaredConsumer, ...]:
    """Return every declared consumer, with the version that it loads."""
    return tuple(
        DeclaredConsumer(
            declaration.model,
            consumer,
            declared_version(consumer.loads, declaration),
            declaration.file,
        )
        for declaration in declarations
        for consumer in declaration.consumers
    )


def found_load(load: Load, scanned: Collection[str]) -> FoundLoad:
    """Return a place in source code with the name and place of its program.

    That is the first folder below the scanned path, or where there is none the file.
    """
    file = PurePosixPath(load.file)
    below = [path for path in map(PurePosixPath, scanned) if file.is_relative_to(path)]
    root = max(below, key=lambda path: len(path.parts), default=file.parent)
    inside = file.relative_to(root).parts
    if len(inside) > 1:
        name, place = inside[0], root / inside[0]
    else:
        name, place = file.stem, file
    is_portable = not place.is_absolute() and ".." not in place.parts
    return FoundLoad(load, name[:_LONGEST_NAME], str(place) if is_portable else None)


def with_declared(
    found: Sequence[FoundLoad], consumers: Sequence[DeclaredConsumer]
) -> tuple[FoundLoad, ...]:
    """Return places in source code, each with the consumer that is declared for it."""
    names = _matched(
        found,
        consumers,
        key=lambda place: (place.load.model, place.load.loads),
        is_it=_is_program,
        name_of=lambda place: place.name,
    )
    return tuple(replace(place, declared_as=name) for place, name in zip(found, names, strict=True))


def with_clients(
    seen: Sequence[SeenLoad], consumers: Sequence[DeclaredConsumer]
) -> tuple[SeenClient, ...]:
    """Return the clients of access logs, each with the consumer that is declared for it."""
    names = _matched(
        seen,
        consumers,
        key=lambda load: (load.model, load.loads),
        is_it=lambda load, consumer: consumer.name == load.client,
        name_of=lambda load: load.client,
    )
    return tuple(SeenClient(load, name) for load, name in zip(seen, names, strict=True))


def not_seen(
    seen: Iterable[SeenLoad], consumers: Iterable[DeclaredConsumer]
) -> tuple[DeclaredConsumer, ...]:
    """Return the consumers that load what no client of the logs loaded.

    A log that does not tell which stage was loaded may mean any.
    """
    loaded = {(load.model, load.loads) for load in seen if load.count}

    def is_seen(declared: DeclaredConsumer) -> bool:
        by_stage = {(declared.model, None), (None, None)}
        is_staged = declared.consumer.loads in STAGES
        return declared.key in loaded or (is_staged and not loaded.isdisjoint(by_stage))

    return tuple(declared for declared in consumers if not is_seen(declared))


def to_declare(usage: ModelUsage) -> Mapping[str, tuple[Consumer, ...]]:
    """Return the consumers by model that were found or seen, and are not declared.

    Only models that are declared count, and only what a consumer may load. A client is one of the
    programs that were found where those load the same: source code has the better name.
    """
    new: dict[str, dict[tuple[str, str], Consumer]] = {}

    def add(model: str | None, loads: str | None, consumer: Consumer) -> None:
        if model in usage.declared_models and loads not in (None, "latest"):
            new.setdefault(str(model), {}).setdefault(consumer.key, consumer)

    for place in usage.found or ():
        if place.declared_as is None:
            load = place.load
            program = Consumer(place.name, str(load.loads), code=place.place)
            add(load.model, load.loads, program)
    in_code = {(model, loads) for model, consumers in new.items() for _, loads in consumers}
    for client in usage.seen or ():
        seen = client.seen
        is_new = client.declared_as is None and (seen.model, seen.loads) not in in_code
        if is_new and seen.count:
            program = Consumer(seen.client[:_LONGEST_NAME], str(seen.loads))
            add(seen.model, seen.loads, program)
    return {model: tuple(consumers.values()) for model, consumers in sorted(new.items())}


def _matched(
    sightings: Sequence[_Sighting],
    consumers: Sequence[DeclaredConsumer],
    *,
    key: Callable[[_Sighting], tuple[str | None, str | None]],
    is_it: Callable[[_Sighting, Consumer], bool],
    name_of: Callable[[_Sighting], str],
) -> list[str | None]:
    """Return the name of the consumer that each sighting is, None where none is declared.

    It loads the same of the same model. Of several it is the one with that name or code; a single
    one is taken without, unless another sighting is it by name or code.
    """
    exact: list[str | None] = []
    taken: dict[tuple[str, str, str], set[str]] = {}
    by_model: dict[str | None, list[DeclaredConsumer]] = {}
    for consumer in consumers:
        by_model.setdefault(consumer.model, []).append(consumer)
    keys = map(key, sightings)
    fitting = [_fitting(loads, by_model.get(model, ())) for model, loads in keys]
    for sighting, fits in zip(sightings, fitting, strict=True):
        match = next((c for c in fits if is_it(sighting, c.consumer)), None)
        exact.append(match.consumer.name if match else None)
        if match:
            taken.setdefault((*match.key, match.consumer.name), set()).add(name_of(sighting))
    return [
        name or _only(fits, taken, name_of(sighting))
        for sighting, fits, name in zip(sightings, fitting, exact, strict=True)
    ]


def _only(
    fits: Sequence[DeclaredConsumer], taken: Mapping[tuple[str, str, str], set[str]], name: str
) -> str | None:
    """Return the only consumer that fits, unless it is another one than `name`."""
    if len(fits) != 1:
        return None
    consumer = fits[0].consumer.name
    return consumer if taken.get((*fits[0].key, consumer), set()) <= {name} else None


def _fitting(loads: str | None, consumers: Iterable[DeclaredConsumer]) -> list[DeclaredConsumer]:
    """Return the consumers of a model that load something; None is a stage that is not told."""
    return [
        declared
        for declared in consumers
        if declared.consumer.loads in (STAGES if loads is None else (loads,))
    ]


def _is_program(found: FoundLoad, consumer: Consumer) -> bool:
    """Return whether a place in source code is in the program of a consumer, by name or code."""
    if consumer.name == found.name:
        return True
    code = (consumer.code or "").rstrip("/")
    if not code:
        return False
    if "://" in code:
        repository = code.rpartition("/")[2].removesuffix(".git")
        return repository in PurePosixPath(found.load.file).parts
    return PurePosixPath(found.load.file).is_relative_to(PurePosixPath(code))
