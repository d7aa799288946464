"""Renders an audit as text, JSON, CSV and Markdown."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from reconciler.audit.dates import iso_moment
from reconciler.audit.evidence import Applied
from reconciler.audit.findings import Audit, AuditRow, Finding
from reconciler.errors import Problem
from reconciler.render import authors, json_documents, phrases
from reconciler.render.artifacts import approved_bytes
from reconciler.render.escape import code, harmless_cell, prose, visible
from reconciler.render.json_documents import Document
from reconciler.render.table import TableColumn, markdown_row, table
from reconciler.render.text import Effort

_MODEL = TableColumn("MODEL", 16, main=True, whole_ends=True)
_CHANGES = (
    *(
        "MERGED",
        _MODEL,
        TableColumn("WHAT", 18),
        TableColumn("COMMIT", 8),
        TableColumn("PR", leaves=3),
    ),
    *(TableColumn("AUTHOR", 8, leaves=1), TableColumn("APPROVED", 8, leaves=2)),
    TableColumn("APPLIED", 20, leaves=5),
)
_BYTES = TableColumn("BYTES", 19, leaves=4)
_FINDINGS = (
    replace(_MODEL, name=""),
    TableColumn("", 8),
    TableColumn("WHEN", leaves=1),
    TableColumn("", 40, whole_ends=True),
)
_COLUMNS = (
    *("kind", "model", "time", "commit", "what", "pull_request", "author", "authors", "verified"),
    *("claimed", "applied", "applied_from", "bytes"),
)


def text(value: Audit, effort: Effort, columns: int | None = None) -> str:
    """Return the changes as a table, the findings by kind, and the sources of both."""
    lines = [*(visible(line) for line in _ground(value)), ""]
    if value.rows:
        header = (*_CHANGES, _BYTES) if _has_digests(value) else _CHANGES
        lines += [*table(header, _cells(value), columns), ""]
    for kind, found in _by_kind(value.findings):
        lines.append(f"{kind}: {phrases.count(len(found), 'finding')}")
        room = None if columns is None else columns - 2
        lines += [f"  {line}" for line in table(_FINDINGS, map(_line, found), room)[1:]]
        lines.append("")
    models = phrases.models(len({row.model for row in value.rows}))
    changes = phrases.count(len(value.rows), "change")
    requests = phrases.count(effort.requests, "request")
    lines += [f"audit: {phrases.count(len(value.findings), 'finding')}{_incomplete(value)}"]
    lines += [f"{changes}, {models}, {requests}, {effort.seconds:.2f} s"]
    return "\n".join(lines) + "\n"


def markdown(value: Audit) -> str:
    """Return the audit as GitHub-flavoured Markdown; values from outside cannot become markup."""
    lines = [f"### Audit: {_headline(value)}", ""]
    lines += [f"- {prose(line)}" for line in _ground(value)]
    if value.rows:
        names = [*("merged", "model", "what", "commit", "PR", "author", "approved", "applied")]
        names += ["bytes"] if _has_digests(value) else []
        lines += ["", markdown_row(names), "|---" * len(names) + "|"]
        lines += [markdown_row(map(code, cells)) for cells in _cells(value)]
    for kind, found in _by_kind(value.findings):
        lines += ["", f"#### {kind}: {phrases.count(len(found), 'finding')}", ""]
        lines += ["| model | commit | when | what |", "|---|---|---|---|"]
        lines += [markdown_row(map(code, _line(finding))) for finding in found]
    return "\n".join(lines) + "\n"


def as_csv(value: Audit) -> str:
    """Return one CSV line for each change and for each finding, distinguished by `kind`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in value.rows:
        number = "" if row.pull_request is None else row.pull_request
        writer.writerow(
            harmless_cell(cell)
            for cell in (
                *("change", row.model, iso_moment(row.commit.time), row.commit.id, _what(row)),
                *(number, _author(row), authors.listed(row.commit)),
                *("; ".join(row.verified), "; ".join(row.claimed)),
                *((iso_moment(row.applied.time), row.applied.commit) if row.applied else ("", "")),
                approved_bytes.flat(row.bytes),
            )
        )
    rest = [""] * (len(_COLUMNS) - 5)  # the columns of changes only
    for problem in value.missing:
        writer.writerow(harmless_cell(cell) for cell in ("error", "", "", "", _why(problem), *rest))
    for found in value.findings:
        cells = (found.kind, found.model, iso_moment(found.time), found.commit, found.message)
        writer.writerow(harmless_cell(cell) for cell in (*cells, *rest))
    return out.getvalue()


