"""Drift of bytes: whether what git pins by a digest still has the files that were approved.

A listing tells names and sizes at the price of one request a folder; only reading every file tells
a swap that keeps the size.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, NamedTuple, TypeAlias

from reconciler.core.artifacts.bytes_check import (
    ApprovedFiles,
    BytesCheck,
    BytesOutcome,
    contrasts,
    refusal,
    unreadable,
)
from reconciler.core.artifacts.model_files import ListedFile
from reconciler.core.state import in_use
from reconciler.errors import ExitCode, Problem, ReconcilerError, RegistryError
from reconciler.planning.artifacts.approved_bytes import READERS, BytesReading, read_and_checked
from reconciler.planning.checks import Compared
from reconciler.ports.artifacts import ReadBytes
from reconciler.ports.parallel import each

# "sizes" compares listings of what serves; the others read what serves, or all that is declared.
BytesDepth: TypeAlias = Literal["sizes", "serving", "all"]
ListFiles: TypeAlias = Callable[[str, int], Sequence[ListedFile]]

# A model with another outcome is not managed here, or cannot be compared: that is told already.
_COMPARED: Final = ("in-sync", "changes", "held")
_LISTINGS: Final = 8  # at a time


@dataclass(frozen=True, slots=True)
class PinnedVersion:
    """A version that is in the registry, and whose files git pins by `digest`."""

    model: str
    version: int
    digest: str
    file: str | None = None
    line: int | None = None

    @property
    def key(self) -> tuple[str, int, str]:
        """Model, version and digest: the order of versions, and what records list files by."""
        return self.model, self.version, self.digest

    @property
    def place(self) -> tuple[str, str | None]:
        """The model, and the file that declares it."""
        return self.model, self.file


class PinnedBytes(NamedTuple):
    """A pinned version, and what became of comparing its files."""

    pinned: PinnedVersion
    check: BytesCheck

    @property
    def problem(self) -> Problem:
        """The complaint about a version that differs or cannot be read, at its entry."""
        pinned, check = self
        message = refusal(pinned.model, check) or ""
        is_unread = check.outcome == "unreadable"
        return Problem(
            message,
            ExitCode.REGISTRY if is_unread else ExitCode.CHANGES,
            file=pinned.file,
            line=pinned.line,
            model=pinned.model,
            contrasts=contrasts(check.differences),
        )


@dataclass(frozen=True, slots=True)
class BytesDrift:
    """The check of every version that was to be compared, by model and version."""

    depth: BytesDepth = "sizes"
    checks: tuple[PinnedBytes, ...] = ()

    @property
    def rows(self) -> tuple[PinnedBytes, ...]:
        """The versions to act on: those that differ, and where all was to be read, unread ones.

        A listing that cannot be read is not one of them: a drift of values is looked for without
        access to the store, too.
        """
        return tuple(
            row
            for row in self.checks
            if row.check.outcome == "different"
            or (row.check.outcome == "unreadable" and self.depth != "sizes")
        )

    @property
    def different(self) -> tuple[PinnedBytes, ...]:
        """The versions whose files are not those that were approved."""
        return self.having("different")

    @property
    def is_as_approved(self) -> bool:
        """Whether what was compared is as approved, and nothing that could not be is in doubt.

        Where no record lists any files, as without the records, sizes prove nothing.
        """
        proven = self.depth != "sizes" or bool(self.having("same"))
        return proven and not (self.different or self.having("unreadable"))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """A problem for each version that was to be read and could not be."""
        return tuple(row.problem for row in self.rows if row.check.outcome == "unreadable")

    def having(self, outcome: BytesOutcome) -> tuple[PinnedBytes, ...]:
        """Return the versions with this outcome."""
        return tuple(row for row in self.checks if row.check.outcome == outcome)


def pinned_versions(compared: Compared, *, everything: bool) -> tuple[PinnedVersion, ...]:
    """Return the declared versions with a digest that the registry has, by model and version.

    Without `everything` those that serve: declared or live in an active stage or under an alias. A
    model on hold is among them: a hold stops writes, and what serves may have changed all the same.
    """
    return tuple(_pinned(compared, everything=everything))


def listings_compared(
    versions: Sequence[PinnedVersion],
    list_files: ListFiles,
    reading: BytesReading,
) -> BytesDrift:
    """Return whether the listed names and sizes are those of the approved files.

    A version whose approved files nobody knows is not listed: its check is `unchecked`. Where none
    of the first that are tried can be listed, from all over, the others are not tried: a store that
    lets nobody in may take seconds for each answer.
    """
    approved, stop = reading.approved(), reading.stop
    known = [pinned for pinned in versions if approved.knows(*pinned.key)]
    unknown = [_unknown(pinned) for pinned in versions if not approved.knows(*pinned.key)]
    check = partial(_listing_check, list_files=list_files, approved=approved)
    first = known[:: max(1, len(known) // _LISTINGS)]
    rows = _compared(check, first, threads=_LISTINGS, stop=stop)
    rest = [pinned for pinned in known if pinned not in first]
    if all(row.check.outcome == "unreadable" for row in rows):
        rows += [_untried(pinned, len(first)) for pinned in rest]
    else:
        rows += _compared(check, rest, threads=_LISTINGS, stop=stop)
    rows += unknown
    return BytesDrift("sizes", tuple(sorted(rows, key=lambda row: row.pinned.key)))


def bytes_compared(
    versions: Sequence[PinnedVersion], reading: BytesReading, depth: Literal["serving", "all"]
) -> BytesDrift:
    """Return whether every byte, and where the approved files are known every name, is the same."""
    check = partial(_bytes_check, read=reading.read, approved=reading.approved())
    rows = _compared(check, versions, threads=READERS, stop=reading.stop)
    return BytesDrift(depth, tuple(rows))


def _pinned(compared: Compared, *, everything: bool) -> Iterator[PinnedVersion]:
    for draft in compared.drafts:
        plan, declaration, live = draft.planned.plan, draft.declaration, draft.live
        if declaration is None or live is None or plan.outcome not in _COMPARED:
            continue
        serving = in_use(declaration.fields) | in_use(draft.planned.live)
        for number, digest in sorted(declaration.digests.items()):
            if number in live.versions and (everything or number in serving):
                place = (declaration.file or None, declaration.versions[number].line)
                yield PinnedVersion(plan.model, number, digest, *place)


def _compared(
    check: Callable[[PinnedVersion], PinnedBytes],
    versions: Sequence[PinnedVersion],
    *,
    threads: int,
    stop: threading.Event | None,
) -> list[PinnedBytes]:
    """Return a check of each version; one that a stop kept from being reached is unreadable."""
    done: dict[PinnedVersion, PinnedBytes] = {}

    def note(pinned: PinnedVersion) -> None:
        done[pinned] = check(pinned)

    each(note, versions, threads=threads, stop=stop)
    return [done.get(pinned) or _interrupted(pinned) for pinned in versions]


def _interrupted(pinned: PinnedVersion) -> PinnedBytes:
    error = RegistryError("interrupted before it was compared")
    return PinnedBytes(pinned, unreadable(pinned.version, pinned.digest, error))


def _unknown(pinned: PinnedVersion) -> PinnedBytes:
    why = "no apply record lists its files"
    return PinnedBytes(pinned, BytesCheck(pinned.version, pinned.digest, "unchecked", why=why))


def _untried(pinned: PinnedVersion, tried: int) -> PinnedBytes:
    why = f"not tried, because none of {tried} others could be"
    return PinnedBytes(pinned, BytesCheck(pinned.version, pinned.digest, "unreadable", why=why))


def _listing_check(
    pinned: PinnedVersion, list_files: ListFiles, approved: ApprovedFiles
) -> PinnedBytes:
    try:
        now = list_files(pinned.model, pinned.version)
    except (ReconcilerError, OSError) as error:
        return PinnedBytes(pinned, unreadable(pinned.version, pinned.digest, error))
    differences = approved.listed_differences(*pinned.key, now)
    outcome: BytesOutcome = "different" if differences else "same"
    check = BytesCheck(pinned.version, pinned.digest, outcome, differences=differences)
    return PinnedBytes(pinned, check)


def _bytes_check(pinned: PinnedVersion, read: ReadBytes, approved: ApprovedFiles) -> PinnedBytes:
    return PinnedBytes(pinned, read_and_checked(*pinned.key, read, approved))
