"""Tells from two signatures by which level a semantic version has to rise."""

from dataclasses import dataclass
from typing import Final

from reconciler.core.artifacts.signatures import contract_changes
from reconciler.core.declaring.semantic_versions import SemverLevel
from reconciler.core.facts import Facts, Signature

ORDER: Final[tuple[SemverLevel, ...]] = ("PATCH", "MINOR", "MAJOR")
_ALIKE: Final = "the signatures are the same"


@dataclass(frozen=True, slots=True)
class NeededLevel:
    """The least level by which a number has to rise, and the differences that need it."""

    level: SemverLevel
    reasons: tuple[str, ...]

    @property
    def why(self) -> str:
        """The reasons in a sentence."""
        return "; ".join(self.reasons)

    def is_met_by(self, level: SemverLevel | None) -> bool:
        """Return whether a rise by `level` is enough; None is no rise."""
        return level is not None and ORDER.index(level) >= ORDER.index(self.level)


def needed_level(candidate: Signature, incumbent: Signature) -> NeededLevel:
    """Return what the signature of a version needs over that of its incumbent.

    What may break callers needs a MAJOR, any other difference a MINOR, no difference a PATCH.
    """
    changes = contract_changes(candidate, incumbent)
    breaking = tuple(change.sentence for change in changes if change.breaks)
    if breaking:
        return NeededLevel("MAJOR", breaking)
    if changes:
        return NeededLevel("MINOR", tuple(change.sentence for change in changes))
    return NeededLevel("PATCH", (_ALIKE,))


def unknown_signature(version: int, facts: Facts) -> str | None:
    """Return why the signature of a version is not known, None where it is."""
    if facts.signature is not None:
        return None
    is_unread = "signature" in facts.unread
    first = f"the signature of v{version} cannot be read"
    if not is_unread:
        first = f"v{version} has no signature"
    return "; ".join([first, *facts.missing])
