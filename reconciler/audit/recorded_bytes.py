"""The bytes of the versions that an apply put into use, as its record keeps them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reconciler.core.artifacts.bytes_check import BytesCheck
from reconciler.core.artifacts.model_files import HashedFile, ModelFiles, model_files
from reconciler.core.changes import entering
from reconciler.core.report import ApplyReport, ModelReport

MOST_LISTED: Final = 1_000  # files of one version; a note stays a line that git can show


@dataclass(frozen=True, slots=True)
class RecordedBytes:
    """The files of a version as an apply read them: their digest, number and size in bytes.

    `listing` has every file in the order of their names; None for more than `MOST_LISTED`.
    """

    model: str
    version: int
    digest: str
    files: int
    size: int
    listing: tuple[HashedFile, ...] | None = None

    @property
    def listed(self) -> ModelFiles | None:
        """The files; None where the record does not list them."""
        return None if self.listing is None else ModelFiles(self.listing)

    def require_proof(self) -> None:
        """Raise `ValueError` for a listing that is not what digest, number and size say.

        Everybody who may push records can write any listing, and a plan takes it for approved.
        """
        if self.listing is None:
            return
        found = model_files(self.listing)
        names = {file.path for file in found.files}
        is_listing = found.files == self.listing and len(names) == len(found.files)
        proven = (found.digest, len(found.files), found.size) == (
            *(self.digest, self.files, self.size),
        )
        if not (is_listing and proven and all(map(_is_inside, names))):
            raise ValueError(self.digest)


def recorded_bytes(report: ApplyReport) -> tuple[RecordedBytes, ...]:
    """Return the bytes of each version that was checked and then put into use."""
    return tuple(row for model in report.models for row in _rows(model))


def _rows(model: ModelReport) -> Iterator[RecordedBytes]:
    entered = entering(row.change for row in model.results if row.outcome == "applied")
    for check in model.bytes:
        if check.outcome == "same" and check.read is not None and check.version in entered:
            yield _row(model.model, check, check.read)


def _row(model: str, check: BytesCheck, found: ModelFiles) -> RecordedBytes:
    number = len(found.files)
    listing = found.files if number <= MOST_LISTED else None
    return RecordedBytes(model, check.version, check.digest, number, found.size, listing)


def _is_inside(path: str) -> bool:
    """Return whether a path leads to a file in the model's folder."""
    return "\0" not in path and not set(path.split("/")) & {"", ".", ".."}
