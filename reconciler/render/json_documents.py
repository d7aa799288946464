"""Builds the JSON documents of plans, reports and failures: the stable schema for scripts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from reconciler.errors import ExitCode, Problem

if TYPE_CHECKING:  # `validate` has documents too, and must not wait for plans
    from collections.abc import Mapping, Sequence

    from reconciler.core.artifacts.bytes_check import BytesCheck
    from reconciler.core.changes import Change
    from reconciler.core.plan import DraftPlan, JudgedPlan, ModelPlan, RegistryRef
    from reconciler.core.report import ApplyReport
    from reconciler.core.state import Field, Value
    from reconciler.core.violations import Violation
    from reconciler.planning.permissions import PermissionCheck
    from reconciler.planning.status import StatusRow

FORMAT_VERSION: Final = "1"

Document: TypeAlias = dict[str, Any]

_REASONS: Final[Mapping[int, str]] = {
    0: "",
    1: "usage",
    3: "declared state",
    4: "refused",
    5: "out of step",
    6: "registry",
    7: "partly applied",
    130: "interrupted",
    143: "terminated",
}


def dumps(document: Document) -> str:
    """Return the one JSON document of a run; the same input gives the same bytes.

    It is ASCII, so that characters in a tag cannot affect the terminal or log that shows it.
    """
    return json.dumps(document, indent=1) + "\n"


def ending(code: int, changes: str = "changes") -> Document:
    """Return the `exit` member: the code and its reason, null when the run succeeded.

    `changes` is the reason of `ExitCode.CHANGES`.
    """
    reason = changes if code == ExitCode.CHANGES else _REASONS[int(code)]
    return {"code": int(code), "reason": reason or None}


def registry(ref: RegistryRef) -> Document:
    """Return the `registry` member of a document."""
    return {"uri": ref.uri, "name": ref.name, "workspace": ref.workspace}


def failure(problems: Sequence[Problem], code: ExitCode) -> Document:
    """Return the document of a command that failed before it had a result."""
    return {
        "format_version": FORMAT_VERSION,
        "errors": [error(problem) for problem in problems],
        "exit": ending(code),
    }


def plan(value: JudgedPlan, code: ExitCode) -> Document:
    """Return a plan's document.

    `pending_approvals`, `notes` and a model's `deleted`, `taken_from` and `evidence` are left out
    when they are empty.
    """
    return _plan(value, code, value.violations, value.pending)


def _plan(
    value: DraftPlan,
    code: ExitCode,
    violations: Sequence[Violation] = (),
    pending: Sequence[Violation] = (),
) -> Document:
    state = value.state
    waiting = [_violation(violation) for violation in pending]
    return {
        "format_version": FORMAT_VERSION,
        "digest": value.digest,
        "registry": registry(value.registry),
        "state": {"path": state.path, "commit": state.commit, "dirty": bool(state.dirty)},
        "summary": value.summary,
        "changes": [change(row) for row in value.changes],
        "models": [_model(model, value.registry) for model in value.models],
        "violations": [_violation(violation) for violation in violations],
        **({"pending_approvals": waiting} if waiting else {}),
        **({"notes": list(value.notes)} if value.notes else {}),
        "errors": [error(problem) for problem in value.problems],
        "exit": ending(code),
    }


def drift(
    drifted: DraftPlan, pending: DraftPlan, bytes_rows: Sequence[Document], code: ExitCode
) -> Document:
    """Return `drift`'s document: a plan's, with `pending`, `deleted`, `bytes` beside `changes`."""
    document: Document = {}
    for key, member in _plan(drifted, code).items():
        document[key] = member
        if key == "changes":
            document["pending"] = [change(row) for row in pending.changes]
            document["deleted"] = [{"model": m, "version": v} for m, v in drifted.deleted]
            document["bytes"] = list(bytes_rows)
    document["summary"] = drifted.summary | {"pending": len(pending.changes)}
    return document


def report(value: ApplyReport, code: int) -> Document:
    """Return the document of `apply`: that of its plan, with an outcome on every change."""
    results = {result.change: result for result in value.results}
    document = plan(value.plan, ExitCode.OK)
    document["summary"] = value.summary
    document["changes"] = [
        change(row)
        | {
            "outcome": results[row].outcome if row in results else "skipped",
            "error": results[row].error if row in results else None,
        }
        for row in value.plan.changes
    ]
    document["errors"] += [
        {
            "file": None,
            "line": None,
            "column": None,
            "model": model.model,
            "message": model.error,
            "hint": None,
        }
        for model in value.models
        if model.error
    ]
    document["errors"] += map(error, value.refusals)
    reports = {model.model: model for model in value.models}
    for row in document["models"]:
        if (model := reports.get(row["model"])) is not None:
            row["messages"] += model.messages
            row["bytes"] = [bytes_check(check) for check in model.bytes] or row["bytes"]
    document["exit"] = ending(code)
    return document


def permissions(value: PermissionCheck) -> Document:
    """Return what the user may do, and what is missing or not told."""
    return {
        "user": value.user,
        "managed": value.is_managed,
        "missing": [
            {"model": row.model, "needs": row.needs, "has": row.has}
            for row in value.models
            if row.suffices is False
        ],
        "unknown": [row.model for row in value.models if row.suffices is None],
    }


def change(row: Change) -> Document:
    """Return one change as an item of `changes`."""
    return {
        "model": row.model,
        "version": row.field.version,
        "field": row.field.name,
        "key": row.field.key,
        "before": row.before,
        "after": row.after,
        "action": row.action,
        "cause": row.cause,
    }


def held(model: str, address: Field, value: Value) -> Document:
    """Return one live value as an item of `unmanaged`."""
    return {
        "model": model,
        "version": address.version,
        "field": address.name,
        "key": address.key,
        "value": value,
    }


def status(rows: Sequence[StatusRow], value: DraftPlan, code: ExitCode) -> Document:
    """Return the document of `status`."""
    return {
        "format_version": FORMAT_VERSION,
        "registry": registry(value.registry),
        "state": _plan(value, code)["state"],
        "versions": [
            {
                "model": row.model,
                "version": row.version,
                "stage": row.stage,
                "aliases": list(row.aliases),
                "sync": row.sync,
                "commit": row.commit,
                "unfinished": row.unfinished,
            }
            for row in rows
        ],
        "errors": [error(problem) for problem in value.problems],
        "exit": ending(code),
    }


def error(problem: Problem) -> Document:
    """Return one problem as an item of `errors`, with `values` where it contrasts some."""
    contrasts = [contrast._asdict() for contrast in problem.contrasts]
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "model": problem.model,
        "message": problem.message,
        "hint": problem.hint,
        **({"values": contrasts} if contrasts else {}),
    }


def _model(model: ModelPlan, ref: RegistryRef) -> Document:
    from reconciler.render.inspection import comparison  # noqa: PLC0415  see above
    from reconciler.render.usage import blast_radius  # noqa: PLC0415  the same

    return {
        "model": model.model,
        "outcome": model.outcome,
        "file": model.file,
        "digest": model.digest(ref),
        "records": model.record is not None,
        "messages": list(model.messages),
        "bytes": [bytes_check(check) for check in model.bytes],
        "consumers": blast_radius.documents(model),
        **({"deleted": sorted(model.deleted)} if model.deleted else {}),
        **({"taken_from": model.taken_from} if model.taken_from is not None else {}),
        **(
            {"evidence": [comparison.document(one) for one in model.evidence]}
            if model.evidence
            else {}
        ),
    }


def bytes_check(check: BytesCheck) -> Document:
    """Return the check of a version's bytes as an item of `bytes`."""
    return {
        "version": check.version,
        "digest": check.digest,
        "outcome": check.outcome,
        "files": len(check.read.files) if check.read is not None else None,
        "size": check.read.size if check.read is not None else None,
        "differences": [file._asdict() for file in check.differences],
        "why": check.why,
    }


def _violation(violation: Violation) -> Document:
    return {
        "name": violation.name,
        "model": violation.model,
        "message": violation.message,
        "hint": violation.hint,
        "accepted": violation.accepted,
        "enforce": violation.enforce,
    }
