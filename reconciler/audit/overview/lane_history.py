"""Computes the lanes of a model from its merged changes, the apply records and the registry."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from reconciler.audit.evidence import Entry
from reconciler.audit.overview.lane_by_hand import HandWatch
from reconciler.audit.overview.lane_walk import LaneReading, LaneWalk, fates
from reconciler.audit.overview.lanes import SPAN_KINDS, Lane, LaneSpan
from reconciler.audit.overview.recorded_applies import NameApplies, RecordedApplies
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, Live, Serving, aliases


def lanes(
    history: Sequence[Entry],
    *,
    settings: Settings,
    applies: RecordedApplies,
    live: Live | None,
    now: datetime,
    place: Mapping[str, int],
) -> tuple[Lane, ...]:
    """Return the lanes of a model: what serves, the exclusive stages, each alias ever declared.

    `settings` are those of now. `live` is without what they ignore; it is None where the registry
    was not read, and where it does not have the model. `place` maps each commit to its place on the
    main line: by it the commit that the registry records tells what was not applied. Names that
    never had a version are left out; aliases that git does not declare now come last.
    """
    made = applies.of(history)
    became = fates(history, made, _ahead(live, place))
    reading = _reading(live, now)
    found = []
    for name in _names(history, settings, live):
        named = NameApplies(name, made)
        walk = LaneWalk(name, named)
        for entry, fate in zip(history, became, strict=True):
            walk.step(entry, fate, exclusive=entry.step.by(settings).exclusive)
        declared = walk.finish(reading)
        is_single = name.alias is not None or name.stage in settings.exclusive
        by_hand = HandWatch(name, named, declared, is_single=is_single).spans(reading)
        found.append(Lane(str(name), tuple(sorted((*declared, *by_hand), key=_place))))
    return tuple(lane for lane in found if lane.spans)


def _ahead(live: Live | None, place: Mapping[str, int]) -> Callable[[Entry], bool | None]:
    """Return what tells whether a change is later than every commit that the registry records."""
    recorded = live.recorded if live is not None else ()
    places = [place[commit] for commit in recorded if commit in place]
    if live is None or not place or len(places) < len([c for c in recorded if c != "-"]):
        return lambda _: None  # not read, or a commit that this line does not have
    last = max(places, default=-1)

    def ahead(entry: Entry) -> bool | None:
        at = place.get(entry.step.commit.id)
        if at is None or (live.unfinished and at <= last):
            return None
        return at > last

    return ahead


def _reading(live: Live | None, now: datetime) -> LaneReading:
    # Where the versions cannot be listed, that one is not in a stage proves nothing.
    if live is None or live.unreadable is not None:
        return LaneReading(now, None)
    return LaneReading(now, live.fields)


def _names(history: Sequence[Entry], settings: Settings, live: Live | None) -> Iterable[Serving]:
    """Return the names that have a lane; the one that serves comes first."""
    last = history[-1] if history else None
    declared = last.step.after if last else None
    model = last.step.model if last else live.model if live else ""
    served = [settings.serving.of(model, declared)]
    for entry in history:
        state = entry.step.after or entry.step.before
        served.append(entry.step.by(settings).serving.of(entry.step.model, state))
    now = _aliases(declared)
    ever = {alias for entry in history for alias in entry.aliases}
    ever.update(serving.alias for serving in served if serving.alias is not None)
    stages = (*settings.exclusive, *(serving.stage for serving in served if not serving.alias))
    names = [
        served[0],
        *(Serving(stage) for stage in stages if stage is not None),
        *(Serving(None, alias) for alias in (*now, *sorted(ever.difference(now)))),
    ]
    # Where an alias serves, `Serving` can have a stage too, which does not count.
    return dict.fromkeys(Serving(None, name.alias) if name.alias else name for name in names)


def _aliases(declaration: Declaration | None) -> Sequence[str]:
    return sorted(aliases(declaration.fields)) if declaration else ()


def _place(span: LaneSpan) -> tuple[bool, float, int, bool, float, int]:
    """Order by start; what began before everything that is known comes first."""
    start = span.start.timestamp() if span.start else 0.0
    end = span.end.timestamp() if span.end else 0.0
    kind = SPAN_KINDS.index(span.kind)
    return (span.start is not None, start, kind, span.end is None, end, span.version or 0)
