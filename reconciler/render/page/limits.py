"""How much of a model its page shows: less where the page would grow too long."""

from dataclasses import dataclass
from typing import Final

LARGEST_PAGE: Final = 200_000  # bytes of a model's page
LARGEST_INDEX: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of each list, and of the characters and lines of the declared file."""

    history: int = 100
    rows: int = 100
    metrics: int = 40
    reasons: int = 20
    lines: int = 600
    characters: int = 24_000

    def halved(self) -> "Limits":
        """Return half of everything."""
        return Limits(
            max(1, self.history // 2),
            max(1, self.rows // 2),
            max(1, self.metrics // 2),
            max(1, self.reasons // 2),
            max(1, self.lines // 2),
            max(1, self.characters // 2),
        )
