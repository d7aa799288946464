"""How the bytes of a plan's versions are read, and which files are known to be approved."""

import threading
from collections.abc import Callable

from reconciler.api.apply_records import approved_in
from reconciler.api.workspace import Workspace
from reconciler.core.artifacts.bytes_check import ApprovedFiles
from reconciler.errors import OutOfStep
from reconciler.planning.approved_bytes import BytesReading


def bytes_reading(workspace: Workspace) -> BytesReading:
    """Return how a workspace reads bytes; its records are read when the first are compared."""
    return BytesReading(
        workspace.read_bytes, _once(lambda: _approved(workspace)), workspace.stop.event
    )


def _approved(workspace: Workspace) -> ApprovedFiles:
    """Return the files that the clone's apply records list; broken records list none.

    They name what differs. Whether the bytes differ is told by the digest alone.
    """
    try:
        return approved_in(workspace.repo)
    except OutOfStep as error:
        workspace.warn_of(error.problems)
        return {}


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
