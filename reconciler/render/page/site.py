"""Makes the site of one environment, or of several: every file of it, as bytes."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from reconciler.audit.overview.model_overview import ModelOverview, Overview
from reconciler.render.page.frame import Environment, frame, overall_frame
from reconciler.render.page.limits import LARGEST_INDEX, LARGEST_PAGE, Limits
from reconciler.render.page.links import Link
from reconciler.render.page.paths import ABOUT, INDEX, environment_path, group_path, model_path
from reconciler.render.page.templating import render
from reconciler.render.page.views.about_view import about_view
from reconciler.render.page.views.index_view import ON_A_PAGE, group_views, index_view
from reconciler.render.page.views.matrix_view import matrix_view
from reconciler.render.page.views.model_view import model_view

_GENERATOR: Final = "mlflow-reconciler"
_HALVINGS: Final = 6


def site(overviews: Sequence[Overview], *, generator: str = _GENERATOR) -> Mapping[str, bytes]:
    """Return the files of the site by path: the same overviews make the same bytes.

    One environment has its models at the root. Several have the matrix there, and each its own site
    of the same form in a folder of its own. `generator` is the program's name and version.
    """
    if len(overviews) == 1:
        return dict(_own(Environment(overviews[0].state, overviews[0], generator)))
    environments = [
        Environment(name, overview, generator, "../../" + INDEX)
        for name, overview in zip(names(overviews), overviews, strict=True)
    ]
    files = dict(_overall(environments))
    for environment in environments:
        folder = environment_path(environment.name)
        files |= {folder + path: page for path, page in _own(environment)}
    return files


def names(overviews: Sequence[Overview]) -> tuple[str, ...]:
    """Return a name for each environment: its state folder, and the registry where that is not all.

    Two that are alike in both are counted.
    """
    folders = Counter(overview.state for overview in overviews)
    seen: Counter[str] = Counter()
    found = []
    for overview in overviews:
        name = overview.state
        if folders[name] > 1 and overview.registry is not None:
            name = f"{name} ({overview.registry.key})"
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return tuple(found)


def _overall(environments: Sequence[Environment]) -> Iterator[tuple[str, bytes]]:
    head = overall_frame(environments, "models", "Environments")
    view = matrix_view(environments, ON_A_PAGE)
    yield INDEX, render("matrix.html.j2", {"frame": head, "view": view})
    head = overall_frame(environments, "about", "About")
    yield ABOUT, render("about.html.j2", {"frame": head, "view": about_view(environments)})


def _own(environment: Environment) -> Iterator[tuple[str, bytes]]:
    overview = environment.overview
    index = _index(environment, is_grouped=len(overview.models) > ON_A_PAGE)
    if len(index) > LARGEST_INDEX and len(overview.models) <= ON_A_PAGE:
        index = _index(environment, is_grouped=True)
        yield from _groups(environment)
    elif len(overview.models) > ON_A_PAGE:
        yield from _groups(environment)
    yield INDEX, index
    for model in overview.models:
        yield model_path(model.model), _model(environment, model)
    values = {"frame": frame(environment, "about", "About"), "view": about_view([environment])}
    yield ABOUT, render("about.html.j2", values)


def _index(environment: Environment, *, is_grouped: bool) -> bytes:
    view = index_view(environment.overview, is_grouped=is_grouped)
    values = {"frame": frame(environment, "models", "Models"), "view": view}
    return render("index.html.j2", values)


def _groups(environment: Environment) -> Iterator[tuple[str, bytes]]:
    for view in group_views(environment.overview):
        title = view.group.name or "Models outside of folders"
        head = frame(environment, "models", title, depth=1, trail=[Link("Models", f"../{INDEX}")])
        yield view.path, render("group.html.j2", {"frame": head, "view": view})


def _model(environment: Environment, model: ModelOverview) -> bytes:
    """Return the page of a model; its lists are halved until the page is small enough."""
    overview, limits = environment.overview, Limits()
    trail = [Link("Models", f"../{INDEX}")]
    if model.group and len(overview.models) > ON_A_PAGE:
        trail.append(Link(model.group, f"../{group_path(model.group)}"))
    elif model.group:
        trail.append(Link(model.group))
    head = frame(environment, "models", model.model, depth=1, trail=trail)
    page = b""
    for _ in range(_HALVINGS):
        view = model_view(model, overview, limits)
        page = render("model.html.j2", {"frame": head, "view": view})
        if len(page) <= LARGEST_PAGE:
            break
        limits = limits.halved()
    return page
