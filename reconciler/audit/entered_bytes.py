"""The digests of the versions that a merged change put into use."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.audit.merged_changes import Step
from reconciler.audit.recorded_bytes import RecordedBytes
from reconciler.core.changes import entering_by
from reconciler.core.state import Declaration, Field, Value


@dataclass(frozen=True, slots=True)
class EnteredBytes:
    """The declared digest of a version that entered an active stage, or took an alias.

    `files` and `size`, in bytes, are what the apply read; None where no record says that it read
    these bytes.
    """

    version: int
    digest: str
    files: int | None = None
    size: int | None = None


def entered_bytes(step: Step, read: Iterable[RecordedBytes]) -> tuple[EnteredBytes, ...]:
    """Return the versions with a digest that a step put into use, or whose digest it changed.

    `read` are the bytes in the records of its applies.
    """
    known = {(row.version, row.digest): row for row in read}
    before, after = _places(step.before), _places(step.after)
    had = step.before.digests if step.before else {}
    has = step.after.digests if step.after else {}
    entered = []
    for version, places in sorted(after.items()):
        digest = has.get(version)
        is_new = bool(places - before.get(version, set()))
        if digest is not None and (is_new or digest != had.get(version)):
            row = known.get((version, digest))
            numbers = (row.files, row.size) if row is not None else (None, None)
            entered.append(EnteredBytes(version, digest, *numbers))
    return tuple(entered)


def _places(declaration: Declaration | None) -> Mapping[int, set[tuple[Field, Value]]]:
    """Return the active stage and the aliases of each version that has any."""
    places: dict[int, set[tuple[Field, Value]]] = {}
    for address, value in declaration.fields.items() if declaration else ():
        version = entering_by(address, value)
        if version is not None:
            places.setdefault(version, set()).add((address, value))
    return places
