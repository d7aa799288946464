"""The digest that a version which enters could have in its file, and has not."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MissingDigest:
    """A version that a plan puts into use, whose entry in `file` has no digest.

    `digest` is that of its files now; None where they were not read, and `why` says the reason.
    """

    model: str
    version: int
    file: str
    line: int | None = None
    digest: str | None = None
    why: str | None = None
