"""The tables about merged changes: what changed by whom, and who approved what they wrote."""

from collections.abc import Iterator

from reconciler.audit.dates import iso_moment
from reconciler.audit.entered_bytes import EnteredBytes
from reconciler.audit.evidence import Applied, Entry
from reconciler.audit.merged_changes import MergeApproval
from reconciler.audit.review.review_evidence import (
    EVIDENCE_COLUMNS,
    ReviewSources,
    ReviewTable,
    applied_gap,
    approvers,
    evidence_of,
    first_applied,
)


def changes(sources: ReviewSources) -> ReviewTable:
    """Return every merged change with its evidence, in order of time."""
    return ReviewTable(
        "changes",
        "Every merged change of a declaration: what it meant, who wrote and approved it, and when "
        "it was applied.",
        (
            *("merged", "model", "what", "serving_before", "serving_after", "authors"),
            *("approved_verified", "approved_claimed", "applied", "applied_at", "registry"),
            *("applied_by", "registry_user", "run", "accepted", "digests", *EVIDENCE_COLUMNS),
            "gap",
        ),
        tuple(_change(entry, sources) for entry in sources.entries),
    )


def segregation(sources: ReviewSources) -> ReviewTable:
    """Return author beside approver for every merged change: one row for each approver."""
    return ReviewTable(
        "segregation",
        "Author beside approver, for each merged change. The same person: yes, no, or not known, "
        "and from what.",
        (
            *("merged", "model", "authors", "approver", "same_person", "known_from"),
            *("merged_by", "applied_by", *EVIDENCE_COLUMNS, "gap"),
        ),
        tuple(row for entry in sources.entries for row in _pairs(entry)),
    )


def _change(entry: Entry, sources: ReviewSources) -> tuple[str, ...]:
    before, after = entry.step.served(sources.settings)
    return (
        *(iso_moment(entry.time), entry.step.model, "; ".join(entry.meaning)),
        *(_version(before), _version(after), _people(entry)),
        *(approvers(entry, "verified"), approvers(entry, "claimed")),
        *(entry.apply_state, *_applied(first_applied(entry)), _digests(entry.bytes)),
        *evidence_of(entry),
        applied_gap(entry),
    )


def _applied(applied: Applied | None) -> tuple[str, ...]:
    if applied is None:
        return ("",) * 6
    return (
        *(iso_moment(applied.time), applied.registry, applied.actor or ""),
        *(applied.registry_user or "", applied.run_url or "", "; ".join(applied.accepted)),
    )


def _people(entry: Entry) -> str:
    """Return the authors of what a change brought, with their addresses."""
    return "; ".join(f"{who.name} <{who.email}>" for who in entry.step.commit.authors)


def _version(version: int | None) -> str:
    return f"v{version}" if version is not None else "nothing"


def _digests(rows: tuple[EnteredBytes, ...]) -> str:
    return "; ".join(f"v{row.version} {row.digest}" for row in rows if row.digest)


def _pairs(entry: Entry) -> Iterator[tuple[str, ...]]:
    start = (iso_moment(entry.time), entry.step.model, _people(entry))
    applied, commit = first_applied(entry), entry.step.commit
    end = (
        *(f"{commit.committer} <{commit.committer_email}>", applied.actor or "" if applied else ""),
        *evidence_of(entry),
    )
    if not entry.approvals:
        yield (*start, "", "", "", *end, "nobody is known to have approved it")
    for approval in entry.approvals:
        same, source = _same_person(approval)
        gap = "" if approval.kind == "verified" else "a trailer is a claim, which nothing proves"
        if approval.kind == "verified" and not same:
            gap = "the record does not tell whether the approver is an author"
        yield (*start, approval.name, same or "not known", source, *end, gap)


def _same_person(approval: MergeApproval) -> tuple[str, str]:
    """Return whether the approver wrote the change, and what tells it."""
    if approval.kind == "claimed":
        return "no", "name and address in the commits"
    if approval.is_author is None:
        return "", ""
    return ("yes" if approval.is_author else "no"), "the forge's accounts"
