"""Renders a model's history, or the answer about one moment, as text, JSON, CSV and Markdown."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.audit.dates import iso_moment
from reconciler.audit.evidence import Applied, DeclaredAt, Entry, Held
from reconciler.errors import ExitCode, Problem
from reconciler.render import authors, json_documents, phrases
from reconciler.render.artifacts import approved_bytes
from reconciler.render.escape import code, harmless_cell, prose, visible
from reconciler.render.html import table as html_table
from reconciler.render.json_documents import Document
from reconciler.render.table import TableColumn, markdown_row, table
from reconciler.render.text import Effort

NARROW: Final = {  # what yields first at a terminal: who signed, when it was applied
    column.name: column
    for column in (
        TableColumn("SIGNATURE", leaves=6),
        TableColumn("APPLIED", 20, leaves=5),
        TableColumn("BYTES", 19, leaves=4),
        TableColumn("PR", leaves=3),
        TableColumn("APPROVED", 8, leaves=2),
        TableColumn("AUTHOR", 8, leaves=1),
        TableColumn("COMMIT", 8),
        TableColumn("WHAT", 28),
    )
}
_EVIDENCE = ("MERGED", "COMMIT", "PR", "AUTHOR", "APPROVED", "SIGNATURE", "APPLIED")
_COLUMNS = (
    *("merged", "commit", "pull_request", "author", "author_email", "authors", "committer"),
    *("committer_email", "verified", "claimed", "signature", "standing", "applied"),
)


@dataclass(frozen=True, slots=True)
class Story:
    """A model's history, reduced to the rows that were asked for.

    `line` is the line of history that was read. `records` tells whether there are apply records;
    `unreadable` are old files that count as unchanged.
    """

    model: str
    line: str
    entries: tuple[Entry, ...]
    records: bool
    unreadable: tuple[Problem, ...] = ()
    answer: DeclaredAt | None = None


def text(value: Story, effort: Effort, columns: int | None = None) -> str:
    """Return the table of merged changes, or the answer, and the cost of the command."""
    lines = [visible(f"{value.model}: {_title(value)}"), ""]
    header, cells = rows(value)
    if cells:
        lines += [*table([NARROW.get(name, name) for name in header], cells, columns), ""]
    lines += [visible(note) for note in _notes(value)]
    changes = phrases.count(len(value.entries), "change")
    cost = f"{effort.requests} requests, {effort.seconds:.2f} s"
    return "\n".join([*lines, f"history: {changes}, 1 model, {cost}"]) + "\n"


def markdown(value: Story) -> str:
    """Return the same as GitHub-flavoured Markdown; values from outside cannot become markup."""
    lines = [f"### {code(value.model)}: {prose(_title(value))}", ""]
    header, cells = rows(value)
    lines += markdown_table(header, cells)
    lines += [f"{prose(note)}\n" for note in _notes(value)]
    return "\n".join(lines).rstrip("\n") + "\n"


def markdown_table(header: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table and an empty one, none without rows."""
    if not cells:
        return []
    lines = [markdown_row(map(str.lower, header)), "|---" * len(header) + "|"]
    return [*lines, *(markdown_row(map(_marked, row)) for row in cells), ""]


def as_html(value: Story) -> str:
    """Return the table for a notebook."""
    header, cells = rows(value)
    names = [name.lower() for name in header]
    return html_table(f"{value.model}: {_title(value)}", names, cells)


