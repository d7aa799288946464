"""Renders the histories of several models as one, in the order of the merges."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.audit.dates import iso_moment
from reconciler.errors import ExitCode, Problem
from reconciler.render import json_documents, phrases
from reconciler.render.escape import prose, visible
from reconciler.render.html import table as html_table
from reconciler.render.inspection import history
from reconciler.render.inspection.history import Story
from reconciler.render.json_documents import Document
from reconciler.render.table import TableColumn, table
from reconciler.render.text import Effort

_MODEL = TableColumn("MODEL", 16, main=True, whole_ends=True)
_WHAT = TableColumn("WHAT", 18)
_NONE = "no merged change in that time"


@dataclass(frozen=True, slots=True)
class Stories:
    """The histories of several models, all read from `line`; `order` has its commits in order."""

    line: str
    stories: tuple[Story, ...]
    order: tuple[str, ...]
    unreadable: tuple[Problem, ...] = ()

    @property
    def single_entries(self) -> tuple[Story, ...]:
        """Every merged change as a story of its own, oldest first."""
        place = {commit: at for at, commit in enumerate(self.order)}
        entries = [
            replace(story, entries=(entry,)) for story in self.stories for entry in story.entries
        ]
        return tuple(sorted(entries, key=lambda story: place[story.entries[0].step.commit.id]))


def text(value: Stories, effort: Effort, columns: int | None = None) -> str:
    """Return one table of all merged changes, or of what was declared, and the command's cost."""
    header, cells = _table(value)
    lines = [visible(_title(value)), ""]
    narrow = {**history.NARROW, "MODEL": _MODEL, "WHAT": _WHAT}
    shown = [narrow.get(name, name) for name in header]
    lines += [*(table(shown, cells, columns) if cells else [_NONE]), ""]
    changes = phrases.count(sum(len(story.entries) for story in value.stories), "change")
    models = phrases.models(len(value.stories))
    cost = f"{effort.requests} requests, {effort.seconds:.2f} s"
    return "\n".join([*lines, f"history: {changes}, {models}, {cost}"]) + "\n"


def markdown(value: Stories) -> str:
    """Return the same as GitHub-flavoured Markdown; values from outside cannot become markup."""
    lines = history.markdown_table(*_table(value)) or [_NONE]
    return "\n".join([f"### {prose(_title(value))}", "", *lines]).rstrip("\n") + "\n"


def as_html(value: Stories) -> str:
    """Return the table for a notebook."""
    header, cells = _table(value)
    return html_table(_title(value), [name.lower() for name in header], cells)


def as_csv(value: Stories) -> str:
    """Return the lines of `history MODEL` for each model, under one header."""
    parts = [list(csv.reader(io.StringIO(history.as_csv(story)))) for story in _parts(value)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(
        [*(part[0] for part in parts[:1]), *(row for part in parts for row in part[1:])]
    )
    return out.getvalue()


def document(value: Stories) -> Document:
    """Return the JSON document: `changes` in the order of the merges, or `answers` by model."""
    answers = [
        {"model": story.model, **history.answer_document(story.answer, story)}
        for story in value.stories
        if story.answer is not None
    ]
    changes = [
        {"model": story.model, **history.entry_document(entry, story)}
        for story in value.single_entries
        for entry in story.entries
    ]
    return {
        "format_version": json_documents.FORMAT_VERSION,
        "models": [story.model for story in value.stories],
        "line": value.line,
        "records": any(story.records for story in value.stories),
        **({"answers": answers} if _is_answer(value) else {"changes": changes}),
        "unreadable": [json_documents.error(problem) for problem in value.unreadable],
        "errors": [],
        "exit": json_documents.ending(ExitCode.OK),
    }


def _is_answer(value: Stories) -> bool:
    return any(story.answer is not None for story in value.stories)


def _parts(value: Stories) -> tuple[Story, ...]:
    return value.stories if _is_answer(value) else value.single_entries or value.stories


def _title(value: Stories) -> str:
    for story in value.stories:
        if story.answer is not None:
            at = iso_moment(story.answer.moment)
            return f"at {at}, by the merged history of {value.line}"
    return f"merged history of {value.line}"


def _table(value: Stories) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    """Return the header of one model's table and its rows, each with the model in front."""
    parts = _parts(value)
    shown = any(map(history.has_digests, parts))
    header = history.rows(parts[0], digests=shown)[0] if parts else ()
    cells = [(part.model, *row) for part in parts for row in history.rows(part, digests=shown)[1]]
    return ("MODEL", *header), cells
