"""The digests of a model's versions as far as git knows them; no byte is read."""

from collections.abc import Mapping

from reconciler.api.applying.apply_records import every_record
from reconciler.api.workspace import Workspace
from reconciler.audit.known_bytes import BytesRead, bytes_read, declared_or_read
from reconciler.core.state import Live
from reconciler.errors import OutOfStep


def known_digests(workspace: Workspace, live: Live) -> Mapping[int, str]:
    """Return the declared digest of each version, else the one that the last apply read."""
    declared = declared_digests(workspace, live.model)
    # Where the file has none, no apply read any lately: the records need not be read for that.
    return declared_or_read(declared, _bytes_read(workspace, live)) if declared else {}


def declared_digests(workspace: Workspace, model: str) -> Mapping[int, str]:
    """Return the digest of each version for which this checkout declares one."""
    declaration = workspace.desired.declarations.get(model)
    return declaration.digests if declaration else {}


def _bytes_read(workspace: Workspace, live: Live) -> Mapping[int, BytesRead]:
    try:
        records = every_record(workspace.repo)
    except OutOfStep:
        return {}  # what the records say of bytes is not what was asked
    here = (record for record in records if record.registry == workspace.ref.key)
    return bytes_read(here, {live.model}, live)
