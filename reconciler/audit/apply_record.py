"""The record of one apply, as a git note keeps it: what was written where, with which outcome.

`record_lines` has its form in the note of the applied commit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from reconciler.audit.recorded_bytes import RecordedBytes, recorded_bytes
from reconciler.core.artifacts.bytes_check import ApprovedFiles
from reconciler.core.artifacts.model_files import ModelFiles
from reconciler.core.changes import Cause
from reconciler.core.plan import JudgedPlan, ModelPlan
from reconciler.core.report import ApplyReport, ChangeOutcome, ModelReport
from reconciler.core.state import FieldName, Identity, Value
from reconciler.core.violations import Consent


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

    `merged` is the commit on the main line that the approval allowed. `is_author` is whether the
    forge counts the approver among the authors of the change; None in older records.
    """

    login: str
    commit: str
    time: str
    merged: str
    is_author: bool | None = None


@dataclass(frozen=True, slots=True)
class ApplyRecord:
    """One apply; `models` are those for which `commit` is now live, complete and confirmed.

    A model that was healed is one of them: what drifted is again as this commit declares it.
    `registry` is the registry's name or its URI without credentials, `state` the name of the state
    folder, `accepted` the consents that were used. `approvals` are those that the forge confirmed
    for what was applied. `actor` is who ran it, `registry_user` who the registry says wrote.
    `bytes` are those of the versions with a digest that it put into use.
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
    bytes: tuple[RecordedBytes, ...] = ()

    @property
    def named(self) -> frozenset[str]:
        """The models that the record tells of."""
        changed, read = (row.model for row in self.changes), (row.model for row in self.bytes)
        return frozenset((*self.models, *changed, *read))

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
        bytes=recorded_bytes(report),
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


def approved_files(records: Iterable[ApplyRecord]) -> ApprovedFiles:
    """Return the files that applies found as approved.

    The first apply of a digest counts: a digest does not cover the names of files, and a later one
    may have met other names where it did not have this record.
    """
    of_versions: dict[tuple[str, int, str], ModelFiles] = {}
    of_digests: dict[str, ModelFiles] = {}
    for record in sorted(records, key=lambda record: record.time):
        for row in record.bytes:
            if row.listed is not None:
                of_versions.setdefault((row.model, row.version, row.digest), row.listed)
                of_digests.setdefault(row.digest, row.listed)
    return ApprovedFiles(of_versions, of_digests)


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
