"""The record of one apply, as a git note keeps it: what was written where, with which outcome.

A record is one line of JSON in the note of the applied commit. The time comes first in the line, so
that notes of two concurrent writers can be merged by sorting their lines.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any, Final, get_args

from reconciler.core.changes import Cause
from reconciler.core.plan import JudgedPlan, ModelPlan
from reconciler.core.report import ApplyReport, ChangeOutcome, ModelReport
from reconciler.core.state import FieldName, Identity, Value
from reconciler.core.violations import Consent

_TIME: Final = "%Y-%m-%dT%H:%M:%S.%fZ"  # fixed width: sorting the texts sorts the times
_OUTCOMES: Final = get_args(ChangeOutcome)
_CAUSES: Final = get_args(Cause)
_FIELDS: Final = get_args(FieldName)


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """One change of an apply with its outcome, as in the JSON of `apply`."""

    model: str
    version: int | None
    field: FieldName
    key: str | None
    before: Value | None
    after: Value | None
    cause: Cause
    outcome: ChangeOutcome


@dataclass(frozen=True, slots=True)
class RecordedVersion:
    """The identity of a version that an apply named; its number can be used again."""

    model: str
    version: int
    run_id: str | None
    source: str | None
    created: int | None

    @property
    def identity(self) -> Identity:
        """The identity, to be compared with that of the live version."""
        return Identity(self.run_id, self.source, self.created)


@dataclass(frozen=True, slots=True)
class RecordedApproval:
    """An approval that the forge confirmed: approver, commit and time (UTC, ISO 8601).

    `merged` is the commit on the main line that the approval allowed.
    """

    login: str
    commit: str
    time: str
    merged: str


@dataclass(frozen=True, slots=True)
class ApplyRecord:
    """One apply; `models` are those for which `commit` is now live, complete and confirmed.

    A model that was healed is one of them: what drifted is again as this commit declares it.
    `registry` is the registry's name or its URI without credentials, `state` the name of the state
    folder, `accepted` the consents that were used. `approvals` are those that the forge confirmed
    for what was applied. `actor` is who ran it, `registry_user` who the registry says wrote.
    """

    time: datetime
    registry: str
    state: str
    commit: str
    actor: str | None = None
    run_url: str | None = None
    registry_user: str | None = None
    accepted: tuple[str, ...] = ()
    approvals: tuple[RecordedApproval, ...] = ()
    models: tuple[str, ...] = ()
    changes: tuple[RecordedChange, ...] = ()
    versions: tuple[RecordedVersion, ...] = ()

    def made_live(self, model: str) -> bool:
        """Return whether `commit` was live for a model after this apply.

        Older records do not name a model that was healed; its changes show it: each restored what
        a finished apply had written, and all were applied.
        """
        rows = [row for row in self.changes if row.model == model]
        is_healed = all((row.cause, row.outcome) == ("drift", "applied") for row in rows)
        return model in self.models or (bool(rows) and is_healed)

    def wrote_part_of(self, model: str) -> bool:
        """Return whether this apply wrote something that `commit` newly declares for a model."""
        return any(
            row.model == model and row.outcome == "applied" and row.cause != "drift"
            for row in self.changes
        )


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a report does not contain: the time, the state's name, who ran it, the approvals."""

    time: datetime
    state: str
    actor: str | None = None
    run_url: str | None = None
    approvals: tuple[RecordedApproval, ...] = ()


def apply_record(report: ApplyReport, around: Circumstances) -> ApplyRecord | None:
    """Return the record of an apply; None when it neither attempted nor confirmed anything."""
    plan = report.plan
    models = _in_step(report)
    if plan.state.commit is None or not (report.results or models):
        return None
    return ApplyRecord(
        time=around.time.astimezone(timezone.utc),
        registry=plan.registry.key,
        state=around.state,
        commit=plan.state.commit,
        actor=around.actor,
        run_url=around.run_url,
        approvals=around.approvals,
        accepted=tuple(
            str(Consent(violation.name, violation.model))
            for violation in plan.violations
            if violation.accepted
        ),
        models=models,
        changes=tuple(
            RecordedChange(
                result.change.model,
                result.change.field.version,
                result.change.field.name,
                result.change.field.key,
                result.change.before,
                result.change.after,
                result.change.cause,
                result.outcome,
            )
            for result in report.results
        ),
        versions=tuple(_versions(plan)),
    )


