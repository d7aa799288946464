"""Finds the version that has each name of a model, since when, and by which merged change."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.audit.evidence import Entry
from reconciler.audit.overview.model_overview import Holder
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, Fields, Live, Serving, aliases, stages

# What a merged change declared for one name, None for no version.
_Declared: TypeAlias = Callable[[Entry], int | None]


@dataclass(frozen=True, slots=True)
class ModelNames:
    """Everything that git and the registry tell of one model and its names.

    `history` is oldest first. `live` is without what the settings ignore; it is None where the
    registry has no such model, or `is_read` is false. `place` maps a commit to its place on the
    main line, one of a branch to that of its merge.
    """

    model: str
    settings: Settings
    declaration: Declaration | None
    live: Live | None = None
    is_read: bool = True
    history: Sequence[Entry] = ()
    place: Mapping[str, int] = field(default_factory=dict)

    @property
    def serving(self) -> Serving:
        """What serving means for the model."""
        return self.settings.serving.of(self.model, self.declaration)

    @property
    def live_fields(self) -> Fields:
        """What is live; nothing where it was not read."""
        return {} if self.live is None else self.live.fields


def holders(of: ModelNames) -> tuple[Holder, ...]:
    """Return the holder of each name that git or the registry has: the serving version first."""
    declared = _names(of.declaration.fields if of.declaration else {})
    live = _names(of.live_fields)
    serving = str(of.serving)
    named = sorted(name for name in {*declared, *live} if name.startswith("@"))
    exclusive = [stage for stage in of.settings.exclusive if stage in {*declared, *live}]
    return tuple(
        _holder(of, name, declared.get(name), live.get(name), serves=name == serving)
        for name in dict.fromkeys((serving, *exclusive, *named))
    )


def _names(fields: Fields) -> Mapping[str, int]:
    """Return the version of each stage and alias; of several in a stage the highest."""
    of_stages = {stage: version for version, stage in sorted(stages(fields).items())}
    return {**of_stages, **{f"@{alias}": at for alias, at in aliases(fields).items()}}


def _holder(
    of: ModelNames, name: str, declared: int | None, live: int | None, *, serves: bool
) -> Holder:
    """Return the holder of a name; where the registry was not read, the declared one's history."""
    version = live if of.is_read else declared
    bare = Holder(name, live, serves, declared)
    if version is None:
        return bare
    if serves:
        run = _run(of, version, lambda entry: entry.serving)
    else:
        run = _run(of, version, lambda entry: _declared_names(entry).get(name))
    if not run:
        return bare
    applied = [each.time for entry in run for each in entry.applied]
    since = min(applied) if applied else run[0].time
    return Holder(name, live, serves, declared, since, is_applied=bool(applied), entry=run[0])


def _declared_names(entry: Entry) -> Mapping[str, int]:
    return _names(entry.step.after.fields if entry.step.after else {})


def _run(of: ModelNames, version: int, declared: _Declared) -> Sequence[Entry]:
    """Return the merged changes during which a version had the name, up to what is live.

    Nothing where git did not declare it at a recorded commit: then somebody put it there by hand.
    """
    for past in _pasts(of):
        if past and declared(past[-1]) == version:
            begin = len(past) - 1
            while begin and declared(past[begin - 1]) == version:
                begin -= 1
            return past[begin:]
    return ()


def _pasts(of: ModelNames) -> Sequence[Sequence[Entry]]:
    """Return the history up to each recorded commit, the last first; all of it without a record.

    A recorded commit that the line does not have proves nothing of what the line merged.
    """
    recorded = of.live.recorded if of.live is not None else ()
    ends = [of.place[commit] for commit in reversed(recorded) if commit in of.place]
    if not recorded:
        return (of.history,)
    return [
        [entry for entry in of.history if of.place.get(entry.step.commit.id, -1) <= end]
        for end in ends
    ]
