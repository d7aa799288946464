"""How the bytes of a plan's versions are read, and which files are known to be approved."""

import threading
from collections.abc import Callable
from typing import TypeAlias

from reconciler.api.applying.apply_records import approved_in
from reconciler.api.workspace import Workspace
from reconciler.core.artifacts.bytes_check import ApprovedFiles
from reconciler.errors import OutOfStep
from reconciler.planning.artifacts.approved_bytes import BytesReading
from reconciler.repository.repository import GitRepo

FetchRecords: TypeAlias = Callable[[GitRepo], object]


def fetch_nothing(_: GitRepo) -> None:
    """Leave the apply records as the clone has them."""


def bytes_reading(
    workspace: Workspace, fetch_records: FetchRecords = fetch_nothing
) -> BytesReading:
    """Return how a workspace reads bytes.

    Its records are fetched and read once, when the first bytes are compared.
    """
    approved = _once(lambda: approved_by(workspace, fetch_records))
    return BytesReading(workspace.read_bytes, approved, workspace.stop.event)


def approved_by(workspace: Workspace, fetch_records: FetchRecords = fetch_nothing) -> ApprovedFiles:
    """Return the files that the clone's apply records list; broken ones list none, and say so.

    They name what differs. Whether the bytes differ is told without them, by the digest.
    """
    if workspace.repo is not None:
        fetch_records(workspace.repo)
    try:
        return approved_in(workspace.repo)
    except OutOfStep as error:
        workspace.warn_of(error.problems)
        return ApprovedFiles()


def _once(ask: Callable[[], ApprovedFiles]) -> Callable[[], ApprovedFiles]:
    """Return a function that asks once, also where several threads need the answer."""
    known: list[ApprovedFiles] = []
    asking = threading.Lock()

    def answer() -> ApprovedFiles:
        with asking:
            if not known:
                known.append(ask())
            return known[0]

    return answer
