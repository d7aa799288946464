"""The files of a review: a CSV for each table, a page to read, and SHA256SUMS over both."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from reconciler.audit.dates import iso_moment
from reconciler.audit.review.review_evidence import ReviewTable
from reconciler.render.escape import harmless_cell
from reconciler.render.json_documents import Document
from reconciler.render.page.excerpts import excerpt

INDEX: Final = "index.html"
SUMS: Final = "SHA256SUMS"
_LONGEST: Final = 5_000  # characters of a cell: a description can be of any length


@dataclass(frozen=True, slots=True)
class ReviewHead:
    """What a review is about: the period, the state folder at a commit, and the registry.

    `registry` is None where none was compared. `read` is the moment of the reading, None where only
    git was read. `line` names the main line.
    """

    state: str
    line: str
    commit: str | None
    since: datetime | None
    until: datetime | None
    registry: str | None
    read: datetime | None
    generator: str


def table_files(tables: Sequence[ReviewTable]) -> dict[str, bytes]:
    """Return a CSV file for each table, by name."""
    return {f"{table.name}.csv": _csv(table).encode() for table in tables}


def with_sums(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files with SHA256SUMS, which `sha256sum --check` reads."""
    sums = "".join(f"{_digest(content)}  {name}\n" for name, content in sorted(files.items()))
    return {**files, SUMS: sums.encode()}


def document(
    head: ReviewHead, tables: Sequence[ReviewTable], files: Mapping[str, bytes]
) -> Document:
    """Return the `report` member of the document of `audit --report`."""
    rows = {f"{table.name}.csv": len(table.rows) for table in tables}
    return {
        "state": head.state,
        "commit": head.commit,
        "from": iso_moment(head.since) or None,
        "to": iso_moment(head.until) or None,
        "registry": head.registry,
        "read": iso_moment(head.read) or None,
        "files": [
            {"name": name, "sha256": _digest(content), "rows": rows.get(name)}
            for name, content in sorted(files.items())
        ],
    }


def _digest(content: bytes) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def _csv(table: ReviewTable) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([harmless_cell(excerpt(cell, _LONGEST)) for cell in row] for row in table.rows)
    return out.getvalue()
