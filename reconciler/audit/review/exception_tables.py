"""The tables about what left the usual way: consents, applies off the main line, work by hand."""

from collections.abc import Iterator
from typing import Final

from reconciler.audit.apply_record import ApplyRecord, RecordedChange
from reconciler.audit.dates import iso_moment
from reconciler.audit.findings import Finding
from reconciler.audit.review.review_evidence import (
    EVIDENCE_COLUMNS,
    ReviewSources,
    ReviewTable,
    evidence_of,
)
from reconciler.core.state import Field, Value

_BY_HAND: Final = ("drift", "unmanaged", "recreated", "other-bytes")
_NOW: Final = "now"


def exceptions(sources: ReviewSources) -> ReviewTable:
    """Return each consent, each finding, what was done by hand, and what could not be looked at."""
    rows = (
        *_consents(sources),
        *_declared_consents(sources),
        *(row for finding in sources.findings for row in _finding(finding, sources)),
        *_healed_exceptions(sources),
        *_gaps(sources),
    )
    return ReviewTable(
        "exceptions",
        "What left the usual way: consents, applies off the main line, changes without approval or "
        "apply, work by hand, and what could not be looked at.",
        ("time", "kind", "model", "what", "who", *EVIDENCE_COLUMNS),
        tuple(sorted(rows)),
    )


def drift(sources: ReviewSources) -> ReviewTable:
    """Return what somebody changed by hand: found and restored by applies, or open now."""
    rows = [*_healed(sources), *_open(sources)]
    if sources.registry is None:
        why = sources.not_compared or "the registry was not compared"
        rows.append(("", "", f"not known: {why}", "", "", "not known", "", *_no_evidence(), why))
    return ReviewTable(
        "drift",
        "What somebody changed in the registry by hand. MLflow does not tell who did it, nor when: "
        "the time is that of the apply that found it.",
        (
            *("found", "model", "what", "value_found", "value_declared", "state", "restored_by"),
            *EVIDENCE_COLUMNS,
            "gap",
        ),
        tuple(sorted(rows)),
    )


def _consents(sources: ReviewSources) -> Iterator[tuple[str, ...]]:
    for record in sources.records:
        for consent in record.accepted:
            rule, _, named = consent.partition("=")
            for model in [named] if named else sorted(record.named):
                what = f"consent to violate `{rule}`, in an apply to {record.registry}"
                start = (iso_moment(record.time), "consent", model, what, _who(record))
                yield (*start, *sources.evidence(record.commit, model, record.commit))


def _declared_consents(sources: ReviewSources) -> Iterator[tuple[str, ...]]:
    """Yield the consents that files declare, with the last commit that has them."""
    for model, declaration in sorted(sources.declared.items()):
        for consent in declaration.accept:
            what = f"`{consent.guard}` may be violated until {consent.until}: {consent.reason}"
            start = ("", "consent in a file", model, what, declaration.file)
            yield (*start, *sources.evidence(sources.commit, model))


def _finding(finding: Finding, sources: ReviewSources) -> Iterator[tuple[str, ...]]:
    kind = "by hand" if finding.kind in _BY_HAND else finding.kind
    time = iso_moment(finding.time) or (_NOW if finding.commit is None else "")
    start = (time, kind, finding.model or "", finding.message, "")
    entry = sources.entry(finding.commit, finding.model)
    note = finding.commit or "" if finding.kind == "off-main" and finding.time else ""
    found = evidence_of(entry) if entry else sources.evidence(finding.commit, None, note)
    yield (*start, *found)


def _healed_exceptions(sources: ReviewSources) -> Iterator[tuple[str, ...]]:
    for record, change in _restored(sources):
        address, found, declared = _values_of(change)
        what = f"{address} was {found}, git says {declared}; an apply restored it"
        start = (iso_moment(record.time), "by hand", change.model, what, "")
        yield (*start, *sources.evidence(record.commit, change.model, record.commit))


def _healed(sources: ReviewSources) -> Iterator[tuple[str, ...]]:
    for record, change in _restored(sources):
        address, found, declared = _values_of(change)
        state = "restored" if change.outcome == "applied" else f"not restored: {change.outcome}"
        start = (iso_moment(record.time), change.model, address, found, declared, state)
        evidence = sources.evidence(record.commit, change.model, record.commit)
        yield (*start, _who(record), *evidence, "since when, and by whom")


def _restored(sources: ReviewSources) -> Iterator[tuple[ApplyRecord, RecordedChange]]:
    for record in sources.records:
        for change in record.changes:
            if change.cause == "drift":
                yield record, change


def _values_of(change: RecordedChange) -> tuple[str, str, str]:
    """Return what an apply changed, the value that it found and the declared one."""
    address = Field(change.field, change.version, change.key)
    return str(address), _shown(address, change.before), _shown(address, change.after)


def _open(sources: ReviewSources) -> Iterator[tuple[str, ...]]:
    for finding in sources.findings:
        if finding.kind in _BY_HAND and finding.time is None:
            start = (_NOW, finding.model or "", *_values(finding), "open", "")
            yield (*start, *_no_evidence(), "since when, and by whom")


def _values(finding: Finding) -> tuple[str, str, str]:
    """Return what somebody changed, the value there now and the declared one, where one is."""
    change = finding.change
    if change is None:
        return finding.message, "", ""
    address = change.field
    return str(address), _shown(address, change.before), _shown(address, change.after)


def _gaps(sources: ReviewSources) -> Iterator[tuple[str, ...]]:
    """Yield a row for each thing that the review could not look at."""
    told = [
        *([] if sources.trail.records is not None else ["this clone has no apply records"]),
        *([] if sources.trail.on_main is not None else ["no main line is known"]),
        *(problem.message for problem in sources.missing),
        *(
            f"{problem.where}: {problem.message}; the file counts as unchanged there"
            for problem in sources.unreadable
        ),
    ]
    if sources.registry is None:
        told.append(f"no registry is compared: {sources.not_compared or 'see above'}")
    for what in dict.fromkeys(told):
        yield ("", "gap", "", what, "", *_no_evidence())


def _no_evidence() -> tuple[str, ...]:
    return ("",) * len(EVIDENCE_COLUMNS)


def _who(record: ApplyRecord) -> str:
    user = f" (as {record.registry_user})" if record.registry_user else ""
    return f"{record.actor or 'not known'}{user}"


def _shown(address: Field, value: Value | None) -> str:
    if value is None:
        return "nothing"
    return f"v{value}" if address.name == "alias" else str(value)
