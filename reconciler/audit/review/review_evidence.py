"""What the tables of a review are made of, and the columns that each row of them has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from reconciler.audit.apply_record import ApplyRecord
from reconciler.audit.evidence import Applied, Entry
from reconciler.audit.findings import Finding, Trail
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration
from reconciler.errors import Problem

EVIDENCE_COLUMNS = ("commit", "pull_request", "note", "evidence")
_GAPS = {
    "unknown": "no apply record tells whether it was applied",
    "never": "never applied: a later change replaced it",
    "not yet": "no record says that it was applied",
    "partly": "applied only in part",
    "applied": "",
}


@dataclass(frozen=True, slots=True)
class ReviewTable:
    """One file of a review: its name without a suffix, what a row is, its columns, its rows.

    Each cell is text as it is; who renders makes it harmless for a spreadsheet or a page.
    """

    name: str
    about: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class ReviewSources:
    """What a review is made from: the histories, the records, what is declared, the findings.

    `declared` is what the state folder declared at `commit`, the last merge until the end of the
    period; `as_of` is that end, or the moment of the reading. `registry` names the registry that
    was compared, None where none was; `findings` are then those of the registry, too. `missing`
    and `unreadable` say what could not be read.
    """

    trail: Trail
    settings: Settings
    declared: Mapping[str, Declaration]
    commit: str | None
    as_of: datetime
    findings: Sequence[Finding]
    registry: str | None = None
    missing: Sequence[Problem] = ()
    unreadable: Sequence[Problem] = ()
    not_compared: str | None = None

    @cached_property
    def records(self) -> tuple[ApplyRecord, ...]:
        """The applies within the period, by time."""
        return tuple(record for record in self.trail.applies if record.time in self.trail.span)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The merged changes of every model within the period, oldest first."""
        found = (entry for own in self.trail.histories.values() for entry in own)
        within = (entry for entry in found if entry.time in self.trail.span)
        return tuple(sorted(within, key=lambda entry: (entry.time, entry.step.model)))

    @cached_property
    def _entry_of(self) -> Mapping[tuple[str, str], Entry]:
        return {
            (entry.step.commit.id, model): entry
            for model, own in self.trail.histories.items()
            for entry in own
        }

    @cached_property
    def _pulls(self) -> Mapping[str, int | None]:
        return {commit: entry.pull_request for (commit, _), entry in self._entry_of.items()}

    def entry(self, commit: str | None, model: str | None) -> Entry | None:
        """Return the merged change of a model that a commit is, None where it is none."""
        return self._entry_of.get((commit or "", model or ""))

    def evidence(self, commit: str | None, model: str | None, note: str = "") -> tuple[str, ...]:
        """Return the cells of `EVIDENCE_COLUMNS` for a commit and the note of an apply."""
        entry = self.entry(commit, model)
        if entry is not None:
            return evidence_of(entry)
        pull = self._pulls.get(commit or "")
        return (commit or "", _number(pull), note, "")


def evidence_of(entry: Entry) -> tuple[str, ...]:
    """Return the cells of `EVIDENCE_COLUMNS` for a merged change."""
    applied = first_applied(entry)
    kinds = {approval.kind for approval in entry.approvals}
    word = "verified" if "verified" in kinds else "claimed" if kinds else "none"
    note = applied.commit if applied else ""
    return (entry.step.commit.id, _number(entry.pull_request), note, word)


def first_applied(entry: Entry) -> Applied | None:
    """Return the first apply of a change in any registry, None where no record has one."""
    return min(entry.applied, key=lambda applied: applied.time, default=None)


def applied_gap(entry: Entry) -> str:
    """Return what is not known of the apply of a change, "" where it is recorded as a whole."""
    return _GAPS[entry.apply_state]


def approvers(entry: Entry, kind: str) -> str:
    """Return the approvers of one kind, in the order of the evidence."""
    return "; ".join(approval.name for approval in entry.approvals if approval.kind == kind)


def _number(value: int | None) -> str:
    """Return a number as text; "" for none."""
    return "" if value is None else str(value)
