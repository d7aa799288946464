"""Reads the registry with few requests; reports a model as missing only after a direct read."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, TypeAlias

from reconciler.core.facts import Facts
from reconciler.core.state import Live
from reconciler.errors import Problem, RegistryError, Rejected
from reconciler.ports.parallel import each
from reconciler.ports.registry import Registry

Listing: TypeAlias = Callable[[], Mapping[str, Live]]

READERS: Final = 8  # threads
_MAX_BY_NAME = 40  # up to here reading models by name is faster than listing the registry


def read_live(
    registry: Registry,
    needed: Mapping[str, Collection[int]],
    *,
    everything: bool,
    parallelism: int = READERS,
    listing: Listing | None = None,
) -> tuple[dict[str, Live], dict[str, Problem]]:
    """Return the live models by name, and a problem for each needed model that cannot be read.

    `needed` maps model names to the versions to confirm; with `everything` the other models are
    returned too. A needed model in neither result does not exist. `listing` waits for the models,
    where their listing was begun before.
    """
    lists_all = everything or len(needed) > _MAX_BY_NAME
    if lists_all and listing is not None:
        models = dict(listing())
    else:
        models = dict(registry.read(None if lists_all else tuple(needed)))
    unconfirmed = [
        model
        for model, versions in needed.items()
        if model not in models or not set(versions) <= set(models[model].versions)
    ]
    problems: dict[str, Problem] = {}

    def confirm(model: str) -> None:
        try:
            live = registry.confirm(model, needed[model])
        except Rejected as error:
            message = f"model `{model}` cannot be read: {error.message}"
            problems[model] = Problem(message, error.code, model=model, hint=error.hint)
            models.pop(model, None)  # what a listing showed of it is not all
            return
        if live is None:
            models.pop(model, None)
        else:
            models[model] = live

    each(confirm, unconfirmed, threads=parallelism)
    return dict(sorted(models.items())), problems


def read_one(registry: Registry, model: str, versions: Collection[int]) -> Live:
    """Return one model with these versions; raises `RegistryError` when it does not exist."""
    live = registry.get(model, versions)
    if live is None:
        raise RegistryError(f"model `{model}` is no longer in the registry")
    return live


def read_facts(
    registry: Registry, versions: Sequence[tuple[Live, int]], *, parallelism: int = READERS
) -> Mapping[str, Mapping[int, Facts]]:
    """Return the facts of these versions from the tracking server, by model and version."""
    facts: dict[str, dict[int, Facts]] = {live.model: {} for live, _ in versions}

    def read(item: tuple[Live, int]) -> None:
        live, version = item
        identity = live.versions[version].identity
        facts[live.model][version] = registry.facts(live.model, version, identity)

    each(read, versions, threads=parallelism)
    return facts
