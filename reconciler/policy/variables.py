"""Builds the variables that an expression reads about one transition, as plain values.

`docs/reference/conditions.md` documents their names, types and meanings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from reconciler.core.declaring.semantic_versions import NO_SEMVERS, DeclaredSemvers
from reconciler.core.facts import NO_FACTS, Column, Facts, Run, Signature
from reconciler.core.state import Declaration, Field, Live, LiveVersion, aliases, stages
from reconciler.core.transitions import Transition

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

Variables = dict[str, object]


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval that the forge confirmed: login, commit and time (ISO 8601)."""

    login: str
    commit: str | None = None
    time: str | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit that is judged; `approvals` is None when no forge was asked.

    `authors` are logins or e-mail addresses; their approvals do not count.
    """

    id: str | None = None
    author: str = ""
    authors: frozenset[str] = frozenset()
    approvals: tuple[Approval, ...] | None = None


@dataclass(frozen=True, slots=True)
class TransitionInput:
    """A transition, with the live and declared state of its model and facts by version."""

    transition: Transition
    live: Live
    declaration: Declaration | None
    facts: Mapping[int, Facts]
    semvers: DeclaredSemvers = NO_SEMVERS


def variables(
    inputs: TransitionInput, commit: Commit, now: datetime, *, rollback: bool
) -> Variables:
    """Return the variables of one transition; absent objects and values are None."""
    transition = inputs.transition
    facts = inputs.facts.get(transition.version, NO_FACTS)
    candidate = _version(inputs, transition.version, now)
    candidate["declared"] = _declared(inputs.declaration, transition.version)
    return {
        "model": transition.model,
        "version": candidate,
        **_outcomes(facts),
        "incumbent": None
        if transition.incumbent is None
        else _incumbent(inputs, transition.incumbent, now),
        "change": {
            "from": transition.before if transition.alias is None else transition.incumbent,
            "to": transition.stage if transition.alias is None else transition.version,
            "alias": transition.alias,
            "rollback": rollback,
        },
        "commit": _commit(commit),
        "now": now,
    }


def _incumbent(inputs: TransitionInput, version: int, now: datetime) -> Variables:
    return {**_version(inputs, version, now), **_outcomes(inputs.facts.get(version, NO_FACTS))}


def _version(inputs: TransitionInput, version: int, now: datetime) -> Variables:
    fields = inputs.live.fields
    live_version = inputs.live.versions.get(version)
    created = _datetime(live_version.identity.created if live_version else None)
    facts = inputs.facts.get(version, NO_FACTS)
    return {
        "number": version,
        "stage": stages(fields).get(version, "None"),
        "tags": _tags(fields, version),
        "aliases": sorted(alias for alias, at in aliases(fields).items() if at == version),
        "description": str(fields.get(Field("description", version), "")),
        "signature": _signature(facts.signature),
        "created": created,
        "age": None if created is None else now - created,
        **_identity(live_version),
    }


def _identity(live_version: LiveVersion | None) -> Variables:
    if live_version is None:
        return {"status": "missing", "run_id": None, "source": None}
    identity = live_version.identity
    return {"status": live_version.status, "run_id": identity.run_id, "source": identity.source}


def _tags(fields: Mapping[Field, object], version: int) -> dict[str, str]:
    return {
        address.key or "": str(value)
        for address, value in fields.items()
        if address.name == "tag" and address.version == version
    }


def live_tags(live: Live, version: int) -> dict[str, str]:
    """Return the live tags of a version, ignored ones included."""
    return _tags(live.fields, version)


def _declared(declaration: Declaration | None, version: int) -> Variables:
    if declaration is None:
        return {"tags": {}, "digest": None, "semver": None}
    entry = declaration.versions.get(version)
    return {
        "tags": _tags(declaration.fields, version),
        "digest": entry.digest if entry else None,
        "semver": entry.semver if entry else None,
    }


def _outcomes(facts: Facts) -> Variables:
    return {"metrics": dict(facts.metrics), "params": dict(facts.params), "run": _run(facts.run)}


def _run(run: Run | None) -> Variables | None:
    if run is None:
        return None
    return {
        "id": run.id,
        "name": run.name,
        "status": run.status,
        "user": run.user,
        "started": _datetime(run.started),
        "tags": dict(run.tags),
    }


def _signature(signature: Signature | None) -> Variables | None:
    if signature is None:
        return None
    return {
        "inputs": [_column(column) for column in signature.inputs],
        "outputs": [_column(column) for column in signature.outputs],
        "params": [_column(column) for column in signature.params],
    }


def _column(column: Column) -> Variables:
    return {"name": column.name, "type": column.type, "required": column.required}


def _commit(commit: Commit) -> Variables:
    approvals = None
    if commit.approvals is not None:
        approvals = [
            {"login": approval.login, "commit": approval.commit, "time": approval.time}
            for approval in commit.approvals
        ]
    return {"id": commit.id, "author": commit.author, "approvals": approvals}


def _datetime(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else _EPOCH + timedelta(milliseconds=milliseconds)
