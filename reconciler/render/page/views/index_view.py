"""The first page of an environment: its models by group, counts that filter, the last changes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from reconciler.audit.overview.model_overview import ModelOverview, Overview
from reconciler.render.page import links
from reconciler.render.page.excerpts import NAME, excerpt
from reconciler.render.page.links import Link
from reconciler.render.page.moments import Moment, moment
from reconciler.render.page.paths import group_path, model_path
from reconciler.render.page.views.change_rows import Approver, ChangeRow, approvers, change_row
from reconciler.render.page.views.lag import served
from reconciler.render.page.views.states import CHIPS, StateChip, StateCount, counted, counts

ON_A_PAGE: Final = 1_000  # models
_RECENT: Final = 50  # changes
_URGENT: Final = 100  # models of a large fleet that the first page shows
_REASON: Final = 160  # characters
_NAMES: Final = 3  # of a version, in a row
_NAME: Final = 40  # characters
_CALM: Final = ("in sync", "unmanaged", "not read")


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One model: what serves, since when, by which change, approved by whom, and its state.

    `declared` is what git declares to serve, where that is not what serves; all that is known of a
    model that was not read. `has_history` is whether git was asked who put it there.
    """

    name: str
    page: str
    group: str
    chip: StateChip
    reason: str | None
    more: int
    version: int | None
    semver: str | None
    names: tuple[str, ...]
    declared: int | None
    is_read: bool
    since: Moment | None
    is_applied: bool
    commit: Link | None
    pull_request: Link | None
    has_history: bool
    approvers: tuple[Approver, ...]


@dataclass(frozen=True, slots=True)
class GroupRows:
    """The models of one sub-folder; `page` has them where they are not on this one."""

    name: str
    page: str
    number: int
    counts: tuple[StateCount, ...]
    rows: tuple[IndexRow, ...] = ()


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A model by name alone: a list of ten thousand of them can still be searched."""

    name: str
    page: str
    chip: StateChip


@dataclass(frozen=True, slots=True)
class IndexView:
    """The page: `groups` have rows, or where there are too many models, pages of their own.

    `urgent` and `names` are for the second case; `left_out` counts the urgent ones not shown.
    """

    number: int
    counts: tuple[StateCount, ...]
    groups: tuple[GroupRows, ...]
    recent: tuple[ChangeRow, ...]
    has_history: bool = True
    is_grouped: bool = False
    urgent: tuple[IndexRow, ...] = ()
    left_out: int = 0
    names: tuple[NamedModel, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupView:
    """One page of a large group."""

    group: GroupRows
    path: str
    page: int
    pages: tuple[Link, ...]


def index_view(overview: Overview, *, is_grouped: bool) -> IndexView:
    """Return the first page; `is_grouped` leaves the rows to the pages of the groups."""
    totals = counted(overview.counts)
    number, recent = len(overview.models), tuple(recent_changes(overview))
    has_history = overview.line is not None
    groups = [(name, list(models)) for name, models in _grouped(overview.models)]
    if not is_grouped:
        rows = tuple(_group(name, models, overview, rows=True) for name, models in groups)
        return IndexView(number, totals, rows, recent, has_history)
    alarms = [model for model in _by_urgency(overview.models) if model.state not in _CALM]
    return IndexView(
        number,
        totals,
        tuple(_group(name, models, overview, rows=False) for name, models in groups),
        recent,
        has_history,
        is_grouped=True,
        urgent=tuple(model_row(model, overview) for model in alarms[:_URGENT]),
        left_out=max(0, len(alarms) - _URGENT),
        names=tuple(
            NamedModel(excerpt(m.model, NAME), model_path(m.model), CHIPS[m.state])
            for m in sorted(overview.models, key=lambda model: model.model)
        ),
    )


def group_views(overview: Overview) -> Iterator[GroupView]:
    """Yield the pages of the groups, with at most `ON_A_PAGE` models each."""
    for name, grouped in _grouped(overview.models):
        models = list(grouped)
        parts = [models[at : at + ON_A_PAGE] for at in range(0, len(models), ON_A_PAGE)]
        paths = [group_path(name, page) for page in range(1, len(parts) + 1)]
        pages = tuple(
            Link(str(page), path.partition("/")[2]) for page, path in enumerate(paths, start=1)
        )
        for page, (part, path) in enumerate(zip(parts, paths, strict=True), start=1):
            group = _group(name, part, overview, rows=True)
            yield GroupView(group, path, page, pages if len(pages) > 1 else ())


def recent_changes(overview: Overview) -> Iterator[ChangeRow]:
    """Yield the last changes of any model, the newest first."""
    entries = [entry for model in overview.models for entry in model.history[-_RECENT:]]
    entries.sort(key=lambda entry: (-entry.time.timestamp(), entry.step.model))
    shown = {model.model for model in overview.models}
    for entry in entries[:_RECENT]:
        if entry.step.model in shown:
            yield change_row(entry, overview.now, overview.links, 2)


def model_row(model: ModelOverview, overview: Overview) -> IndexRow:
    """Return a model as a row of a table."""
    holder = model.serving
    entry = holder.entry if holder else None
    version = holder.version if holder else None
    cell = served(model, None)
    number = entry.pull_request if entry else None
    return IndexRow(
        name=excerpt(model.model, NAME),
        page=model_path(model.model),
        group=model.group,
        chip=CHIPS[model.state],
        reason=excerpt(model.why[0], _REASON) if model.why else None,
        more=max(0, len(model.why) - 1),
        version=version,
        semver=cell.semver if cell else None,
        names=tuple(_names(model)),
        declared=holder.declared if holder and holder.declared != version else None,
        is_read=is_read(model),
        since=moment(holder.since, overview.now) if holder and holder.since else None,
        is_applied=holder.is_applied if holder else False,
        commit=links.commit(overview.links, entry.step.commit.id) if entry else None,
        pull_request=None if number is None else links.pull_request(overview.links, number),
        has_history=overview.line is not None,
        approvers=approvers(entry.approvals) if entry else (),
    )


def is_read(model: ModelOverview) -> bool:
    """Return whether the live state of a model is known."""
    return model.state != "not read"


def _names(model: ModelOverview) -> Iterator[str]:
    """Yield the names that the serving version has, at most three; else those declared for it."""
    serving = model.serving
    if serving is None:
        return
    live, of_git = serving.version, serving.declared
    held = [
        holder.name
        for holder in model.holders
        if (holder.version == live if live is not None else holder.declared == of_git)
    ]
    known = live is not None or (of_git is not None and not is_read(model))
    yield from (excerpt(name, _NAME) for name in held[:_NAMES] if known)


def _grouped(models: Sequence[ModelOverview]) -> Iterable[tuple[str, Iterable[ModelOverview]]]:
    """Yield the models by sub-folder, those outside of any last."""
    ordered = sorted(models, key=lambda model: (not model.group, model.group, model.model))
    return groupby(ordered, key=lambda model: model.group)


def _group(
    name: str, models: Sequence[ModelOverview], overview: Overview, *, rows: bool
) -> GroupRows:
    return GroupRows(
        excerpt(name, NAME),
        group_path(name),
        len(models),
        counts(model.state for model in models),
        tuple(model_row(model, overview) for model in models) if rows else (),
    )


def _by_urgency(models: Sequence[ModelOverview]) -> list[ModelOverview]:
    order: Mapping[str, int] = {state: at for at, state in enumerate(CHIPS)}
    return sorted(models, key=lambda model: (order[model.state], model.group, model.model))