def news(record: ApplyRecord, known: Iterable[ApplyRecord]) -> bool:
    """Return whether a record adds anything to the records that its commit has already."""
    if record.changes:
        return True
    target = (record.registry, record.state)
    same_target = [other for other in known if (other.registry, other.state) == target]
    return not set(record.models) <= {model for other in same_target for model in other.models}


def identities(records: Iterable[ApplyRecord]) -> Mapping[str, Mapping[int, Identity]]:
    """Return each version's identity in the last record that names it, by model."""
    latest: dict[str, dict[int, Identity]] = {}
    for record in sorted(records, key=lambda record: record.time):
        for named in record.versions:
            latest.setdefault(named.model, {})[named.version] = named.identity
    return latest


def dumps(record: ApplyRecord) -> str:
    """Return the record as one line of JSON, its time first."""
    document = asdict(record)
    document["time"] = record.time.strftime(_TIME)
    return json.dumps(document, separators=(",", ":")) + "\n"


def loads(line: str) -> ApplyRecord | None:
    """Return the record in a line, None when it is not a record; unknown members are ignored."""
    try:
        return _record(json.loads(line))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _in_step(report: ApplyReport) -> tuple[str, ...]:
    """Return the models for which what this commit declares is live, complete and confirmed."""
    commit = report.plan.state.commit
    reports = {model.model: model for model in report.models}
    return tuple(
        model.model for model in report.plan.models if _is_live(model, reports, str(commit))
    )


def _is_live(model: ModelPlan, reports: Mapping[str, ModelReport], commit: str) -> bool:
    if model.model in reports and (model.record is not None or model.changes):
        report = reports[model.model]
        is_complete = all(result.outcome == "applied" for result in report.results)
        # Without a record to write, the recorded commit declares the same as this one.
        is_recorded = report.recorded or model.record is None
        return is_complete and is_recorded and report.error is None
    return not model.writes and _recorded(model, commit)


def _recorded(model: ModelPlan, commit: str) -> bool:
    return model.seen is not None and model.seen.commit == commit


def _versions(plan: JudgedPlan) -> Iterable[RecordedVersion]:
    for model in plan.models:
        for number, identity in model.seen.identities.items() if model.seen else ():
            if identity is not None:
                yield RecordedVersion(
                    model.model, number, identity.run_id, identity.source, identity.created
                )


def _record(document: dict[str, Any]) -> ApplyRecord:
    time = datetime.strptime(_text(document["time"]), _TIME).replace(tzinfo=timezone.utc)
    return ApplyRecord(
        time=time,
        registry=_text(document["registry"]),
        state=_text(document["state"]),
        commit=_text(document["commit"]),
        actor=_optional(document.get("actor")),
        run_url=_optional(document.get("run_url")),
        accepted=_texts(document.get("accepted", ())),
        approvals=tuple(_approval(row) for row in document.get("approvals", ())),
        models=_texts(document.get("models", ())),
        changes=tuple(_change(row) for row in document.get("changes", ())),
        versions=tuple(_version(row) for row in document.get("versions", ())),
        registry_user=_optional(document.get("registry_user")),
    )


def _change(row: Mapping[str, Any]) -> RecordedChange:
    return RecordedChange(
        model=_text(row["model"]),
        version=_number(row["version"]),
        field=_one_of(row["field"], _FIELDS),
        key=_optional(row["key"]),
        before=_value(row["before"]),
        after=_value(row["after"]),
        cause=_one_of(row["cause"], _CAUSES),
        outcome=_one_of(row["outcome"], _OUTCOMES),
    )


def _approval(row: Mapping[str, Any]) -> RecordedApproval:
    return RecordedApproval(*(_text(row[key]) for key in ("login", "commit", "time", "merged")))


def _version(row: Mapping[str, Any]) -> RecordedVersion:
    number = _number(row["version"])
    if number is None:
        raise TypeError(row)
    return RecordedVersion(
        model=_text(row["model"]),
        version=number,
        run_id=_optional(row["run_id"]),
        source=_optional(row["source"]),
        created=_number(row["created"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise TypeError(value)
    return tuple(_text(item) for item in value)


def _number(value: object) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise TypeError(value)
    return value


def _value(value: object) -> Value | None:
    return value if isinstance(value, str) else _number(value)


def _one_of(value: object, known: Sequence[Any]) -> Any:  # noqa: ANN401  one of the literals
    if value not in known:
        raise ValueError(value)
    return value
