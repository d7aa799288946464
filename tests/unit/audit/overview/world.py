"""A model in a small world: merges, applies with records, and hands on the registry."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from reconciler.audit.apply_record import ApplyRecord, RecordedChange
from reconciler.audit.declared_steps import steps
from reconciler.audit.evidence import Entry, Records, entries
from reconciler.audit.merged_changes import MergedCommit, MergedFiles
from reconciler.audit.overview.lane_history import lanes
from reconciler.audit.overview.lanes import Lane, LaneSpan
from reconciler.audit.overview.recorded_applies import RecordedApplies
from reconciler.core.declaring.implied import complete
from reconciler.core.diff import applied, diff
from reconciler.core.settings import Settings
from reconciler.core.state import (
    Base,
    Declaration,
    Field,
    Identity,
    Live,
    LiveVersion,
    Serving,
    Value,
)
from reconciler.files.loader import parse_declaration

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
VERSIONS = {number: LiveVersion(Identity(None, None, None)) for number in range(1, 10)}


def at(hour: float) -> datetime:
    """Return a moment by the hour of the world's clock."""
    return NOON + timedelta(hours=hour)


def hour(moment: datetime | None) -> float | None:
    """Return the hour of a moment."""
    return None if moment is None else (moment - NOON) / timedelta(hours=1)


@dataclass
class World:
    """One model, its file on the main line, and what the registry has; the clock goes by hours."""

    settings: Settings = field(default_factory=Settings)
    clock: float = 0
    merged: list[MergedFiles] = field(default_factory=list)
    records: list[ApplyRecord] = field(default_factory=list)
    fields: dict[Field, Value] = field(
        default_factory=lambda: {Field("stage", v): "None" for v in VERSIONS}
    )
    base: Declaration | None = None
    model: str = "m"
    commit: str | None = None  # that the registry records
    seen: list[tuple[datetime, dict[Field, Value]]] = field(default_factory=list)

    def tick(self) -> datetime:
        """Let an hour pass."""
        self.clock += 1
        return at(self.clock)

    def merge(self, text: str | None, settings: Settings | None = None) -> None:
        """Merge a new file of the model, None for its removal."""
        when = self.tick()
        name = f"c{len(self.merged)}"
        commit = MergedCommit(name, (), when, "Ada", "a@x", "Forge", "f@x", f"change (#{name[1:]})")
        declared = (
            None if text is None else parse_declaration(text.encode(), f"state/{self.model}.yaml")
        )
        self.merged.append(MergedFiles(commit, {f"{self.model}.yaml": declared}, settings))
        self.settings = settings or self.settings

    def by_hand(self, **names: int | str | None) -> None:
        """Change the registry by hand: `champion=3`, `v3="Production"`, None takes away."""
        when = self.tick()
        for name, value in names.items():
            address = (
                Field("stage", int(name[1:])) if name[0] == "v" else Field("alias", None, name)
            )
            if value is None:
                self.fields.pop(address, None)
            else:
                self.fields[address] = value
        self.seen.append((when, dict(self.fields)))

    @property
    def declared(self) -> Declaration | None:
        """What the tip of the main line declares."""
        declared = next(iter(self.merged[-1].files.values()))
        return None if declared is None else complete(declared, self.settings)

    @property
    def live(self) -> Live:
        """What the registry has now."""
        return Live(self.model, dict(self.fields), VERSIONS, commit=self.commit)

    def apply(
        self,
        *,
        record: bool = True,
        writes: int | None = None,
        registry: str = "r",
        accepted: tuple[str, ...] = (),
    ) -> None:
        """Apply the tip, or only the first so many changes of it."""
        when, desired = self.tick(), self.declared
        if desired is None:
            return
        base = Base() if self.base is None else _base(self.base)
        made = diff(base, desired, self.live, exclusive=self.settings.exclusive).changes
        count = len(made) if writes is None else min(writes, len(made))
        self.fields = applied(self.fields, made[:count])
        is_whole = count == len(made)
        tip = self.merged[-1].commit.id
        self.base = desired if is_whole else self.base
        self.commit = tip if is_whole else f"{self.commit or '-'} {tip}"
        self.seen.append((when, dict(self.fields)))
        rows = tuple(
            RecordedChange(
                self.model,
                change.field.version,
                change.field.name,
                change.field.key,
                change.before,
                change.after,
                change.cause,
                "applied" if number < count else "failed",
            )
            for number, change in enumerate(made)
        )
        if record:
            models = (self.model,) if is_whole else ()
            commit = self.merged[-1].commit.id
            self.records.append(
                ApplyRecord(
                    when, registry, "state", commit, models=models, changes=rows, accepted=accepted
                )
            )

    def history(self) -> Sequence[Entry]:
        """Return the merged changes with their evidence."""
        by_commit: dict[str, list[ApplyRecord]] = {}
        for made in self.records:
            by_commit.setdefault(made.commit, []).append(made)
        line = [files.commit.id for files in self.merged]
        records = Records(by_commit, line, {"state"}) if self.records else None
        return entries(steps(self.merged, Settings()).get(self.model, ()), self.settings, records)

    def lanes(self, *, read: bool = True, registry: str | None = "r") -> Mapping[str, Lane]:
        """Return the lanes of the model, by name."""
        found = lanes(
            self.history() if self.merged else (),
            settings=self.settings,
            applies=RecordedApplies(self.records, registry),
            live=self.live if read else None,
            now=self.tick(),
            place={files.commit.id: at for at, files in enumerate(self.merged)},
        )
        return {lane.name: lane for lane in found}

    def truth(self, moment: datetime, name: Serving) -> frozenset[int]:
        """Return the versions that the registry really had under a name at a moment."""
        past = [fields for time, fields in self.seen if time <= moment]
        return name.versions(past[-1]) if past else frozenset()


def _base(declared: Declaration) -> Base:
    return Base(
        first=declared.fields,
        ever={address: frozenset({value}) for address, value in declared.fields.items()},
        entries={number: (entry,) for number, entry in declared.versions.items()},
        implied=frozenset(declared.implied),
        bridged=declared.bridged,
    )


Told = tuple[str, int | None, float | None, float | None]


def told(spans: Iterable[LaneSpan]) -> list[Told]:
    """Return kind, version, and the hours of start and end."""
    return [(span.kind, span.version, hour(span.start), hour(span.end)) for span in spans]
