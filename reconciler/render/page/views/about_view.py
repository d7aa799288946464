"""How a page was made, and what it does not know."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.render.page import links
from reconciler.render.page.excerpts import NAME, REASON, excerpt, optional
from reconciler.render.page.frame import Environment, banner
from reconciler.render.page.links import Link
from reconciler.render.page.moments import Moment, moment
from reconciler.render.page.paths import ABOUT, environment_path
from reconciler.render.page.views.states import StateCount, counted

_MOST: Final = 500  # sentences about what could not be read


@dataclass(frozen=True, slots=True)
class EnvironmentSource:
    """One environment: where each thing on its pages comes from."""

    name: str
    page: str
    state: str
    commit: Link | None
    line: str | None
    registry: str | None
    banner: str | None
    read: Moment
    notes: Link | None
    has_records: bool
    number: int
    counts: tuple[StateCount, ...]
    unread: tuple[str, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class AboutView:
    """The page about one environment, or about all of them."""

    sources: tuple[EnvironmentSource, ...]
    generator: str


def about_view(environments: Sequence[Environment]) -> AboutView:
    """Return what is known about the making of a site."""
    return AboutView(tuple(map(_source, environments)), environments[0].generator)


def _source(environment: Environment) -> EnvironmentSource:
    overview = environment.overview
    sentences = list(_unread(environment))
    return EnvironmentSource(
        name=excerpt(environment.name, NAME),
        page=f"{environment_path(environment.name)}{ABOUT}",
        state=excerpt(overview.state, NAME),
        commit=links.commit(overview.links, overview.commit) if overview.commit else None,
        line=optional(overview.line, NAME),
        registry=excerpt(overview.registry.key, REASON) if overview.registry else None,
        banner=banner(overview),
        read=moment(overview.now, overview.now),
        notes=links.commit(overview.links, overview.notes) if overview.notes else None,
        has_records=overview.has_records,
        number=len(overview.models),
        counts=counted(overview.counts),
        unread=tuple(sentences[:_MOST]),
        left_out=max(0, len(sentences) - _MOST),
    )


def _unread(environment: Environment) -> Iterator[str]:
    """Yield what could not be read: of the whole, then of each model."""
    overview = environment.overview
    yield from (excerpt(sentence, REASON) for sentence in overview.unread)
    for model in overview.models:
        yield from (f"{excerpt(model.model, NAME)}: {excerpt(one, REASON)}" for one in model.unread)
        for side in model.sides:
            for part in side.facts.unread.values():
                yield f"{excerpt(model.model, NAME)}: {excerpt(part.why, REASON)}"
