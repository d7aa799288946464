"""Which version a name means: `fraud`, `fraud/4`, `fraud/Production`, `fraud@champion`."""

from collections.abc import Iterable
from typing import Final

from reconciler.api.workspace import Workspace
from reconciler.core.comparison import named_number, named_versions, versions_by_stage
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.matching import nearest
from reconciler.core.state import Live, Serving
from reconciler.errors import RegistryError, UsageError
from reconciler.planning.live_state import read_live

_SCHEME: Final = "models:/"


def readings(name: str) -> list[tuple[str, str | None]]:
    """Return the ways to read a name, each a model and what names the version, None for neither.

    A model's own name may have an `@` in it, and on old servers a `/`. `models:/` may stand before
    it, as MLflow writes it.
    """
    name = name.removeprefix(_SCHEME)
    model, slash, selector = name.rpartition("/")
    if slash and model:
        return [(model, selector), (name, None)]
    model, at, alias = name.rpartition("@")
    return [(name, None), *([(model, f"@{alias}")] if at and model else [])]


def find_named(workspace: Workspace, name: str) -> tuple[Live, str | None]:
    """Return the model that a name means, and what names the version; raises as `find_model`."""
    ways = readings(name)
    candidates = [(model, () if selector is None else (selector,)) for model, selector in ways]
    live = find_model(workspace, candidates)
    return live, dict(ways)[live.model]


def find_model(workspace: Workspace, candidates: Iterable[tuple[str, Iterable[str]]]) -> Live:
    """Return the first of the models that exists; each comes with the names of its versions.

    Raises `UsageError` when none does, `RegistryError` for one whose versions cannot be listed.
    """
    registry = workspace.registry
    tried: list[str] = []
    for model, names in candidates:
        numbers = [number for name in names if (number := named_number(name)) is not None]
        found, problems = read_live(registry, {model: numbers}, everything=False, parallelism=1)
        if model in found:
            return _readable(found[model], numbers)
        # The server refuses a name that no model can have; such a name simply names nothing.
        may_exist = model and not set("/:") & set(model)
        if model in problems and may_exist and not tried:
            raise RegistryError(problems[model].message, hint=problems[model].hint)
        tried.append(model)
    known = registry.read()
    hint = next((near for name in tried if (near := nearest(name, known))), None)
    raise UsageError(f"there is no model `{'` or `'.join(tried)}` in the registry", hint=hint)


def find_version(workspace: Workspace, name: str, *, verb: str) -> tuple[Live, int]:
    """Return the model and the version that a name means; that of a model alone is what serves.

    Raises `UsageError` for a name that means nothing, and where nothing serves.
    """
    live, selector = find_named(workspace, name)
    return live, version_of(workspace, live, selector, verb=verb)


def version_of(workspace: Workspace, live: Live, selector: str | None, *, verb: str) -> int:
    """Return the version of a model that a selector names, without one what serves.

    Raises as `find_version`.
    """
    if selector is not None:
        return chosen_version(workspace, live, selector, verb=verb)
    version = serving_version(live, workspace.desired)
    if version is None:
        raise nothing_serves(live, str(serving_of(live, workspace.desired)))
    return version


def nothing_serves(live: Live, serving: str) -> UsageError:
    """Return the error for the name of a model alone, of which no version serves."""
    newest = max(live.versions, default=None)
    instead = "" if newest is None else f"; name one: `{live.model}/{newest}`"
    message = f"no version of `{live.model}` serves ({serving})"
    return UsageError(message, hint=f"{versions_by_stage(live)}{instead}")


def chosen_version(workspace: Workspace, live: Live, name: str, *, verb: str = "shown") -> int:
    """Return the version that a name means; of several in a stage the highest, with a warning."""
    version, *rest = named_versions(live, name)
    if rest:
        others = ", ".join(f"v{other}" for other in rest)
        workspace.warn(f"{name} holds more than one version: v{version} is {verb}, not {others}")
    return version


def serving_of(live: Live, desired: DeclaredState) -> Serving:
    """Return what serving means for a live model."""
    return desired.settings.serving.of(live.model, desired.declarations.get(live.model))


def serving_version(live: Live, desired: DeclaredState) -> int | None:
    """Return the version that serves, the highest of several; None where nothing does."""
    serving = serving_of(live, desired)
    return max(serving.versions(live.fields) & set(live.versions), default=None)


def _readable(live: Live, numbers: list[int]) -> Live:
    if live.is_prompt:
        raise UsageError(f"`{live.model}` is a prompt, not a model")
    is_listed = numbers and all(number in live.versions for number in numbers)
    if live.unreadable is not None and not is_listed:
        raise RegistryError(f"the versions of `{live.model}` are not known: {live.unreadable}")
    return live
