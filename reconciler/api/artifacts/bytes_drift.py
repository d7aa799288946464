"""Compares the files of what git pins by a digest with those that were approved."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import chain
from typing import Final, Literal, TypeAlias, cast, get_args

from reconciler.api.workspace import Workspace
from reconciler.audit.apply_record import approved_files
from reconciler.core.artifacts.bytes_check import ApprovedFiles
from reconciler.core.artifacts.model_files import ListedFile
from reconciler.core.state import Identity
from reconciler.errors import OutOfStep, UsageError
from reconciler.planning.bytes_drift import (
    BytesDrift,
    PinnedBytes,
    bytes_compared,
    listings_compared,
    pinned_versions,
)
from reconciler.planning.checks import Compared
from reconciler.render import phrases
from reconciler.repository.notes import records_of
from reconciler.repository.repository import GitRepo

ReadingDepth: TypeAlias = Literal["serving", "all"]
FetchRecords: TypeAlias = Callable[[GitRepo], object]

_NAMED: Final = 3  # versions that a sentence names
_NAMES: Final = re.compile("`[^`]*`")


def as_depth(depth: str | None) -> ReadingDepth | None:
    """Return what is to be read; raises `UsageError` for another word than there is."""
    if depth is not None and depth not in get_args(ReadingDepth):
        raise UsageError(f"`bytes` is one of {', '.join(get_args(ReadingDepth))}, not `{depth}`")
    return cast("ReadingDepth | None", depth)


def fetch_nothing(_: GitRepo) -> None:
    """Leave the apply records as the clone has them."""


def drifted_bytes(
    workspace: Workspace,
    compared: Compared,
    depth: ReadingDepth | None,
    fetch_records: FetchRecords = fetch_nothing,
) -> BytesDrift:
    """Return what became of the bytes: read where a `depth` says so, else compared by their sizes.

    Where nothing has a digest, nothing is asked of git or the registry. What no listing or record
    could tell goes to the caller's `warn`. Raises what `fetch_records` does.
    """
    versions = pinned_versions(compared, everything=depth == "all")
    if not versions:
        return BytesDrift(depth or "sizes")
    approved = _approved(workspace, fetch_records)
    if depth is not None:
        return bytes_compared(versions, workspace.read_bytes, approved or {}, depth)
    drift = listings_compared(versions, partial(_listed, workspace), approved or {})
    for sentence in (*_unlisted(drift), *_unknown(drift, has_records=approved is not None)):
        workspace.warn(sentence)
    return drift


def _listed(
    workspace: Workspace, model: str, version: int, identity: Identity
) -> tuple[ListedFile, ...]:
    return workspace.registry.artifacts(model, version, identity).listing()


def _approved(workspace: Workspace, fetch_records: FetchRecords) -> ApprovedFiles | None:
    """Return the files that apply records know, None where the clone has no records."""
    repo = workspace.repo
    if repo is None:
        return None
    fetch_records(repo)
    try:
        records = records_of(repo)
    except OutOfStep as error:  # the values were compared, and are to be told
        workspace.warn_of(error.problems)
        return None
    return None if records is None else approved_files(chain.from_iterable(records.values()))


def _unlisted(drift: BytesDrift) -> Iterator[str]:
    """Yield a sentence for each cause for which listings could not be read."""
    causes: dict[str, list[PinnedBytes]] = defaultdict(list)
    for row in drift.having("unreadable"):
        causes[_NAMES.sub("", row.check.why or "")].append(row)
    for rows in causes.values():
        yield f"the files of {_versions(rows)} cannot be listed: {rows[0].check.why}"


def _unknown(drift: BytesDrift, *, has_records: bool) -> Iterator[str]:
    rows = drift.having("unchecked")
    if rows:
        why = "no apply record has" if has_records else "this clone has no apply records with"
        fetch = "" if has_records else ", `--fetch-notes REMOTE` fetches the records"
        yield f"{why} the files of {_versions(rows)}: `drift --bytes` reads them{fetch}"


def _versions(rows: Collection[PinnedBytes]) -> str:
    names = [f"`{row.pinned.model}` v{row.pinned.version}" for row in rows]
    if len(names) == 1:
        return names[0]
    return f"{phrases.count(len(names), 'version')} ({phrases.some(names, _NAMED)})"
