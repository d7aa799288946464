"""How far an environment is behind another one: by which versions, and since when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.audit.overview.model_overview import ModelOverview
from reconciler.core.declaring.semantic_versions import live_semver, parse_semver
from reconciler.core.parse_error import ParseError


@dataclass(frozen=True, slots=True)
class Served:
    """What serves in one environment; `registry` tells where its version numbers mean the same."""

    version: int
    registry: str | None
    semver: str | None = None
    digest: str | None = None
    run_id: str | None = None
    since: datetime | None = None

    def is_same(self, other: "Served") -> bool | None:
        """Return whether both are the same model version; None where nothing tells."""
        if self.registry is not None and self.registry == other.registry:
            return self.version == other.version
        for mine, theirs in (
            (self.digest, other.digest),
            (self.run_id, other.run_id),
            (self.semver, other.semver),
        ):
            if mine is not None and theirs is not None:
                return mine == theirs
        return None


@dataclass(frozen=True, slots=True)
class Lag:
    """An environment serves what another one has left; `versions` is None where none can count."""

    ahead: str
    versions: int | None
    since: datetime | None


def served(model: ModelOverview, registry: str | None) -> Served | None:
    """Return what serves of a model, None where nothing does."""
    holder = model.serving
    if holder is None or holder.version is None:
        return None
    version, live, declared = holder.version, model.live, model.declaration
    entry = declared.versions.get(version) if declared else None
    side = next((side for side in model.sides if side.version == version), None)
    known = live.versions.get(version) if live else None
    run_id = known.identity.run_id if known else entry.run_id if entry else None
    semver = (entry.semver if entry else None) or (side.semver if side else None)
    return Served(
        version,
        registry,
        semver=semver or (live_semver(live.fields, version) if live else None),
        digest=(side.digest if side else None) or (entry.digest if entry else None),
        run_id=run_id or None,
        since=holder.since,
    )


def lags(
    names: Sequence[str], cells: Sequence[Served | None], models: Sequence[ModelOverview | None]
) -> tuple[Lag | None, ...]:
    """Return for each environment how far it is behind the one that is ahead, None where it is not.

    The newest semantic version is ahead where every environment has one, else the highest number
    where all share a registry, else what began to serve last.
    """
    known = [(at, cell) for at, cell in enumerate(cells) if cell is not None]
    if len(known) < 2:  # noqa: PLR2004  with whom?
        return (None,) * len(cells)
    ahead, leader = _ahead([cell for _, cell in known], [at for at, _ in known])
    found: list[Lag | None] = []
    for cell in cells:
        if cell is None or cell.is_same(leader) is not False:
            found.append(None)
            continue
        count = _between(cell, leader, models[ahead])
        found.append(Lag(names[ahead], count, leader.since))
    return tuple(found)


def _ahead(cells: Sequence[Served], places: Sequence[int]) -> tuple[int, Served]:
    ranks = [_semver_rank(cell) for cell in cells]
    if None in ranks:
        if len({cell.registry for cell in cells}) == 1 and cells[0].registry is not None:
            ranks = [(cell.version,) for cell in cells]
        else:
            ranks = [(cell.since.timestamp() if cell.since else 0.0,) for cell in cells]
    best = max(range(len(cells)), key=lambda at: (ranks[at] or (), -at))
    return places[best], cells[best]


def _semver_rank(cell: Served) -> tuple[float, ...] | None:
    if cell.semver is None:
        return None
    try:
        return tuple(float(part) for part in parse_semver(cell.semver))
    except ParseError:
        return None


def _between(behind: Served, leader: Served, model: ModelOverview | None) -> int | None:
    """Return how many versions the one ahead has served, or has, after what is behind."""
    if model is None:
        return None
    if behind.registry is not None and behind.registry == leader.registry:
        if behind.version > leader.version:
            return None
        numbers = model.live.versions if model.live else range(1, leader.version + 1)
        return sum(behind.version < number <= leader.version for number in numbers)
    numbers = model.live.versions if model.live else {}
    same = [n for n, v in numbers.items() if behind.run_id and v.identity.run_id == behind.run_id]
    if not same or same[0] > leader.version:
        return None
    return sum(same[0] < number <= leader.version for number in numbers)
