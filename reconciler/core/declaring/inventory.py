"""What a model's file declares for an inventory of models: owner, purpose, tier, next review."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Inventory:
    """Who answers for a model, what it is for, and until when its review is due.

    `tier` is the word of the team for how much depends on it. `review_by` is the last day of the
    review that is in effect; None where none is declared. `contacts` are addresses or channels.
    """

    owner: str | None = None
    purpose: str | None = None
    tier: str | None = None
    review_by: date | None = None
    contacts: tuple[str, ...] = ()

    def is_due(self, today: date) -> bool:
        """Return whether the day of the next review has passed."""
        return self.review_by is not None and today > self.review_by

    @property
    def missing(self) -> tuple[str, ...]:
        """The keys that a complete entry has and this one lacks, in the order of a file."""
        keys = ("owner", "purpose", "tier", "review_by")
        return tuple(key for key in keys if getattr(self, key) is None)
