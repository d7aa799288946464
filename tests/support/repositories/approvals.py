"""Approvals in apply records, as a job that asked the forge would have put them there."""

from dataclasses import replace
from typing import Final

from reconciler.audit.apply_record import RecordedApproval
from reconciler.audit.record_lines import loads
from reconciler.repository.notes.apply_records import write_record
from tests.support.registries.lab import Lab
from tests.support.repositories.git_lab import opened

REF: Final = "refs/notes/reconciler"


def approve(lab: Lab, commit: str, *names: str) -> None:
    """Put verified approvals into the record of a commit, as the forge's check would."""
    note = lab.git.git("notes", f"--ref={REF}", "show", commit)
    record = loads(note)
    assert record is not None
    lab.git.git("notes", f"--ref={REF}", "remove", commit)
    with opened(lab.git) as repo:
        approvals = tuple(
            RecordedApproval(name, "h" * 40, "2026-01-31T09:00:00Z", commit) for name in names
        )
        write_record(repo, replace(record, approvals=approvals))
