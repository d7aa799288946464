"""Reads the model of a run again: before its writes, before a version leaves, and at the end.

A model has a time that changes with every stage change and with every new and deleted version.
While it is the planned one, one small read proves what a list of all versions would; when it is
that of the run's own last stage change, nobody came after that. The reasons are in
docs/reliability.md, "What a run reads".
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from reconciler.core.changes import Change
from reconciler.core.plan import ModelPlan, Snapshot
from reconciler.core.state import COMMIT_TAG, OWNER_TAG, Field, Live, LiveVersion, Value
from reconciler.ports.registry import Registry

_NOTHING = Snapshot(None, None, {})


class ModelReader:
    """What is known of one model during its run; each read replaces the part that it returned.

    The methods that read return None when the model does not exist, and raise `RegistryError` when
    it cannot be read.
    """

    def __init__(self, registry: Registry, plan: ModelPlan) -> None:
        self._registry = registry
        self._model = plan.model
        self._changes = plan.changes
        self._snapshot = plan.seen or _NOTHING
        self._named = frozenset[int]().union(*(change.versions for change in plan.changes))
        self._known = _planned(plan.model, self._snapshot, plan.changes)
        self._since: int | None = None  # the model's time at the first read
        self._last: int | None = None  # and after the last stage change of this run
        self._moved: list[Change] = []
        self._looked = False

    def before_writing(self) -> Live | None:
        """Return the model with all that the plan has to be compared with."""
        live = self._registry.get(self._model, self._detailed)
        if live is None:
            return None
        if live.updated is not None and live.updated == self._snapshot.updated:
            live = _filled(live, live, self._known)
        else:
            live = self._in_full(live)
        if live is not None:
            self._known, self._since = live, live.updated
        return live

    def wrote(self, change: Change, updated: int | None) -> None:
        """Remember a confirmed write; `updated` is the model's time after a stage change."""
        address, after = change.field, change.after
        if address == Field("tag", None, COMMIT_TAG):
            self._known = replace(self._known, commit=str(after))
        elif address == Field("tag", None, OWNER_TAG):
            self._known = replace(self._known, owner=str(after))
        elif address.name == "stage":
            fields = {**self._known.fields, address: str(after)}
            self._known = replace(self._known, fields=fields)
            self._moved.append(change)
            self._last = updated

    def before_leaving(self) -> Live | None:
        """Return the model with every version that came into a stage since the first read.

        The latest version of each stage would not prove that: a higher number hides a lower one.
        Nor would the versions prove that nobody else writes: a run that only takes versions out of
        use has moved none when it looks. It shows itself by its record, which is read last.
        """
        self._looked = True
        page = self._updated()
        if page is None:
            return self._registry.confirm(self._model, self._named)
        live = self._registry.get(self._model, ())
        if live is None:
            return None
        self._known = _filled(live, live, _filled(self._known, page, self._known))
        return self._known

    def at_the_end(self) -> Live | None:
        """Return the model with all that the run has to be compared with."""
        if not self._changes:
            return self._known  # the record alone was written, right after the first read
        if self._snapshot.stage_occupants and not self._looked:
            page = self._updated()
            if page is None:
                return self._registry.confirm(self._model, self._named)
            self._known = _filled(self._known, page, self._known)
        live = self._registry.get(self._model, self._detailed)
        if live is None:
            return None
        if not self._moved or (live.updated is not None and live.updated == self._last):
            return _filled(live, live, self._known)
        return self._in_full(live)

    def _updated(self) -> Live | None:
        """Return the versions updated since the first read, None where a page does not prove it."""
        since = self._since
        page = None if since is None else self._registry.updated_since(self._model, since)
        own = {change.field.version for change in self._moved}
        return page if page is not None and own <= set(page.versions) else None

    def _in_full(self, live: Live) -> Live | None:
        """Return the model, read again where `live` lacks what time does not prove."""
        if self._snapshot.stage_occupants:
            return self._registry.confirm(self._model, self._named)
        if self._named <= set(live.versions):
            return live
        return self._registry.get(self._model, self._named)

    @property
    def _detailed(self) -> Collection[int]:
        """The versions of which a tag or the description is written."""
        fields = (change.field for change in self._changes if change.field.name != "stage")
        return {address.version for address in fields if address.version is not None}


def _planned(model: str, snapshot: Snapshot, changes: Sequence[Change]) -> Live:
    """Return the stages and versions that the plan saw, as far as it kept them."""
    fields: dict[Field, Value] = {
        change.field: change.before
        for change in changes
        if change.field.name == "stage" and change.before is not None
    }
    for stage, occupants in snapshot.stage_occupants.items():
        fields |= {Field("stage", version): stage for version in occupants}
    versions = {
        version: LiveVersion(identity)
        for version, identity in snapshot.identities.items()
        if identity is not None
    }
    return Live(model, fields, versions)


def _filled(model: Live, seen: Live, known: Live) -> Live:
    """Return what `model` has of the model itself, with the versions of `seen`, else `known`."""
    fields: dict[Field, Value] = {at: v for at, v in model.fields.items() if at.version is None}
    fields |= {at: v for at, v in seen.fields.items() if at.version is not None}
    fields |= {
        at: v
        for at, v in known.fields.items()
        if at.version is not None and at.version not in seen.versions
    }
    return replace(model, fields=fields, versions={**known.versions, **seen.versions})
