"""What became of comparing a version's bytes with the digest that git declares."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from reconciler.core.artifacts.model_files import FileDifference, ModelFiles

BytesOutcome: TypeAlias = Literal["same", "different", "unreadable", "unchecked"]


@dataclass(frozen=True, slots=True)
class BytesCheck:
    """The check of one version, which `digest` pins: `sha256:` and 64 hex digits.

    `found` are the files that were read; None where they were not. `differences` names the files
    that differ from the approved ones, where a record of an apply knows those. `why` is the reason
    of `unreadable` and `unchecked`.
    """

    version: int
    digest: str
    outcome: BytesOutcome
    found: ModelFiles | None = None
    differences: tuple[FileDifference, ...] = ()
    why: str | None = None
