"""The page of a review: its tables to read, and which question has its answer in which."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from reconciler.audit.dates import iso_moment
from reconciler.audit.review.review_evidence import ReviewTable
from reconciler.render.page.excerpts import excerpt
from reconciler.render.page.templating import render
from reconciler.render.review.review_files import ReviewHead

_MOST: Final = 200  # rows of a table
_LONGEST: Final = 300  # characters of a cell
_WIDE: Final = 40  # characters from which a cell has room for a sentence
_NARROW: Final = 24  # and up to which it stays on one line
_SHORT: Final = 12  # digits of a commit
# What a reader scans; the file has every column. A table that is not here is shown whole.
_SHOWN: Final = {
    "inventory": (
        *("model", "owner", "purpose", "tier", "review_by", "review", "serving", "since"),
        *("approved_verified", "approved_claimed", "commit", "pull_request", "gap"),
    ),
    "changes": (
        *("merged", "model", "what", "authors", "approved_verified", "approved_claimed"),
        *("applied", "applied_at", "commit", "pull_request", "gap"),
    ),
    "segregation": (
        *("merged", "model", "authors", "approver", "same_person", "known_from", "applied_by"),
        *("commit", "pull_request", "evidence", "gap"),
    ),
}
_TIME: Final = re.compile(r"([0-9-]{10})T([0-9:]{5}):[0-9]{2}Z")
_COMMIT: Final = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a reviewer, and the table that answers it."""

    text: str
    table: str


_ANSWERS: Final = {
    "inventory": (
        "Which models are there, who answers for each, and when is the next review?",
        "What is to serve, since which change, who approved that, and is it live so?",
    ),
    "changes": ("What changed in the period, who wrote and approved it, and was it applied?",),
    "exceptions": (
        "What left the usual way: consents, applies off the main line, work by hand?",
        "What could not be looked at?",
    ),
    "segregation": ("Did anybody approve what they wrote themselves?",),
    "drift": ("What was changed in the registry and not in git?",),
}
_QUESTIONS: Final = tuple(
    Question(text, table) for table, texts in _ANSWERS.items() for text in texts
)


@dataclass(frozen=True, slots=True)
class ReviewCell:
    """A cell; a commit is shown by its first digits, as code, and a time to the minute."""

    text: str
    look: str = ""


@dataclass(frozen=True, slots=True)
class TableView:
    """A table without its empty columns, cut to what a reader scans."""

    name: str
    title: str
    about: str
    number: int
    columns: tuple[str, ...]
    rows: tuple[tuple[ReviewCell, ...], ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class ReviewView:
    """The whole page."""

    state: str
    line: str
    commit: str | None
    since: str
    until: str
    registry: str | None
    read: str
    tables: tuple[TableView, ...]
    questions: tuple[Question, ...] = _QUESTIONS


@dataclass(frozen=True, slots=True)
class ReviewFrame:
    """What the head of any page names."""

    title: str
    site: str
    generator: str


def review_page(head: ReviewHead, tables: Sequence[ReviewTable]) -> bytes:
    """Return the page as UTF-8."""
    view = ReviewView(
        state=head.state,
        line=head.line,
        commit=head.commit[:_SHORT] if head.commit else None,
        since=_to_the_minute(head.since),
        until=_to_the_minute(head.until),
        registry=head.registry,
        read=_to_the_minute(head.read),
        tables=tuple(map(_table, tables)),
    )
    frame = ReviewFrame("Review", head.state, head.generator)
    return render("review.html.j2", {"view": view, "frame": frame})


def _to_the_minute(time: datetime | None) -> str:
    return _TIME.sub(r"\1 \2 UTC", iso_moment(time))


def _table(table: ReviewTable) -> TableView:
    shown = table.rows[:_MOST]
    wanted = _SHOWN.get(table.name, table.columns)
    kept = [
        place
        for place, column in enumerate(table.columns)
        if column in wanted and any(row[place] for row in shown)
    ]
    return TableView(
        name=table.name,
        title=table.name.capitalize(),
        about=table.about,
        number=len(table.rows),
        columns=tuple(table.columns[place].replace("_", " ") for place in kept),
        rows=tuple(tuple(_cell(row[place]) for place in kept) for row in shown),
        left_out=len(table.rows) - len(shown),
    )


def _cell(text: str) -> ReviewCell:
    if _COMMIT.fullmatch(text):
        return ReviewCell(text[:_SHORT], "mono nowrap")
    if time := _TIME.fullmatch(text):
        return ReviewCell(f"{time[1]} {time[2]}", "nowrap")
    cut = excerpt(text, _LONGEST)
    look = "text" if len(cut) > _WIDE else "words" if len(cut) > _NARROW else "nowrap"
    return ReviewCell(cut, look)
