"""The first page of several environments: model by environment, with what lags behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.audit.overview.model_overview import ModelOverview
from reconciler.core.artifacts.model_files import short
from reconciler.render.page.excerpts import NAME, excerpt
from reconciler.render.page.frame import Environment
from reconciler.render.page.moments import Moment, moment
from reconciler.render.page.paths import INDEX, environment_path, model_path
from reconciler.render.page.views.index_view import is_read
from reconciler.render.page.views.lag import Lag, Served, lags, served
from reconciler.render.page.views.states import CHIPS, StateChip, StateCount, counted, counts

_RUN: Final = 8  # characters of a run's id


@dataclass(frozen=True, slots=True)
class EnvironmentHead:
    """The column of an environment: its site, its registry, its counts, when it was read."""

    name: str
    page: str
    registry: str | None
    read: Moment
    number: int
    counts: tuple[StateCount, ...]


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """One model in one environment; `identity` is its digest or run, shortened."""

    environment: str
    page: str
    chip: StateChip
    version: int | None
    declared: int | None
    semver: str | None
    identity: str | None
    since: Moment | None
    behind: str | None
    behind_since: Moment | None


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One model, with a cell for each environment, None where it does not know the model."""

    name: str
    group: str
    chips: tuple[StateChip, ...]
    cells: tuple[MatrixCell | None, ...]
    is_behind: bool


@dataclass(frozen=True, slots=True)
class MatrixView:
    """The table; `left_out` counts the models not shown, which `behind` and `counts` have, too.

    `counts` are the models that are in a state in any environment.
    """

    heads: tuple[EnvironmentHead, ...]
    rows: tuple[MatrixRow, ...]
    behind: int
    counts: tuple[StateCount, ...]
    left_out: int


def matrix_view(environments: Sequence[Environment], most: int) -> MatrixView:
    """Return the table with at most `most` models: those that lag first, where not all fit."""
    models = [{model.model: model for model in one.overview.models} for one in environments]
    names = sorted({name for known in models for name in known})
    rows = [_row(name, environments, [known.get(name) for known in models]) for name in names]
    shown = rows if len(rows) <= most else sorted(rows, key=lambda row: not row.is_behind)[:most]
    return MatrixView(
        heads=tuple(map(_head, environments)),
        rows=tuple(shown),
        behind=sum(row.is_behind for row in rows),
        counts=counts(chip.word for row in rows for chip in row.chips),
        left_out=len(rows) - len(shown),
    )


def _head(environment: Environment) -> EnvironmentHead:
    overview = environment.overview
    return EnvironmentHead(
        name=excerpt(environment.name, NAME),
        page=f"{environment_path(environment.name)}{INDEX}",
        registry=excerpt(overview.registry.key, NAME) if overview.registry else None,
        read=moment(overview.now, overview.now),
        number=len(overview.models),
        counts=counted(overview.counts),
    )


def _row(
    name: str, environments: Sequence[Environment], models: Sequence[ModelOverview | None]
) -> MatrixRow:
    registries = [e.overview.registry.key if e.overview.registry else None for e in environments]
    served_by = [
        None if model is None else served(model, key)
        for model, key in zip(models, registries, strict=True)
    ]
    behind = lags([one.name for one in environments], served_by, models)
    cells = tuple(
        None if model is None else _cell(environment, model, cell, lag)
        for environment, model, cell, lag in zip(
            environments, models, served_by, behind, strict=True
        )
    )
    chips = dict.fromkeys(cell.chip for cell in cells if cell is not None)
    group = next((model.group for model in models if model is not None), "")
    return MatrixRow(excerpt(name, NAME), group, tuple(chips), cells, any(behind))


def _cell(
    environment: Environment, model: ModelOverview, cell: Served | None, lag: Lag | None
) -> MatrixCell:
    now = environment.overview.now
    return MatrixCell(
        environment=excerpt(environment.name, NAME),
        page=f"{environment_path(environment.name)}{model_path(model.model)}",
        chip=CHIPS[model.state],
        version=cell.version if cell else None,
        declared=model.serving.declared if model.serving and not is_read(model) else None,
        semver=cell.semver if cell else None,
        identity=_identity(cell) if cell else None,
        since=moment(cell.since, now) if cell and cell.since else None,
        behind=None if lag is None else _behind(lag),
        behind_since=moment(lag.since, now) if lag and lag.since else None,
    )


def _identity(cell: Served) -> str | None:
    if cell.digest:
        return short(cell.digest).removeprefix("sha256:")
    return f"run {cell.run_id[:_RUN]}" if cell.run_id else None


def _behind(lag: Lag) -> str:
    ahead = excerpt(lag.ahead, NAME)
    if not lag.versions:
        return f"not what {ahead} serves"
    return f"{lag.versions:,} version{'' if lag.versions == 1 else 's'} behind {ahead}"
