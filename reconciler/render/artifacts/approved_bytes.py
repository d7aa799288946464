"""Renders the digests of versions that a merge put into use, and what an apply read of them."""

from collections.abc import Iterable, Iterator

from reconciler.audit.dates import iso_moment
from reconciler.audit.entered_bytes import EnteredBytes
from reconciler.audit.evidence import Held
from reconciler.audit.known_bytes import BytesRead
from reconciler.audit.recorded_bytes import RecordedBytes
from reconciler.core.artifacts.model_files import short
from reconciler.render import phrases
from reconciler.render.json_documents import Document


def cell(rows: Iterable[EnteredBytes]) -> str:
    """Return the versions with their digests, and what the apply read; `-` for none."""
    return ", ".join(map(_entered, rows)) or "-"


def held(value: Held) -> str:
    """Return the digest of what was declared at a moment, and what the apply read; `-` for none."""
    if value.digest is None or value.version is None:
        return "-"
    rows = (row for row in value.since.bytes if row.version == value.version)
    read = next((row for row in rows if row.digest == value.digest), None)
    return _digest(read or EnteredBytes(value.version, value.digest))


def _entered(row: EnteredBytes) -> str:
    return f"v{row.version} {_digest(row)}"


def _digest(row: EnteredBytes) -> str:
    if row.files is None or row.size is None:
        return short(row.digest)
    return f"{short(row.digest)} ({phrases.extent(row.files, row.size)})"


def flat(rows: Iterable[EnteredBytes]) -> str:
    """Return the versions with whole digests, as a cell of a CSV line."""
    return "; ".join(f"v{row.version} {row.digest}" for row in rows)


def document(row: EnteredBytes | RecordedBytes) -> Document:
    """Return one version for a JSON document; the list of files stays in the record."""
    return {
        "version": row.version,
        "digest": row.digest,
        "files": row.files,
        "size": row.size,
    }


def labelled(declared: str | None, read: BytesRead | None) -> Iterator[tuple[str, str]]:
    """Yield the declared digest of a version and what the last apply read of it, with labels."""
    if declared is not None:
        yield "digest", declared
    if read is not None:
        other = "" if read.row.digest == declared else f"{read.row.digest}, "
        what = f"{other}{phrases.extent(read.row.files, read.row.size)}"
        yield "bytes", f"{what}, as the apply of {iso_moment(read.time)} read them"


def known_document(declared: str | None, read: BytesRead | None) -> Document:
    """Return the same for a JSON document: `read` is null where no apply read the version."""
    if read is None:
        return {"declared": declared, "read": None}
    where = {"applied": iso_moment(read.time), "commit": read.commit}
    row = document(read.row)
    del row["version"]
    return {"declared": declared, "read": row | where}
