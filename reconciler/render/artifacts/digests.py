"""Renders the digests of versions and the files behind them, as text and JSON."""

from collections.abc import Iterable, Iterator

from reconciler.core.artifacts.model_files import ModelFiles
from reconciler.core.artifacts.version_digest import VersionDigest
from reconciler.render.escape import visible
from reconciler.render.json_documents import Document
from reconciler.render.table import TableColumn, table

_FILES = (
    TableColumn("SHA256", 12),
    "BYTES",
    TableColumn("FILE", 16, main=True, whole_ends=True),
)


def text(rows: Iterable[VersionDigest], *, lists_files: bool, columns: int | None = None) -> str:
    """Return a line for each version, as `sha256sum` writes it; what belongs to it is indented.

    A digest is never cut.
    """
    lines = (line for row in rows for line in _lines(row, columns, lists_files=lists_files))
    return "".join(f"{line}\n" for line in lines)


def _lines(row: VersionDigest, columns: int | None, *, lists_files: bool) -> Iterator[str]:
    yield f"{row.digest}  {visible(f'{row.model}/{row.version}')}"
    file = visible(row.file or "")
    if row.declared == row.digest:
        yield f"  ✓ as declared in {file}"
    elif row.declared is not None:
        yield f"  ✗ {file} declares"
        yield f"    {visible(row.declared)}"
    if lists_files:
        yield from (f"  {line}" for line in _files(row.files, columns))


def _files(files: ModelFiles, columns: int | None) -> list[str]:
    sizes = [f"{file.size:,}" for file in files.files]
    widest = max(map(len, (*sizes, "BYTES")))
    cells = [
        (file.sha256, size.rjust(widest), file.path)
        for file, size in zip(files.files, sizes, strict=True)
    ]
    return table(_FILES, cells, None if columns is None else columns - 2)


def document(row: VersionDigest, *, lists_files: bool) -> Document:
    """Return a version as an item of `digests`."""
    listing = [file._asdict() for file in row.files.files]
    return {
        "model": row.model,
        "version": row.version,
        "digest": row.digest,
        "declared": row.declared,
        "files": len(row.files.files),
        "size": row.files.size,
        **({"listing": listing} if lists_files else {}),
    }
