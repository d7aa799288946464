"""The apply records of one registry by model: what each apply found, wrote and confirmed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal, TypeAlias

from reconciler.audit.apply_record import ApplyRecord, RecordedChange
from reconciler.audit.evidence import Entry
from reconciler.core.state import Serving, Value

Way: TypeAlias = Literal["enters", "leaves"]


@dataclass(frozen=True, slots=True)
class ModelApply:
    """One recorded apply as far as it concerns a model.

    `made_live` is as in `ApplyRecord`; `consents` are those that were used for it, or for all.
    """

    record: ApplyRecord
    changes: tuple[RecordedChange, ...]
    made_live: bool
    consents: tuple[str, ...] = ()

    @property
    def time(self) -> datetime:
        """The time of the apply."""
        return self.record.time


@dataclass(frozen=True, slots=True)
class NameChange:
    """What an apply found, and was to change, under one stage or alias.

    `is_drift` means that git declared the new value before, and
    `is_written` that the registry confirmed the write.
    """

    version: int
    way: Way
    is_drift: bool
    is_written: bool


@dataclass(frozen=True)
class ModelApplies:
    """The applies of one model to one registry, in order of time.

    `begin` is the time of the first record of the registry, of any model.
    """

    registry: str | None
    begin: datetime | None
    made: Sequence[ModelApply]

    def time_of(self, entry: Entry) -> datetime | None:
        """Return when a merged change was first live in this registry by the records."""
        times = [made.time for made in entry.applied if made.registry == self.registry]
        return min(times, default=None)

    def has_record_of(self, entry: Entry) -> bool:
        """Return whether the record that first confirms a merged change is among these."""
        return self.time_of(entry) in self._times

    @cached_property
    def _times(self) -> frozenset[datetime]:
        return frozenset(apply.time for apply in self.made)


class NameApplies:
    """What the applies of one model did under one stage or alias."""

    def __init__(self, name: Serving, applies: ModelApplies) -> None:
        """Pick the changes of that name from every apply."""
        self.all = [(apply, _name_changes(apply, name)) for apply in applies.made]
        self._written: dict[tuple[Way, int], list[tuple[datetime, bool]]] = {}
        for apply, changes in self.all:
            for change in changes:
                if change.is_written:
                    written = self._written.setdefault((change.way, change.version), [])
                    written.append((apply.time, change.is_drift))

        self.consents = {apply.time: apply.consents for apply in applies.made if apply.consents}

    def first(
        self,
        way: Way,
        version: int,
        between: tuple[datetime | None, datetime | None],
        *,
        heals: bool = True,
    ) -> datetime | None:
        """Return when an apply first let a version enter or leave, None where none did.

        That was after the first moment of `between` and not after the second. Without `heals`, what
        was only restored because it had drifted does not count.
        """
        since, until = between
        for time, is_drift in self._written.get((way, version), ()):
            if until is not None and time > until:
                break
            if (since is None or time > since) and (heals or not is_drift):
                return time
        return None


class RecordedApplies:
    """The applies to one registry, read from the records once for all models.

    Without the name of a registry it is the one that all records name; where they name several,
    none counts.
    """

    def __init__(self, records: Iterable[ApplyRecord], registry: str | None = None) -> None:
        """Group the records by model, in order of time."""
        made = sorted(records, key=lambda record: (record.time, record.commit))
        named = {record.registry for record in made}
        self.registry = next(iter(named)) if registry is None and len(named) == 1 else registry
        made = [record for record in made if record.registry == self.registry]
        self.begin = made[0].time if made else None
        self._by_model: dict[str, list[ModelApply]] = {}
        for record in made:
            self._add(record)

    def _add(self, record: ApplyRecord) -> None:
        changes: dict[str, list[RecordedChange]] = {model: [] for model in record.models}
        for row in record.changes:
            changes.setdefault(row.model, []).append(row)
        live = frozenset(record.models)
        for model, rows in changes.items():
            # As in `ApplyRecord.made_live`, which would read the rows of all models each time.
            is_healed = all((row.cause, row.outcome) == ("drift", "applied") for row in rows)
            consents = tuple(
                consent for consent in record.accepted if consent.partition("=")[2] in ("", model)
            )
            apply = ModelApply(record, tuple(rows), model in live or is_healed, consents)
            self._by_model.setdefault(model, []).append(apply)

    def of(self, history: Iterable[Entry]) -> ModelApplies:
        """Return the applies of a model, those under a former name until it was renamed."""
        names: dict[str, datetime | None] = {}
        for entry in history:
            former = entry.step.former_name
            if former is not None:
                names[former] = entry.time
            names[entry.step.model] = None
        made = [
            apply
            for name, until in names.items()
            for apply in self._by_model.get(name, ())
            if until is None or apply.time <= until
        ]
        in_order = sorted(made, key=lambda apply: apply.time)
        return ModelApplies(self.registry, self.begin, in_order)


def _name_changes(apply: ModelApply, name: Serving) -> tuple[NameChange, ...]:
    changes: list[NameChange] = []
    for row in apply.changes:
        facts = (row.cause == "drift", row.outcome == "applied")
        before, after = _versions(row, name)
        if before != after:
            if before is not None:
                changes.append(NameChange(before, "leaves", *facts))
            if after is not None:
                changes.append(NameChange(after, "enters", *facts))
    return tuple(changes)


def _versions(row: RecordedChange, name: Serving) -> tuple[int | None, int | None]:
    """Return the version that a change found under a name, and the one that it puts there."""
    if name.alias is not None:
        is_this = row.field == "alias" and row.key == name.alias
        return (_number(row.before), _number(row.after)) if is_this else (None, None)
    if row.field != "stage":
        return None, None
    before, after = (row.version if v == name.stage else None for v in (row.before, row.after))
    return before, after


def _number(value: Value | None) -> int | None:
    return None if value is None else int(value)