def document(value: Audit, problems: Sequence[Problem], exit_code: int) -> Document:
    """Return the audit's JSON document."""
    kinds = Counter(finding.kind for finding in value.findings)
    return {
        "format_version": json_documents.FORMAT_VERSION,
        "line": value.line,
        "records": value.records,
        "registry": value.compared,
        "summary": {"changes": len(value.rows), "findings": len(value.findings)} | dict(kinds),
        "changes": [_row(row) for row in value.rows],
        "findings": [_finding(finding) for finding in value.findings],
        "errors": [json_documents.error(problem) for problem in problems],
        "exit": json_documents.ending(exit_code, "findings"),
    }


def _row(row: AuditRow) -> Document:
    return {
        "model": row.model,
        "commit": row.commit.id,
        "merged": iso_moment(row.commit.time),
        "author": row.commit.author,
        "author_email": row.commit.author_email,
        "authors": authors.authors(row.commit),
        "committer": row.commit.committer,
        "pull_request": row.pull_request,
        "moves": [
            {
                "what": "serving" if move.alias is None else "alias",
                "alias": move.alias,
                "before": move.before,
                "after": move.after,
            }
            for move in row.serving_changes
        ],
        "approvals": {"verified": list(row.verified), "claimed": list(row.claimed)},
        "standing": row.apply_state,
        "applied": iso_moment(row.applied.time) if row.applied else None,
        "applied_from": row.applied.commit if row.applied else None,
        "applied_off_main": row.applied is not None and row.applied.off_main,
        "applied_by": row.applied.actor if row.applied else None,
        "applied_as": row.applied.registry_user if row.applied else None,
        "bytes": [approved_bytes.document(version) for version in row.bytes],
    }


def _finding(finding: Finding) -> Document:
    return {
        "kind": finding.kind,
        "model": finding.model,
        "commit": finding.commit,
        "time": iso_moment(finding.time) or None,
        "message": finding.message,
    }


def _ground(value: Audit) -> list[str]:
    """Return what the audit is based on and what it cannot tell, first what is missing."""
    lines = [_why(problem) for problem in value.missing]
    lines.append(f"merged history of {value.line}")
    if not value.records:
        lines.append("no apply records in this clone: whether changes were applied is not known")
    if value.compared is None:
        lines.append("no registry is compared: only git is audited")
    else:
        lines.append(f"compared with {value.compared}")
    return lines


def _why(problem: Problem) -> str:
    where = f"{problem.where}: " if problem.where else ""
    return f"incomplete, the registry is not compared: {where}{problem.message}"


def _incomplete(value: Audit) -> str:
    return ", incomplete" if value.missing else ""


def _headline(value: Audit) -> str:
    changes = phrases.count(len(value.rows), "change")
    return f"{changes}, {phrases.count(len(value.findings), 'finding')}{_incomplete(value)}"


def _has_digests(value: Audit) -> bool:
    return any(row.bytes for row in value.rows)


def _cells(value: Audit) -> list[tuple[str, ...]]:
    """Return the cells of every change; those of bytes only where any version has a digest."""
    shows = _has_digests(value)
    return [
        (*_evidence(row), *([approved_bytes.cell(row.bytes)] if shows else []))
        for row in value.rows
    ]


def _evidence(row: AuditRow) -> tuple[str, ...]:
    approved = [*row.verified, *(f"{name} (claimed)" for name in row.claimed)]
    unknown = "not said" if row.apply_state == "unknown" else row.apply_state
    return (
        iso_moment(row.commit.time),
        row.model,
        _what(row),
        row.commit.id[:12],
        "-" if row.pull_request is None else f"#{row.pull_request}",
        authors.author(row.commit),
        ", ".join(approved) or "-",
        _applied(row.applied) or unknown,
    )


def _applied(applied: Applied | None) -> str:
    if applied is None:
        return ""
    where = f" from {applied.commit[:12]} (off the main line)" if applied.off_main else ""
    return f"{iso_moment(applied.time)}{where}"


def _line(finding: Finding) -> tuple[str, ...]:
    commit = (finding.commit or "-")[:12]
    return (finding.model or "-", commit, iso_moment(finding.time) or "now", finding.message)


def _by_kind(findings: Iterable[Finding]) -> list[tuple[str, list[Finding]]]:
    kinds: dict[str, list[Finding]] = {}
    for finding in findings:
        kinds.setdefault(finding.kind, []).append(finding)
    return list(kinds.items())


def _what(row: AuditRow) -> str:
    return ", ".join(str(move) for move in row.serving_changes)


def _author(row: AuditRow) -> str:
    return f"{row.commit.author} <{row.commit.author_email}>"
