"""What an expression sees of one move: the variables, as plain values.

Their names, types and meanings are documented in docs/policies.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from reconciler.core.facts import NO_FACTS, Column, Facts, Run, Signature
from reconciler.core.state import Declaration, Field, Live, LiveVersion, aliases, stages
from reconciler.core.transitions import Transition

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

Variables = dict[str, object]


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval that the forge confirmed: who, of which commit, when (ISO 8601)."""

    login: str
    commit: str | None = None
    time: str | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit that is judged; `approvals` is None where no forge was asked.

    `authors` are the logins or addresses of who wrote the change: their approval does not count.
    """

    id: str | None = None
    author: str = ""
    authors: frozenset[str] = frozenset()
    approvals: tuple[Approval, ...] | None = None


@dataclass(frozen=True, slots=True)
class TransitionInput:
    """What is known about the two versions of a move: live, declared, and their facts."""

    transition: Transition
    live: Live
    declaration: Declaration | None
    facts: Mapping[int, Facts]


def variables(seen: TransitionInput, commit: Commit, now: datetime, *, rollback: bool) -> Variables:
    """Return the variables of one move; `incumbent`, `run` and `signature` are None without one."""
    transition = seen.transition
    facts = seen.facts.get(transition.version, NO_FACTS)
    candidate = _version(seen, transition.version, now)
    candidate["declared"] = {"tags": _declared_tags(seen.declaration, transition.version)}
    return {
        "model": transition.model,
        "version": candidate,
        **_outcomes(facts),
        "incumbent": None
        if transition.incumbent is None
        else _incumbent(seen, transition.incumbent, now),
        "change": {
            "from": transition.before if transition.alias is None else transition.incumbent,
            "to": transition.stage if transition.alias is None else transition.version,
            "alias": transition.alias,
            "rollback": rollback,
        },
        "commit": _commit(commit),
        "now": now,
    }


def _incumbent(seen: TransitionInput, version: int, now: datetime) -> Variables:
    return {**_version(seen, version, now), **_outcomes(seen.facts.get(version, NO_FACTS))}


def _version(seen: TransitionInput, version: int, now: datetime) -> Variables:
    fields = seen.live.fields
    there = seen.live.versions.get(version)
    created = _moment(there.identity.created if there else None)
    facts = seen.facts.get(version, NO_FACTS)
    return {
        "number": version,
        "stage": stages(fields).get(version, "None"),
        "tags": _tags(fields, version),
        "aliases": sorted(alias for alias, at in aliases(fields).items() if at == version),
        "description": str(fields.get(Field("description", version), "")),
        "signature": _signature(facts.signature),
        "created": created,
        "age": None if created is None else now - created,
        **_identity(there),
    }


def _identity(there: LiveVersion | None) -> Variables:
    if there is None:
        return {"status": "missing", "run_id": None, "source": None}
    identity = there.identity
    return {"status": there.status, "run_id": identity.run_id, "source": identity.source}


def _tags(fields: Mapping[Field, object], version: int) -> dict[str, str]:
    return {
        address.key or "": str(value)
        for address, value in fields.items()
        if address.name == "tag" and address.version == version
    }


def live_tags(live: Live, version: int) -> dict[str, str]:
    """Return the tags that a version has before anything is written, ignored ones included."""
    return _tags(live.fields, version)


def _declared_tags(declaration: Declaration | None, version: int) -> dict[str, str]:
    return _tags(declaration.fields, version) if declaration else {}


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
        "started": _moment(run.started),
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
            {"login": one.login, "commit": one.commit, "time": one.time} for one in commit.approvals
        ]
    return {"id": commit.id, "author": commit.author, "approvals": approvals}


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else _EPOCH + timedelta(milliseconds=milliseconds)
