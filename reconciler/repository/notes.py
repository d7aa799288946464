"""Apply records in git: notes under `refs/notes/reconciler`, added to, merged, pushed, fetched.

Everything is prepared under a ref of this process alone and then put in place with one
compare-and-swap, so that a process which is killed leaves what was there before.
"""

import os
import random
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.audit.apply_record import ApplyRecord
from reconciler.audit.record_lines import dumps, loads
from reconciler.core.matching import nearest
from reconciler.core.uris import safe_uri
from reconciler.errors import OutOfStep, UsageError
from reconciler.repository.command import NO_ANSWER
from reconciler.repository.repository import GitRepo

REF: Final = "refs/notes/reconciler"
_OURS: Final = "refs/notes/reconciler-of-a-run"  # the start of the names of temporary refs
_NEVER: Final = "0" * 64
_ATTEMPTS: Final = 12
_LONGEST_PAUSE: Final = 2.0
_ANOTHER_WRITES: Final = ("lock", "failed to update ref")  # what a remote says meanwhile
_NOBODY: Final = "mlflow-reconciler"
_PATIENCE: Final = 120.0  # seconds for a remote to answer one question
_LEFT_OVER: Final = 24 * 3600  # seconds after which nobody works on a temporary ref any more


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
    if _tip(repo, REF) is None:
        return None
    check_notes(repo)
    records: dict[str, tuple[ApplyRecord, ...]] = {}
    unreadable = []
    for line in _git(repo, "notes", f"--ref={REF}", "list").splitlines():
        blob, commit = line.split()
        found = [loads(line) for line in _lines(repo.blob(blob))]
        # A note that was copied to another commit is not a record of that one.
        good = [record for record in found if record is not None and record.commit == commit]
        if len(good) != len(found):
            unreadable.append(commit)
        records[commit] = tuple(sorted(good, key=lambda record: record.time))
    return Notes(records, tuple(sorted(unreadable)))


def notes_commit(repo: GitRepo) -> str | None:
    """Return the commit of the clone's notes, None when it has none."""
    return _tip(repo, REF)


def check_notes(repo: GitRepo) -> None:
    """Raise `OutOfStep` where the clone's ref holds no notes: none can be read or added."""
    if _tip(repo, REF) is not None and not _holds_notes(repo, REF):
        raise OutOfStep(
            f"`{REF}` of this clone is broken: it holds no notes",
            hint=f"take it away: `git update-ref -d {REF}`; `--fetch-notes REMOTE` brings those "
            "that were pushed",
        )


def holds_notes(repo: GitRepo) -> bool:
    """Return whether the clone has records that can be added to."""
    return _tip(repo, REF) is not None and _holds_notes(repo, REF)


def write_record(repo: GitRepo, record: ApplyRecord) -> None:
    """Add a record to the note of its commit; raises `OutOfStep` when git does not take it."""
    _clean_up(repo)
    for _ in _attempts():
        before = _tip(repo, REF)
        with _prepared(repo, before) as ref:
            try:
                _append(repo, ref, record)
            except OSError as error:
                raise OutOfStep(f"`{REF}` cannot be written: {error.strerror}") from error
            if _put(repo, ref, before):
                return
    raise OutOfStep(f"`{REF}` is being written by others all the time", hint="try again")


def push_notes(repo: GitRepo, remote: str, *, patience: float = _PATIENCE) -> None:
    """Bring the clone's records to a remote, merged with those that are there.

    Raises `OutOfStep` when it does not take them, or does not answer within `patience`; they stay
    in the clone, and the next push takes them along.
    """
    reason = "others were faster every time"
    push = ("push", "--quiet", "--no-verify", "--porcelain", remote, f"{REF}:{REF}")
    for _ in _attempts():
        fetch_notes(repo, remote, patience=patience)
        if _tip(repo, REF) is None:
            return
        status, out, reason = repo.run(*push, seconds=patience)
        if status == 0:
            return
        reason = _refusal(out) or reason
        passing = any(words in reason for words in _ANOTHER_WRITES)
        if status == NO_ANSWER or not (passing or _lost_the_race(repo, remote, patience)):
            break
    raise OutOfStep(
        f"the apply records were not pushed to `{safe_uri(remote)}`: {reason}",
        hint=f"git push {safe_uri(remote)} {REF}",
    )


def fetch_notes(repo: GitRepo, remote: str, *, patience: float = _PATIENCE) -> None:
    """Merge a remote's records into the clone's; a remote without any is fine.

    Raises `OutOfStep` for one that cannot be read, or does not answer within `patience`.
    """
    for _ in _attempts():
        with _prepared(repo, None) as theirs:
            if not _fetched(repo, remote, theirs, patience):
                return
            before = _tip(repo, REF)
            if before is None:
                if _put(repo, theirs, None):
                    return
                continue
            with _prepared(repo, before) as ref:
                _merge(repo, ref, theirs)
                if _put(repo, ref, before):
                    return
    raise OutOfStep(f"`{REF}` is being written by others all the time", hint="try again")


def check_remote(repo: GitRepo, remote: str) -> None:
    """Raise `UsageError` for a name that is neither a remote of the clone nor a URL or path."""
    known = _git(repo, "remote").split()
    # Git would read what begins with a dash as an option, and some name a program to run.
    is_place = any(mark in remote for mark in "/:") and not remote.startswith("-")
    if remote not in known and not is_place:
        listed = ", ".join(f"`{name}`" for name in known)
        way = f"there is {listed}" if known else "git remote add NAME URL"
        hint = nearest(remote, known) or way
        raise UsageError(f"`{remote}` is not a remote of this repository", hint=hint)


