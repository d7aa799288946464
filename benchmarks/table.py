"""The Markdown table of a run: measured, raw, their ratio, and whether the reach is met."""

from dataclasses import dataclass
from typing import Final


def line(*cells: str) -> str:
    """Return one line of a Markdown table."""
    return f"| {' | '.join(cells)} |\n"


@dataclass(frozen=True)
class Row:
    """One measured quantity; `limit` is the most it may be, None where it only informs.

    `before` is what it was with another version of the package.
    """

    work: str
    measured: float
    raw: float | None = None
    reach: str = ""
    limit: float | None = None
    unit: str = "s"
    before: float | None = None

    def __str__(self) -> str:
        ratio = f"{self.measured / self.raw:.2f}" if self.raw else ""
        return line(
            self.work,
            "" if self.before is None else self._shown(self.before),
            self._shown(self.measured),
            "" if self.raw is None else self._shown(self.raw),
            ratio,
            self.reach,
            self._verdict(),
        )

    def _shown(self, value: float) -> str:
        number = f"{value:.2f}" if self.unit == "s" else f"{value:,.0f}"
        return f"{number} {self.unit}".rstrip()

    def _verdict(self) -> str:
        if self.limit is None:
            return "informs"
        return "met" if self.measured <= self.limit else "**NOT met**"


HEADER: Final = line("work", "before", "measured", "raw", "ratio", "reach", "verdict") + line(
    "---", "--:", "--:", "--:", "--:", "---", "---"
)
