"""What stands on every page: where one is, when it was read, and what it could not know."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.audit.overview.model_overview import Overview
from reconciler.render.page import links
from reconciler.render.page.excerpts import NAME, excerpt
from reconciler.render.page.links import Link
from reconciler.render.page.moments import Moment, moment
from reconciler.render.page.paths import ABOUT, INDEX

_OFFLINE: Final = "Made without the registry"


@dataclass(frozen=True, slots=True)
class Frame:
    """The head and the foot of a page; addresses are relative to it.

    `first` is what the navigation calls the first page, `index`. `home` is the matrix of the
    environments, None where there is but one. `live` names what was read beside git. `trail` leads
    from the first page to this one.
    """

    title: str
    site: str
    first: str
    index: str
    about: str
    home: str | None
    place: str
    registry: str | None
    live: str | None
    commit: Link | None
    read: Moment
    banner: str | None
    unread: int
    generator: str
    trail: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment with its name among the others, and where its site and the matrix are.

    `home` leads from the root of its site to the matrix, None where there is no other environment.
    """

    name: str
    overview: Overview
    generator: str
    home: str | None = None


def frame(
    environment: Environment, place: str, title: str, depth: int = 0, trail: Sequence[Link] = ()
) -> Frame:
    """Return the frame of a page that lies `depth` folders below the root of its site.

    `place` is which entry of the navigation it is under.
    """
    overview, root = environment.overview, "../" * depth
    commit = links.commit(overview.links, overview.commit) if overview.commit else None
    registry = excerpt(overview.registry.key, NAME) if overview.registry else None
    return Frame(
        title=excerpt(title, NAME),
        site=excerpt(environment.name, NAME),
        first="Models",
        index=f"{root}{INDEX}",
        about=f"{root}{ABOUT}",
        home=None if environment.home is None else f"{root}{environment.home}",
        place=place,
        registry=registry,
        live=registry,
        commit=commit,
        read=moment(overview.now, overview.now),
        banner=banner(overview),
        unread=len(overview.unread),
        generator=environment.generator,
        trail=tuple(trail),
    )


def overall_frame(environments: Sequence[Environment], place: str, title: str) -> Frame:
    """Return the frame of a page about all environments."""
    unread = [one.name for one in environments if one.overview.is_offline]
    latest = max(one.overview.now for one in environments)
    return Frame(
        title=title,
        site="All environments",
        first="Environments",
        index=INDEX,
        about=ABOUT,
        home=None,
        place=place,
        registry=None,
        live=_registries(environments),
        commit=None,
        read=moment(latest, latest),
        banner=f"{_OFFLINE}: no live state of {', '.join(unread)}" if unread else None,
        unread=sum(len(one.overview.unread) for one in environments),
        generator=environments[0].generator,
    )


def _registries(environments: Sequence[Environment]) -> str | None:
    """Return how many registries were read, None where none was."""
    read = {one.overview.registry.key for one in environments if one.overview.registry}
    if not read:
        return None
    return f"{len(read)} registries" if len(read) > 1 else excerpt(read.pop(), NAME)


def banner(overview: Overview) -> str | None:
    """Return the sentence of a page that was made without the registry, None with it."""
    if not overview.is_offline:
        return None
    source = "from git and the apply records alone" if overview.has_records else "from git alone"
    return f"{_OFFLINE}: this page is made {source}, and shows no live state"
