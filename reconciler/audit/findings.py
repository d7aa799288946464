"""The audit: every change of what serves, its evidence, and every contradiction that is found."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, TypeAlias

from reconciler.audit.apply_record import ApplyRecord
from reconciler.audit.entered_bytes import EnteredBytes
from reconciler.audit.evidence import Applied, ApplyState, Entry, Records
from reconciler.audit.merged_changes import MergedCommit, Step
from reconciler.core.changes import Change
from reconciler.core.plan import DraftPlan
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, Field, Identity, Live, Value, aliases
from reconciler.errors import Problem

FindingKind: TypeAlias = Literal[
    "unapproved",
    "off-main",
    "never-applied",
    "drift",
    "pending",
    "unmanaged",
    "recreated",
    "no-digest",
    "digest-changed",
    "other-bytes",
    "review-due",
    "error",
    "unreadable",
]

_NOT_APPLIED: Final[Mapping[ApplyState, str]] = {
    "never": "merged and never applied: a later change replaced it",
    "not yet": "merged, and no record says that it was applied",
    "partly": "merged, but applied only in part",
}


@dataclass(frozen=True, slots=True)
class ServingChange:
    """The serving version (`alias` None), or the version of an alias, before and after."""

    alias: str | None
    before: int | None
    after: int | None

    def __str__(self) -> str:
        before, after = (f"v{v}" if v is not None else "nothing" for v in (self.before, self.after))
        return f"{'serving' if self.alias is None else f'@{self.alias}'} {before} → {after}"


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One merged change of the serving version or of aliases, with its evidence.

    `applied` is the first apply that made it live, None when no record shows one. `bytes` are the
    digests of what it put into use.
    """

    commit: MergedCommit
    model: str
    serving_changes: tuple[ServingChange, ...]
    pull_request: int | None
    verified: tuple[str, ...]
    claimed: tuple[str, ...]
    apply_state: ApplyState
    applied: Applied | None
    bytes: tuple[EnteredBytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One contradiction; `time` is None for one that exists now.

    `change` is what would restore the value that the message is about, where one value is.
    """

    kind: FindingKind
    message: str
    model: str | None = None
    commit: str | None = None
    time: datetime | None = None
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """The result; `records` tells whether there are apply records, `compared` names the registry.

    `missing` says why a registry that was asked for could not be compared.
    """

    rows: tuple[AuditRow, ...]
    findings: tuple[Finding, ...]
    line: str
    records: bool
    compared: str | None
    missing: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """The time from `since` to `until`, both included; None means no limit."""

    since: datetime | None = None
    until: datetime | None = None

    def __contains__(self, moment: datetime) -> bool:
        after = self.since is None or moment >= self.since
        return after and (self.until is None or moment <= self.until)


@dataclass(frozen=True)
class Trail:
    """What git knows: merged changes by model, oldest first, and the apply records.

    `records` are those of this state folder, None when this clone has none. `on_main` returns
    whether the main line contains a commit; it is None where that is not known. `new_names` has the
    name of today for former names.
    """

    histories: Mapping[str, Sequence[Entry]]
    records: Records | None = None
    unreadable: Collection[str] = ()
    on_main: Callable[[str], bool] | None = None
    span: Span = field(default_factory=Span)
    new_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def applies(self) -> tuple[ApplyRecord, ...]:
        """Every recorded apply, sorted by time."""
        by_commit = self.records.by_commit.values() if self.records else ()
        records = (record for of_commit in by_commit for record in of_commit)
        return tuple(sorted(records, key=lambda record: (record.time, record.commit)))


def rows(trail: Trail, settings: Settings) -> tuple[AuditRow, ...]:
    """Return every merged change of the serving version or of aliases, oldest first."""
    audited = [
        _row(entry, serving_changes)
        for history in trail.histories.values()
        for entry in history
        if entry.time in trail.span and (serving_changes := _serving_changes(entry.step, settings))
    ]
    return tuple(sorted(audited, key=lambda row: (row.commit.time, row.model)))


def findings_of_git(trail: Trail, audited: Iterable[AuditRow]) -> tuple[Finding, ...]:
    """Return what git alone shows: not approved, never applied, not on the main line."""
    return (
        *(finding for row in audited for finding in _of_row(row)),
        *_off_main(trail),
        *(
            Finding(
                "unreadable", "its note has a line that is not an apply record of it", None, commit
            )
            for commit in sorted(trail.unreadable)
        ),
    )


def findings_of_live(
    plan: DraftPlan,
    live: Mapping[str, Live],
    declared: Mapping[str, Declaration],
    settings: Settings,
    trail: Trail,
) -> tuple[Finding, ...]:
    """Return where the registry differs from git, by model."""
    recorded = _identities(trail.applies, trail.new_names)
    changes = {model.model: model.changes for model in plan.models}
    findings: list[Finding] = [_problem(problem) for problem in plan.problems]
    findings += [_difference(change) for change in plan.changes]
    findings += [_deleted(model, version) for model, version in plan.deleted]
    for name, model in live.items():
        if model.is_prompt or settings.ignore.model(name):
            continue
        findings += _unmanaged(model, declared.get(name), changes.get(name, ()), settings)
        findings += _recreated(model, recorded.get(name, {}))
    # The commits of another owner are on another line, perhaps in another repository.
    owned = {model.model for model in plan.models}
    findings += _live_off_main({name: live[name] for name in owned if name in live}, trail)
    return tuple(sorted(findings, key=lambda finding: finding.model or ""))


def _row(entry: Entry, serving_changes: tuple[ServingChange, ...]) -> AuditRow:
    verified, claimed = (
        tuple(approval.name for approval in entry.approvals if approval.kind == kind)
        for kind in ("verified", "claimed")
    )
    return AuditRow(
        commit=entry.step.commit,
        model=entry.step.model,
        serving_changes=serving_changes,
        pull_request=entry.pull_request,
        verified=verified,
        claimed=claimed,
        apply_state=entry.apply_state,
        applied=min(entry.applied, key=lambda applied: applied.time, default=None),
        bytes=entry.bytes,
    )


def _serving_changes(step: Step, settings: Settings) -> tuple[ServingChange, ...]:
    before, after = step.served(settings)
    found = [ServingChange(None, before, after)] if before != after else []
    old, new = (aliases(state.fields) if state else {} for state in (step.before, step.after))
    rules = step.by(settings).serving.of(step.model, step.after or step.before)
    found += [
        ServingChange(alias, old.get(alias), new.get(alias))
        for alias in sorted({*old, *new})
        if old.get(alias) != new.get(alias) and alias != rules.alias
    ]
    return tuple(found)


def _of_row(row: AuditRow) -> Iterable[Finding]:
    what = ", ".join(str(serving_change) for serving_change in row.serving_changes)
    commit, time = row.commit.id, row.commit.time
    if not row.verified:
        claimed = f" (claimed by {', '.join(row.claimed)})" if row.claimed else ""
        message = f"{what}: no verified approval{claimed}"
        yield Finding("unapproved", message, row.model, commit, time)
    became = _NOT_APPLIED.get(row.apply_state)
    if became is not None:
        yield Finding("never-applied", f"{what}: {became}", row.model, commit, time)


def _off_main(trail: Trail) -> Iterable[Finding]:
    for record in trail.applies:
        if trail.on_main is None or trail.on_main(record.commit) or record.time not in trail.span:
            continue
        by = f" by {record.actor}" if record.actor else ""
        by += f" (as `{record.registry_user}`)" if record.registry_user else ""
        consent = f", accepted: {', '.join(record.accepted)}" if record.accepted else ""
        what = f"applied to {record.registry}{by}{consent}; the main line never contained it"
        for model in sorted({*record.models, *(change.model for change in record.changes)}):
            yield Finding("off-main", what, model, record.commit, record.time)


def _live_off_main(live: Mapping[str, Live], trail: Trail) -> Iterable[Finding]:
    if trail.on_main is None:
        return
    for name, model in live.items():
        for commit in model.recorded:
            if commit != "-" and not trail.on_main(commit):
                message = (
                    "is the commit that the registry records; the main line does not contain it"
                )
                yield Finding("off-main", message, name, commit)


def _difference(change: Change) -> Finding:
    kind: FindingKind = "drift" if change.cause == "drift" else "pending"
    live, declared = (_shown(change.field, value) for value in (change.before, change.after))
    message = f"{change.field} is {live}, git says {declared}"
    return Finding(kind, message, change.model, change=change)


def _deleted(model: str, version: int) -> Finding:
    return Finding("drift", f"v{version} was deleted in the registry, git declares it", model)


def _shown(address: Field, held: Value | None) -> str:
    if held is None:
        return "nothing"
    return f"v{held}" if address.name == "alias" else str(held)


def _unmanaged(
    live: Live, declaration: Declaration | None, changes: Iterable[Change], settings: Settings
) -> Iterable[Finding]:
    managed = {change.field for change in changes} | set(declaration.fields if declaration else ())
    serving = settings.serving.of(live.model, declaration)
    for version in sorted(serving.versions(settings.ignore.without(live.fields))):
        alias = serving.alias
        address = Field("alias", None, alias) if alias is not None else Field("stage", version)
        if address not in managed:
            message = f"v{version} serves ({serving}), and git does not declare it"
            yield Finding("unmanaged", message, live.model)


def _identities(
    applies: Iterable[ApplyRecord], new_names: Mapping[str, str]
) -> Mapping[str, Mapping[int, tuple[datetime, Identity]]]:
    """Return each version's identity in the last apply that named it, with its time."""
    latest: dict[str, dict[int, tuple[datetime, Identity]]] = {}
    for record in applies:
        for named in record.versions:
            for name in {named.model, new_names.get(named.model, named.model)}:
                latest.setdefault(name, {})[named.version] = (record.time, named.identity)
    return latest


def _recreated(live: Live, recorded: Mapping[int, tuple[datetime, Identity]]) -> Iterable[Finding]:
    for version, (time, was) in sorted(recorded.items()):
        present = live.versions.get(version)
        if present is not None and present.identity != was:
            parts = [
                f"{name} was {old}, is {new}"
                for name, old, new in (
                    ("run", was.run_id, present.identity.run_id),
                    ("source", was.source, present.identity.source),
                    ("creation time", was.created, present.identity.created),
                )
                if old != new
            ]
            when = f"{time:%Y-%m-%d %H:%M:%S}Z"
            message = f"v{version} is not the version applied at {when}: {'; '.join(parts)}"
            yield Finding("recreated", message, live.model)


def _problem(problem: Problem) -> Finding:
    return Finding("error", problem.message, problem.model)
