"""What `watch` remembers, in git: two notes under `refs/notes/reconciler-watch`.

It is a state, not a history: each write makes a commit without a parent, which replaces the one
before. The notes are on the empty tree and the empty blob, objects that every clone has, a shallow
one too. The second has the bulk, and is written anew only now and then: what each write leaves
behind stays small.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeAlias

from reconciler.errors import OutOfStep
from reconciler.policy.watching.looks import WatchMemory
from reconciler.policy.watching.memory_lines import (
    NewerFormatError,
    in_note,
    memory_in,
    memory_lines,
)
from reconciler.policy.watching.merging import merged
from reconciler.repository.notes.notes_ref import (
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
from reconciler.repository.objects import blob_id, empty_tree_id
from reconciler.repository.repository import GitRepo

# Returns what of a memory is kept. It is applied to what another job pushed, too, so that what was
# left out does not come back.
Keep: TypeAlias = Callable[[WatchMemory], WatchMemory]

WATCH_REF: Final = "refs/notes/reconciler-watch"
_RACED: Final = "stale info"  # what git says where the remote has moved since it was fetched
_RECENT: Final = 400  # lines; where more are not in the bulk, that is written anew


def watch_notes(about: str | None = None) -> NotesRef:
    """Return the notes of a watch; one that is `about` another state has its own.

    In two states a name may be of two models, and what one keeps is of no use to the other.
    """
    of = "" if about is None else f"-{sha256(about.encode()).hexdigest()[:12]}"
    return NotesRef(
        f"{WATCH_REF}{of}",
        "memory of `watch`",
        "what earlier looks saw is forgotten then, and nothing else",
        has_past=False,
    )


_NOTES: Final = watch_notes()


@dataclass(frozen=True, slots=True)
class _Kept:
    """A memory as git has it, with the note that has the bulk of it, and the lines of that."""

    memory: WatchMemory
    bulk: str | None
    bulk_lines: frozenset[str]


def read_watch_memory(repo: GitRepo, notes: NotesRef = _NOTES) -> WatchMemory:
    """Return what the clone remembers, nothing where it has no such note.

    Raises `OutOfStep` where the ref is broken, or a newer release wrote it.
    """
    notes.check(repo)
    return _read(repo, notes.tip(repo)).memory


def write_watch_memory(
    repo: GitRepo, memory: WatchMemory, *, keep: Keep, notes: NotesRef = _NOTES
) -> None:
    """Add to what the clone remembers, and leave out what is not kept.

    Raises `OutOfStep` where git does not take it.
    """
    clean_up(repo)
    notes.check(repo)
    for _ in attempts():
        before = notes.tip(repo)
        known = _read(repo, before)
        wanted = keep(merged(memory, known.memory))
        if before is not None and wanted == known.memory and not known.memory.unreadable:
            return
        if notes.put(repo, _commit(repo, wanted, known), before):
            return
    raise notes.never_free()


def fetch_watch_memory(
    repo: GitRepo, remote: str, *, notes: NotesRef = _NOTES, patience: float = PATIENCE
) -> None:
    """Add what a remote remembers to what the clone does; a remote without any is fine.

    Raises `OutOfStep` for one that cannot be read, or does not answer within `patience`.
    """
    _fetched(repo, notes, remote, lambda memory: memory, patience)


def push_watch_memory(
    repo: GitRepo,
    remote: str,
    *,
    keep: Keep,
    notes: NotesRef = _NOTES,
    patience: float = PATIENCE,
) -> None:
    """Bring what the clone remembers to a remote, together with what that remembers.

    Raises `OutOfStep` where it does not take it, or does not answer within `patience`; it stays in
    the clone, and the next push takes it along.
    """
    reason = "others were faster every time"
    for _ in attempts():
        theirs = _fetched(repo, notes, remote, keep, patience)
        ours = notes.tip(repo)
        if ours is None or ours == theirs:
            return
        lease = f"--force-with-lease={notes.name}:{theirs or ''}"
        refused = notes.try_push(repo, remote, patience, lease)
        if refused is None:
            return
        reason = refused.reason
        raced = refused.is_passing or _RACED in refused.reason
        if not refused.has_answered:
            break
        if not raced and notes.tip_at(repo, remote, patience) == theirs:
            break
    raise notes.not_pushed(remote, reason)


def _fetched(
    repo: GitRepo, notes: NotesRef, remote: str, keep: Keep, patience: float
) -> str | None:
    """Add what a remote remembers to ours; return its commit, None where it has none."""
    notes.check(repo)
    for _ in attempts():
        with temporary_ref(repo) as ref:
            if not notes.fetch(repo, remote, ref, patience):
                return None
            theirs = tip_of(repo, ref)
            before = notes.tip(repo)
            if before == theirs or theirs is None:
                return theirs
            if notes.put(repo, _together(repo, before, theirs, keep), before):
                return theirs
    raise notes.never_free()


def _together(repo: GitRepo, ours: str | None, theirs: str, keep: Keep) -> str:
    """Return a commit with both memories: theirs, where ours adds nothing to it."""
    if ours is None:
        return theirs
    far = _read(repo, theirs)
    both = keep(merged(_read(repo, ours).memory, far.memory))
    return theirs if both == far.memory else _commit(repo, both, far)


def _read(repo: GitRepo, commit: str | None) -> _Kept:
    if commit is None:
        return _Kept(WatchMemory(), None, frozenset())
    recent, bulk = (repo.find(commit, place) for place in _places(commit))
    bulk_lines = lines_of(bulk.data) if bulk else []
    try:
        memory = memory_in([*bulk_lines, *(lines_of(recent.data) if recent else ())])
    except NewerFormatError as error:
        raise OutOfStep(
            f"`{WATCH_REF}` has the format {error}, of a newer release",
            hint="upgrade mlflow-reconciler: it reads what older releases wrote",
        ) from error
    return _Kept(memory, bulk.id if bulk else None, frozenset(bulk_lines))


def _commit(repo: GitRepo, memory: WatchMemory, before: _Kept) -> str:
    """Write a memory into git, and return its commit, which nothing points to yet."""
    lines, bulk = memory_lines(memory), before.bulk
    recent = [line for line in lines if line not in before.bulk_lines]
    if len(recent) > _RECENT or before.memory.unreadable:
        bulk, recent = written_blob(repo, in_note(lines)), []
    newest = written_blob(repo, in_note(recent))
    notes = zip(_places(newest), (newest, bulk), strict=True)
    entries = "".join(f"100644 blob {blob}\t{place}\n" for place, blob in notes if blob)
    tree = git(repo, "mktree", feed=entries.encode()).strip()
    commit = ("commit-tree", "--no-gpg-sign", "-m", "reconciler: memory of watch", tree)
    return git(repo, *identity(repo), *commit).strip()


def _places(like: str) -> tuple[str, str]:
    """Return the ids of the empty tree and the empty blob, by the algorithm of the id `like`."""
    return empty_tree_id(like), blob_id(b"", like)