def as_csv(value: Story) -> str:
    """Return one CSV line for each merged change, or for each name with a value at the moment."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if value.answer is not None:
        writer.writerow(("model", "at", "what", "version", *_COLUMNS, "digest"))
        for held in value.answer.held:
            version = "" if held.version is None else held.version
            cells = (value.model, iso_moment(value.answer.moment), held.name, version)
            evidence = (*_flat(held.since), held.digest or "")
            writer.writerow(harmless_cell(cell) for cell in (*cells, *evidence))
    else:
        writer.writerow(("model", *_COLUMNS, "serving", "meaning", "bytes"))
        for entry in value.entries:
            serving = "" if entry.serving is None else entry.serving
            row = (value.model, *_flat(entry), serving, "; ".join(entry.meaning))
            flat = approved_bytes.flat(entry.bytes)
            writer.writerow(harmless_cell(cell) for cell in (*row, flat))
    return out.getvalue()


def document(value: Story) -> Document:
    """Return the JSON document."""
    answer = value.answer
    found = (
        {"changes": [entry_document(entry, value) for entry in value.entries]}
        if answer is None
        else answer_document(answer, value)
    )
    return {
        "format_version": json_documents.FORMAT_VERSION,
        "model": value.model,
        "line": value.line,
        "records": value.records,
        **found,
        "unreadable": [json_documents.error(problem) for problem in value.unreadable],
        "errors": [],
        "exit": json_documents.ending(ExitCode.OK),
    }


def _title(value: Story) -> str:
    if value.answer is None:
        return f"merged history of {value.line}"
    return f"at {iso_moment(value.answer.moment)}, by the merged history of {value.line}"


def has_digests(value: Story) -> bool:
    """Return whether any row has a version with a digest; else the table has no such column."""
    if value.answer is not None:
        return any(held.digest for held in value.answer.held)
    return any(entry.bytes for entry in value.entries)


def rows(
    value: Story, *, digests: bool | None = None
) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    """Return the header and the cells of the table; `digests` where it has them in any case."""
    # Without apply records nothing is known about applying: the column is left out.
    evidence = _EVIDENCE if value.records else _EVIDENCE[:-1]
    shows = has_digests(value) if digests is None else digests
    column = ("BYTES",) if shows else ()
    if value.answer is None:
        cells = [
            (
                *_evidence(entry, value),
                *([approved_bytes.cell(entry.bytes)] if shows else []),
                ", ".join(entry.meaning),
            )
            for entry in value.entries
        ]
        return (*evidence, *column, "WHAT"), cells
    held = [
        (
            held.name,
            _version(held),
            *([approved_bytes.held(held)] if shows else []),
            *_evidence(held.since, value),
        )
        for held in value.answer.held
    ]
    return ("WHAT", "VERSION", *column, *evidence), held


def _version(held: Held) -> str:
    return "nothing" if held.version is None else f"v{held.version}"


def _evidence(entry: Entry, value: Story) -> tuple[str, ...]:
    commit = entry.step.commit
    return (
        iso_moment(entry.time),
        commit.id[:12],
        "-" if entry.pull_request is None else f"#{entry.pull_request}",
        authors.author_and_committer(commit),
        ", ".join(f"{one.name} ({one.kind})" for one in entry.approvals) or "-",
        commit.signature,
        *([_became(entry, value)] if value.records else []),
    )


def _became(entry: Entry, value: Story) -> str:
    """Return when it was applied to each registry, the first one first."""
    registries = {applied.registry for one in value.entries for applied in one.applied}
    if len(entry.applied) == 1 and len(registries) == 1:
        return _when(entry.applied[0])
    if entry.applied:
        return ", ".join(f"{_when(applied)} ({applied.registry})" for applied in entry.applied)
    return "?" if entry.apply_state == "unknown" else entry.apply_state


def _when(applied: Applied) -> str:
    """Return when it was applied, and from which commit where that is not on the main line."""
    where = f" from {applied.commit[:12]} (off the main line)" if applied.off_main else ""
    return f"{iso_moment(applied.time)}{where}"


def _notes(value: Story) -> list[str]:
    """Return notes below the table: no rows, wrong commit dates, changes that were not live."""
    if value.answer is not None:
        return _about_answer(value.answer, value)
    notes = [] if value.entries else ["no merged change in that time or of that version"]
    for entry in value.entries:
        commit = entry.step.commit
        if commit.dated is not None:
            notes.append(
                f"{commit.id[:12]} has the date {iso_moment(commit.dated)}, before that of its "
                "parent: the order of the line counts"
            )
    return [*notes, ""] if notes else []


def _about_answer(answer: DeclaredAt, value: Story) -> list[str]:
    notes = []
    first, entry = answer.first, answer.entry
    if entry is None:
        where = f"{iso_moment(first.time)} by {first.step.commit.id[:12]}"
        notes.append(f"nothing was declared yet: it was first declared {where}")
    elif entry.step.after is None:
        where = f"{iso_moment(entry.time)} by {entry.step.commit.id[:12]}"
        notes.append(f"nothing was declared: no longer declared since {where}")
    if value.records and entry is not None and entry.apply_state != "unknown":
        late = [applied for applied in entry.applied if applied.time > answer.moment]
        if late or not entry.applied:
            became = f"applied {_became(entry, value)}" if late else f"applied: {entry.apply_state}"
            notes.append(
                f"this is what was merged by then; its last change, {entry.step.commit.id[:12]}, "
                f"was not yet live ({became})"
            )
    notes += _early(answer)
    return [*notes, ""] if notes else []


def _early(answer: DeclaredAt) -> Iterable[str]:
    """Yield a note where the next change was applied before its merge."""
    for applied in answer.later.applied if answer.later else ():
        if applied.off_main and applied.time <= answer.moment:
            yield f"the next change was live before it was merged: applied {_when(applied)}"


def answer_document(answer: DeclaredAt, value: Story) -> Document:
    """Return what was declared at a moment, as members of a document."""
    entry = answer.entry
    serving = [held for held in answer.held if not held.name.startswith("@")]
    return {
        "at": iso_moment(answer.moment),
        "declared": entry is not None and entry.step.after is not None,
        "serving": next((_held(held, value) for held in serving), None),
        "aliases": {
            held.name[1:]: _held(held, value) for held in answer.held if held.name.startswith("@")
        },
        "last_change": None if entry is None else entry_document(entry, value),
    }


def _held(held: Held, value: Story) -> Document:
    since = entry_document(held.since, value)
    return {"version": held.version, "digest": held.digest, "since": since}


def entry_document(entry: Entry, value: Story) -> Document:
    """Return a merged change as an item of `changes`."""
    commit = entry.step.commit
    kinds = {kind: [one.name for one in entry.approvals if one.kind == kind] for kind in _KINDS}
    return {
        "merged": iso_moment(entry.time),
        "dated": iso_moment(commit.dated) if commit.dated else None,
        "commit": commit.id,
        "subject": commit.subject,
        "author": commit.author,
        "author_email": commit.author_email,
        "authors": authors.authors(commit),
        "committer": commit.committer,
        "committer_email": commit.committer_email,
        "pull_request": entry.pull_request,
        "approvals": kinds,
        "signature": commit.signature,
        "meaning": list(entry.meaning),
        "serving": entry.serving,
        "aliases": dict(sorted(entry.aliases.items())),
        "bytes": [approved_bytes.document(row) for row in entry.bytes],
        "standing": entry.apply_state if value.records else "unknown",
        "applied": [_applied(applied) for applied in entry.applied],
    }


_KINDS = ("verified", "claimed")


def _applied(applied: Applied) -> Document:
    return {
        "time": iso_moment(applied.time),
        "registry": applied.registry,
        "commit": applied.commit,
        "off_main": applied.off_main,
        "actor": applied.actor,
        "run_url": applied.run_url,
        "registry_user": applied.registry_user,
        "bytes": [approved_bytes.document(row) for row in applied.bytes],
    }


def _flat(entry: Entry) -> Iterable[object]:
    """Return the evidence as the cells of a CSV line, in the order of its columns."""
    commit = entry.step.commit
    return (
        iso_moment(entry.time),
        commit.id,
        "" if entry.pull_request is None else entry.pull_request,
        *(commit.author, commit.author_email, authors.listed(commit)),
        *(commit.committer, commit.committer_email),
        *("; ".join(one.name for one in entry.approvals if one.kind == kind) for kind in _KINDS),
        commit.signature,
        entry.apply_state,
        "; ".join(f"{_when(one)} {one.registry}" for one in entry.applied),
    )


def _marked(cell: str) -> str:
    return code(cell) if cell != "-" else cell
