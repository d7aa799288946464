"""Source files as teams write them, each place that loads a model labelled by hand.

A file of the corpus ends in `.txt`, so that no tool takes it for code of this project.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from reconciler.audit.usage.loads import Load

CORPUS: Final = Path(__file__).parent / "corpus"
# Tuned: written before the scanner. Held out: written when it was done, and not used to mend it.
PARTS: Final = ("tuned", "held-out")

Place: TypeAlias = tuple[int, str | None, str | None]  # line, model, loads; None: not known


@dataclass(frozen=True)
class LabelledFile:
    """A file of the corpus and what it loads."""

    name: str
    part: str
    data: bytes
    places: frozenset[Place]

    @property
    def kind(self) -> str:
        """Return the group of the file."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class Score:
    """How many places that load a model were found, of how many; and the same of unknown ones."""

    right: int = 0
    found: int = 0
    labelled: int = 0
    right_unknown: int = 0
    found_unknown: int = 0
    labelled_unknown: int = 0

    def __add__(self, other: "Score") -> "Score":
        mine, its = vars(self).values(), vars(other).values()
        return Score(*(one + another for one, another in zip(mine, its, strict=True)))

    @property
    def precision(self) -> float:
        """Return which part of what was found is right."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Return which part of what is labelled was found."""
        return self.right / self.labelled if self.labelled else 1.0


def labelled_files(part: str) -> list[LabelledFile]:
    """Return the files of a part of the corpus."""
    blocks = (CORPUS / f"{part}.labels").read_text(encoding="utf-8").split("\n\n")
    return [_labelled(part, block.splitlines()) for block in blocks if block.strip()]


def _labelled(part: str, lines: list[str]) -> LabelledFile:
    name, *rows = (line.strip() for line in lines if line.strip())
    data = (CORPUS / f"{name}.txt").read_bytes()
    return LabelledFile(name, part, data, frozenset(_place(row) for row in rows))


def _place(row: str) -> Place:
    line, model, *loads = row.split("\t")
    return (int(line), model, loads[0]) if loads else (int(line), None, None)


def places(loads: Iterable[Load]) -> frozenset[Place]:
    """Return what a label says of loads that were found."""
    return frozenset((load.line, load.model, load.loads) for load in loads)


def score(file: LabelledFile, found: frozenset[Place]) -> Score:
    """Return how right the places that were found in a file are."""
    known, labelled = _known(found), _known(file.places)
    unknown, labelled_unknown = found - known, file.places - labelled
    return Score(
        *(len(known & labelled), len(known), len(labelled)),
        *(len(unknown & labelled_unknown), len(unknown), len(labelled_unknown)),
    )


def _known(found: frozenset[Place]) -> frozenset[Place]:
    return frozenset(place for place in found if place[1] is not None)
