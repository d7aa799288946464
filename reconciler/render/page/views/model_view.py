"""The page of one model: its state, its names over time, its candidate, its history, its file."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from reconciler.audit.overview.model_overview import Holder, ModelOverview, Overview
from reconciler.core.state import Field
from reconciler.render.page.excerpts import NAME, REASON, Excerpt, excerpt, optional
from reconciler.render.page.limits import Limits
from reconciler.render.page.metric_plot_svg import metric_plot
from reconciler.render.page.moments import Moment, moment
from reconciler.render.page.views.change_rows import ChangeRow, change_row
from reconciler.render.page.views.comparison_view import (
    ComparisonView,
    SideView,
    ViolationView,
    comparison_view,
    side_view,
    violation_views,
)
from reconciler.render.page.views.declared_view import (
    ConsumerRow,
    InventoryView,
    consumer_rows,
    declared_file,
    inventory_view,
)
from reconciler.render.page.views.index_view import IndexRow, model_row
from reconciler.render.page.views.served_metric import served_metric
from reconciler.render.page.views.timeline_view import TimelineView, timeline_view


@dataclass(frozen=True, slots=True)
class HolderRow:
    """The version that has one name, since when, and the merged change that put it there."""

    name: str
    serves: bool
    version: int | None
    declared: int | None
    since: Moment | None
    is_applied: bool
    change: ChangeRow | None


@dataclass(frozen=True, slots=True)
class ModelView:
    """The whole page; each `…_left_out` counts what is not shown of a list."""

    row: IndexRow
    file: str | None
    description: str | None
    why: tuple[str, ...]
    why_left_out: int
    serving: ChangeRow | None
    timeline: TimelineView | None
    plot: Markup | None
    holders: tuple[HolderRow, ...]
    holders_left_out: int
    comparison: ComparisonView | None
    violations: tuple[ViolationView, ...]
    sides: tuple[SideView, ...]
    sides_left_out: int
    history: tuple[ChangeRow, ...]
    history_left_out: int
    text: Excerpt | None
    consumers: tuple[ConsumerRow, ...]
    consumers_left_out: int
    inventory: InventoryView | None
    tags: tuple[tuple[str, str], ...]
    tags_left_out: int
    unread: tuple[str, ...]
    is_declared: bool


def model_view(model: ModelOverview, overview: Overview, limits: Limits) -> ModelView:
    """Return what the page of a model shows."""
    now, newest = overview.now, model.history[::-1]
    holder = model.serving
    entry = holder.entry if holder else None
    tags, declared = tuple(_tags(model)), model.declaration
    return ModelView(
        row=model_row(model, overview),
        file=optional(model.file, NAME),
        description=_description(model),
        why=tuple(excerpt(sentence, REASON) for sentence in model.why[: limits.reasons]),
        why_left_out=max(0, len(model.why) - limits.reasons),
        serving=change_row(entry, now, overview.links) if entry else None,
        timeline=timeline_view(model, overview, limits),
        plot=_plot(model, overview),
        holders=tuple(_holder(one, overview) for one in model.holders[: limits.rows]),
        holders_left_out=max(0, len(model.holders) - limits.rows),
        comparison=comparison_view(model.comparison, limits) if model.comparison else None,
        violations=violation_views(model.violations, limits),
        sides=tuple(side_view(side) for side in model.sides[: limits.rows]),
        sides_left_out=max(0, len(model.sides) - limits.rows),
        history=tuple(change_row(one, now, overview.links) for one in newest[: limits.history]),
        history_left_out=max(0, len(newest) - limits.history),
        text=declared_file(model, limits),
        consumers=tuple(consumer_rows(model, limits)),
        consumers_left_out=max(0, len(declared.consumers) - limits.rows) if declared else 0,
        inventory=inventory_view(model, now.date()),
        tags=tags[: limits.rows],
        tags_left_out=max(0, len(tags) - limits.rows),
        unread=tuple(excerpt(sentence, REASON) for sentence in model.unread[: limits.reasons]),
        is_declared=declared is not None,
    )


def _plot(model: ModelOverview, overview: Overview) -> Markup | None:
    """Return the course of a metric of what served, None where there is none."""
    serving = model.lanes[0] if model.lanes else None
    found = served_metric(serving, model.sides) if serving else None
    return metric_plot(*found, now=overview.now) if found else None


def _holder(holder: Holder, overview: Overview) -> HolderRow:
    entry = holder.entry
    return HolderRow(
        name=excerpt(holder.name, NAME),
        serves=holder.serves,
        version=holder.version,
        declared=holder.declared,
        since=moment(holder.since, overview.now) if holder.since else None,
        is_applied=holder.is_applied,
        change=change_row(entry, overview.now, overview.links) if entry else None,
    )


def _description(model: ModelOverview) -> str | None:
    """Return the live description, the declared one where the registry was not read."""
    source = model.live or model.declaration
    text = source.fields.get(Field("description")) if source else None
    return str(text) if text else None


def _tags(model: ModelOverview) -> Iterator[tuple[str, str]]:
    """Yield the tags of the model itself, as they are live, else as they are declared."""
    source = model.live or model.declaration
    for address, value in sorted(source.fields.items(), key=_key) if source else ():
        if address.name == "tag" and address.version is None:
            yield excerpt(address.key or "", NAME), excerpt(str(value), NAME)


def _key(item: tuple[Field, object]) -> tuple[int, int, str]:
    return item[0].sort_key
