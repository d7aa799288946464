"""The bytes of live versions, as the apply records have them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.audit.apply_record import ApplyRecord
from reconciler.audit.recorded_bytes import RecordedBytes
from reconciler.core.state import Identity, Live
from reconciler.core.uris import safe_uri


@dataclass(frozen=True, slots=True)
class BytesRead:
    """The bytes of a version as the last apply that put it into use read them.

    `time` and `commit` are those of that apply.
    """

    row: RecordedBytes
    time: datetime
    commit: str


def bytes_read(
    records: Iterable[ApplyRecord], names: Collection[str], live: Live
) -> Mapping[int, BytesRead]:
    """Return what was read of a model's versions, by number; `names` are all that it ever had.

    A number that another version has now does not count: that one was never read.
    """
    present = {number: _recorded(held.identity) for number, held in live.versions.items()}
    latest: dict[int, BytesRead] = {}
    for record in sorted(records, key=lambda record: record.time):
        identities = {
            named.version: named.identity for named in record.versions if named.model in names
        }
        for row in record.bytes:
            identity = identities.get(row.version)
            is_same = identity is not None and identity == present.get(row.version)
            if row.model in names and is_same:
                latest[row.version] = BytesRead(row, record.time, record.commit)
    return latest


def declared_or_read(
    declared: Mapping[int, str], read: Mapping[int, BytesRead]
) -> Mapping[int, str]:
    """Return the declared digest of each version, else the one that the last apply read."""
    return {**{number: latest.row.digest for number, latest in read.items()}, **declared}


def _recorded(identity: Identity) -> Identity:
    """Return an identity as records keep it: without credentials."""
    return replace(identity, source=safe_uri(identity.source) if identity.source else None)
