"""Compares the files of what git pins by a digest with those that were approved."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from functools import partial
from typing import Final, Literal, TypeAlias, cast, get_args

from reconciler.api.artifacts.bytes_reading import FetchRecords, bytes_reading, fetch_nothing
from reconciler.api.workspace import Workspace
from reconciler.core.artifacts.model_files import ListedFile
from reconciler.errors import UsageError
from reconciler.planning.artifacts.bytes_drift import (
    BytesDrift,
    PinnedBytes,
    bytes_compared,
    listings_compared,
    pinned_versions,
)
from reconciler.planning.checks import Compared
from reconciler.render import phrases
from reconciler.repository.delivery.commits import remotes
from reconciler.repository.notes.apply_records import holds_notes
from reconciler.repository.repository import GitRepo

ReadingDepth: TypeAlias = Literal["serving", "all"]

_NAMED: Final = 3  # versions that a sentence names
_NAMES: Final = re.compile("`[^`]*`")


def as_depth(depth: str | None) -> ReadingDepth | None:
    """Return what is to be read; raises `UsageError` for another word than there is."""
    if depth is not None and depth not in get_args(ReadingDepth):
        raise UsageError(f"`bytes` is one of {', '.join(get_args(ReadingDepth))}, not `{depth}`")
    return cast("ReadingDepth | None", depth)


def drifted_bytes(
    workspace: Workspace,
    compared: Compared,
    depth: ReadingDepth | None,
    fetch_records: FetchRecords = fetch_nothing,
) -> BytesDrift:
    """Return what became of the bytes: read where a `depth` says so, else compared by their sizes.

    Where nothing has a digest, nothing is asked of git or the registry. The caller's `warn` is told
    of versions that cannot be listed, or that no record covers. Raises what `fetch_records` does.
    """
    versions = pinned_versions(compared, everything=depth == "all")
    if not versions:
        return BytesDrift(depth or "sizes")
    reading = bytes_reading(workspace, fetch_records)
    if depth is not None:
        return bytes_compared(versions, reading, depth)
    drift = listings_compared(versions, partial(_listed, workspace), reading)
    for sentence in (*_unlisted(drift), *_unknown(drift, workspace.repo)):
        workspace.warn(sentence)
    return drift


def _listed(workspace: Workspace, model: str, version: int) -> tuple[ListedFile, ...]:
    return workspace.registry.artifacts(model, version).listing()


def _unlisted(drift: BytesDrift) -> Iterator[str]:
    """Yield a sentence for each cause for which listings could not be read."""
    causes: dict[str, list[PinnedBytes]] = defaultdict(list)
    for row in drift.having("unreadable"):
        causes[_NAMES.sub("", row.check.why or "")].append(row)
    for rows in causes.values():
        yield f"the files of {_versions(rows)} cannot be listed: {rows[0].check.why}"


def _unknown(drift: BytesDrift, repo: GitRepo | None) -> Iterator[str]:
    rows = drift.having("unchecked")
    if not rows:
        return
    unknown = f"no apply record lists the files of {_versions(rows)}: `--bytes` reads them"
    if repo is None or holds_notes(repo):
        yield unknown
    elif remotes(repo):
        yield f"{unknown}, `--fetch-notes REMOTE` fetches the records"
    else:
        yield f"{unknown}, `apply --record` keeps such records"


def _versions(rows: Collection[PinnedBytes]) -> str:
    names = [f"`{row.pinned.model}` v{row.pinned.version}" for row in rows]
    if len(names) == 1:
        return names[0]
    return f"{phrases.count(len(names), 'version')} ({phrases.some(names, _NAMED)})"
