"""Apply records in git: notes under `refs/notes/reconciler`, added to, merged, pushed, fetched."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.audit.apply_record import ApplyRecord
from reconciler.audit.record_lines import dumps, loads
from reconciler.repository.notes.notes_ref import (
    NOBODY,
    PATIENCE,
    NotesRef,
    attempts,
    clean_up,
    git,
    identity,
    lines_of,
    temporary_ref,
    tip_of,
    written_blob,
)
from reconciler.repository.repository import GitRepo

REF: Final = "refs/notes/reconciler"
_NOTES: Final = NotesRef(
    REF, "apply records", "`--fetch-notes REMOTE` brings those that were pushed"
)


@dataclass(frozen=True, slots=True)
class Notes:
    """Every apply record of a clone, by commit; `unreadable` are the commits with a broken line."""

    records: Mapping[str, tuple[ApplyRecord, ...]]
    unreadable: tuple[str, ...] = ()


def records_of(repo: GitRepo) -> Mapping[str, tuple[ApplyRecord, ...]] | None:
    """Return the apply records by commit, oldest first; None when the clone has no such notes."""
    notes = read_notes(repo)
    return None if notes is None else notes.records


def read_notes(repo: GitRepo) -> Notes | None:
    """Return the clone's notes, None when it has none at all: that says nothing about applying."""
    if _NOTES.tip(repo) is None:
        return None
    check_notes(repo)
    records: dict[str, tuple[ApplyRecord, ...]] = {}
    unreadable = []
    for line in git(repo, "notes", f"--ref={REF}", "list").splitlines():
        blob, commit = line.split()
        found = [loads(line) for line in lines_of(repo.blob(blob))]
        # A note that was copied to another commit is not a record of that one.
        good = [record for record in found if record is not None and record.commit == commit]
        if len(good) != len(found):
            unreadable.append(commit)
        records[commit] = tuple(sorted(good, key=lambda record: record.time))
    return Notes(records, tuple(sorted(unreadable)))


def notes_commit(repo: GitRepo) -> str | None:
    """Return the commit of the clone's notes, None when it has none."""
    return _NOTES.tip(repo)


def check_notes(repo: GitRepo) -> None:
    """Raise `OutOfStep` where the clone's ref holds no notes: none can be read or added."""
    _NOTES.check(repo)


def holds_notes(repo: GitRepo) -> bool:
    """Return whether the clone has records that can be added to."""
    return _NOTES.is_readable(repo)


def write_record(repo: GitRepo, record: ApplyRecord) -> None:
    """Add a record to the note of its commit; raises `OutOfStep` when git does not take it."""
    clean_up(repo)
    for _ in attempts():
        before = _NOTES.tip(repo)
        with temporary_ref(repo, before) as ref:
            _append(repo, ref, record)
            if _NOTES.put(repo, tip_of(repo, ref), before):
                return
    raise _NOTES.never_free()


def push_notes(repo: GitRepo, remote: str, *, patience: float = PATIENCE) -> None:
    """Bring the clone's records to a remote, merged with those that are there.

    Raises `OutOfStep` when it does not take them, or does not answer within `patience`; they stay
    in the clone, and the next push takes them along.
    """
    reason = "others were faster every time"
    for _ in attempts():
        fetch_notes(repo, remote, patience=patience)
        if _NOTES.tip(repo) is None:
            return
        refused = _NOTES.try_push(repo, remote, patience)
        if refused is None:
            return
        reason = refused.reason
        passing = refused.is_passing
        if not refused.has_answered or not (passing or _lost_the_race(repo, remote, patience)):
            break
    raise _NOTES.not_pushed(remote, reason)


def fetch_notes(repo: GitRepo, remote: str, *, patience: float = PATIENCE) -> None:
    """Merge a remote's records into the clone's; a remote without any is fine.

    Raises `OutOfStep` for one that cannot be read, or does not answer within `patience`.
    """
    for _ in attempts():
        with temporary_ref(repo) as theirs:
            if not _NOTES.fetch(repo, remote, theirs, patience):
                return
            before = _NOTES.tip(repo)
            if before is None:
                if _NOTES.put(repo, tip_of(repo, theirs), None):
                    return
                continue
            with temporary_ref(repo, before) as ref:
                _merge(repo, ref, theirs)
                if _NOTES.put(repo, tip_of(repo, ref), before):
                    return
    raise _NOTES.never_free()


def _append(repo: GitRepo, ref: str, record: ApplyRecord) -> None:
    status, blob, _ = repo.run("notes", f"--ref={ref}", "list", record.commit)
    lines = dict.fromkeys(lines_of(repo.blob(blob.strip()))) if status == 0 else {}
    lines[dumps(record).rstrip("\n")] = None
    written = written_blob(repo, "".join(f"{line}\n" for line in sorted(lines)))
    git(
        repo,
        *identity(repo, record.actor or NOBODY),
        *("notes", f"--ref={ref}", "add", "--force", f"--reuse-message={written}", record.commit),
    )


def _merge(repo: GitRepo, ref: str, theirs: str) -> None:
    git(
        repo,
        *identity(repo),
        *("notes", f"--ref={ref}", "merge", "--quiet", "--strategy=cat_sort_uniq", theirs),
    )


def _lost_the_race(repo: GitRepo, remote: str, patience: float) -> bool:
    """Return whether the remote has what we do not: then a refused push is worth another try."""
    theirs = _NOTES.tip_at(repo, remote, patience)
    return theirs is not None and repo.run("merge-base", "--is-ancestor", theirs, REF)[0] != 0
