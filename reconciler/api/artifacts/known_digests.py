"""The digests of a model's versions as far as git knows them; no byte is read."""

from collections.abc import Mapping

from reconciler.api.workspace import Workspace
from reconciler.audit.known_bytes import BytesRead, bytes_read
from reconciler.core.state import Live
from reconciler.errors import OutOfStep
from reconciler.repository.notes import records_of


def known_digests(workspace: Workspace, live: Live) -> Mapping[int, str]:
    """Return the declared digest of each version, else the one that the last apply read."""
    declared = declared_digests(workspace, live.model)
    # Where the file has none, no apply read any lately: the records need not be read for that.
    read = _bytes_read(workspace, live) if declared else {}
    return {**{number: found.row.digest for number, found in read.items()}, **declared}


def declared_digests(workspace: Workspace, model: str) -> Mapping[int, str]:
    """Return the digest of each version for which this checkout declares one."""
    declaration = workspace.desired.declarations.get(model)
    return declaration.digests if declaration else {}


def _bytes_read(workspace: Workspace, live: Live) -> Mapping[int, BytesRead]:
    try:
        records = (records_of(workspace.repo) if workspace.repo else None) or {}
    except OutOfStep:
        return {}  # what the records say of bytes is not what was asked
    made = [
        record
        for of_commit in records.values()
        for record in of_commit
        if record.registry == workspace.ref.key
    ]
    return bytes_read(made, {live.model}, live)