def _append(repo: GitRepo, ref: str, record: ApplyRecord) -> None:
    status, blob, _ = repo.run("notes", f"--ref={ref}", "list", record.commit)
    lines = dict.fromkeys(_lines(repo.blob(blob.strip()))) if status == 0 else {}
    lines[dumps(record).rstrip("\n")] = None
    # An argument may be 128 KiB long, and a record longer.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "note"
        path.write_text("".join(f"{line}\n" for line in sorted(lines)), encoding="utf-8")
        written = _git(repo, "hash-object", "-w", "--no-filters", "--", str(path)).strip()
    name = record.actor or _NOBODY
    _git(
        repo,
        *_identity(repo, name),
        *("notes", f"--ref={ref}", "add", "--force", f"--reuse-message={written}", record.commit),
    )


def _merge(repo: GitRepo, ref: str, theirs: str) -> None:
    _git(
        repo,
        *_identity(repo, _NOBODY),
        *("notes", f"--ref={ref}", "merge", "--quiet", "--strategy=cat_sort_uniq", theirs),
    )


def _fetched(repo: GitRepo, remote: str, ref: str, patience: float) -> bool:
    """Bring a remote's notes here under `ref`; false when it has none."""
    status, out, reason = repo.run("ls-remote", "--quiet", remote, REF, seconds=patience)
    if status == 0 and not out:
        return False
    if status == 0:
        fetch = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head")
        status, _, reason = repo.run(*fetch, remote, f"+{REF}:{ref}", seconds=patience)
    if status:
        raise OutOfStep(
            f"the apply records of `{safe_uri(remote)}` cannot be fetched: {reason}",
            hint=f"git fetch {safe_uri(remote)} {REF}:{REF}",
        )
    if not _holds_notes(repo, ref):
        raise OutOfStep(
            f"`{REF}` of `{safe_uri(remote)}` is broken: it holds no notes",
            hint="whoever may push there takes it away, and pushes theirs",
        )
    return True


def _holds_notes(repo: GitRepo, ref: str) -> bool:
    """Return whether a ref is a commit that is here: git takes any object for a ref."""
    status, kind, _ = repo.run("cat-file", "-t", ref)
    return status == 0 and kind.strip() == "commit"


def _refusal(out: str) -> str:
    """Return why a remote refused, from what `git push --porcelain` prints."""
    lines = (line.split("\t") for line in out.splitlines() if line.startswith("!"))
    return next((parts[-1] for parts in lines), "")


def _lost_the_race(repo: GitRepo, remote: str, patience: float) -> bool:
    """Return whether the remote has what we do not: then a refused push is worth another try."""
    status, out, _ = repo.run("ls-remote", "--quiet", remote, REF, seconds=patience)
    if status or not out:
        return False
    return repo.run("merge-base", "--is-ancestor", out.split()[0], REF)[0] != 0


@contextmanager
def _prepared(repo: GitRepo, tip: str | None) -> Iterator[str]:
    """Give a ref of this run alone, at `tip`; it is gone afterwards."""
    # When it was made is in its name: the commit that it points to may be older.
    ref = f"{_OURS}/{int(time.time())}-{os.getpid()}-{uuid.uuid4().hex}"
    try:
        if tip is not None:
            _git(repo, "update-ref", ref, tip)
        yield ref
    finally:
        repo.run("update-ref", "-d", ref)


def _clean_up(repo: GitRepo) -> None:
    """Remove the temporary refs that killed processes left behind long ago."""
    _, listed, _ = repo.run("for-each-ref", "--format=%(refname)", _OURS)
    for ref in listed.split():
        made = ref.removeprefix(f"{_OURS}/").partition("-")[0]
        if made.isdecimal() and int(made) < time.time() - _LEFT_OVER:
            repo.run("update-ref", "-d", ref)


def _put(repo: GitRepo, ref: str, before: str | None) -> bool:
    """Put what was prepared in place, unless another process was faster."""
    prepared = _tip(repo, ref)
    if prepared is None:
        raise OutOfStep(f"`{ref}` is gone", hint="try again")
    if prepared == before:
        return True
    message = "reconciler: apply records"
    status, _, reason = repo.run(
        "update-ref", "-m", message, REF, prepared, before or _NEVER[: len(prepared)]
    )
    if status and _tip(repo, REF) == before and "lock" not in reason:
        raise OutOfStep(f"`{REF}` cannot be written: {reason}")
    return status == 0


def _tip(repo: GitRepo, ref: str) -> str | None:
    status, out, _ = repo.run("rev-parse", "--verify", "--quiet", ref)
    return out.strip() if status == 0 else None


def _identity(repo: GitRepo, name: str) -> list[str]:
    """Return the options that give git an author where nobody configured one."""
    missing = {"user.name": name, "user.email": f"{_NOBODY}@localhost"}
    return [
        option
        for key, value in missing.items()
        if repo.run("config", "--get", key)[0]
        for option in ("-c", f"{key}={value}")
    ]


def _attempts() -> Iterator[int]:
    """Yield a few times, with a pause between that grows and differs from process to process."""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(random.uniform(0.01, min(_LONGEST_PAUSE, 0.05 * 2**attempt)))  # noqa: S311  no secret
        yield attempt


def _lines(note: bytes) -> list[str]:
    text = note.decode("utf-8", errors="replace")
    return [line for line in text.split("\n") if line.strip()]


def _git(repo: GitRepo, *arguments: str) -> str:
    status, out, reason = repo.run(*arguments)
    if status:
        command = next(word for word in arguments if not word.startswith("-") and "=" not in word)
        raise OutOfStep(f"`git {command}` failed: {reason}")
    return out
