"""Reads the registry: as few requests as the question allows, and nothing called missing unseen."""

from collections.abc import Collection, Mapping, Sequence

from reconciler.core.facts import Facts
from reconciler.core.state import Live
from reconciler.errors import Problem, RegistryError, Rejected
from reconciler.ports.parallel import each
from reconciler.ports.registry import Registry

_ONE_BY_ONE = 40  # up to here asking for models by name beats listing the whole registry


def read_live(
    registry: Registry,
    needed: Mapping[str, Collection[int]],
    *,
    everything: bool,
    parallelism: int,
) -> tuple[dict[str, Live], dict[str, Problem]]:
    """Return the live models by name, and a problem for each needed one that cannot be read.

    `needed` maps the models of the question to the versions that must be there; `everything` asks
    for the other models too. A needed model in neither result does not exist.
    """
    listing = everything or len(needed) > _ONE_BY_ONE
    found = dict(registry.read(None if listing else tuple(needed)))
    doubtful = [
        model
        for model, versions in needed.items()
        if model not in found or not set(versions) <= set(found[model].versions)
    ]
    problems: dict[str, Problem] = {}

    def confirm(model: str) -> None:
        try:
            live = registry.confirm(model, needed[model])
        except Rejected as error:
            message = f"model `{model}` cannot be read: {error.message}"
            problems[model] = Problem(message, error.code, model=model, hint=error.hint)
            return
        if live is None:
            found.pop(model, None)
        else:
            found[model] = live

    each(confirm, doubtful, threads=parallelism)
    return dict(sorted(found.items())), problems


def read_model(registry: Registry, model: str, versions: Collection[int]) -> Live | None:
    """Return one model as `read_live` finds it, None when it does not exist."""
    found, problems = read_live(registry, {model: versions}, everything=False, parallelism=1)
    if model in problems:
        raise RegistryError(problems[model].message)
    return found.get(model)


def read_one(registry: Registry, model: str, versions: Collection[int]) -> Live:
    """Return one model by direct reads; raises `RegistryError` when it does not exist."""
    live = registry.confirm(model, versions)
    if live is None:
        raise RegistryError(f"model `{model}` is not in the registry any more")
    return live


def read_facts(
    registry: Registry, asked: Sequence[tuple[Live, int]], *, parallelism: int
) -> Mapping[str, Mapping[int, Facts]]:
    """Return what the tracking server tells of these versions, by model and number."""
    found: dict[str, dict[int, Facts]] = {live.model: {} for live, _ in asked}

    def read(one: tuple[Live, int]) -> None:
        live, version = one
        identity = live.versions[version].identity
        found[live.model][version] = registry.facts(live.model, version, identity)

    each(read, asked, threads=parallelism)
    return found
