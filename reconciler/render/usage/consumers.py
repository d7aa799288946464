"""Renders who loads which model, as text, Markdown and JSON."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

from reconciler.audit.usage.declared_loads import (
    DeclaredConsumer,
    FoundLoad,
    ModelUsage,
    SeenClient,
)
from reconciler.audit.usage.loads import Load
from reconciler.errors import Problem
from reconciler.render import json_documents, phrases
from reconciler.render.escape import code, visible
from reconciler.render.json_documents import Document
from reconciler.render.table import TableColumn, markdown_row, table
from reconciler.render.text import Effort

_Rows: TypeAlias = tuple[Sequence[str], Sequence[Sequence[str]]]  # header and cells
_NOWHERE: Final = "no file declares this model"


class AddedConsumers(NamedTuple):
    """The consumers that are added to files, and what is left to do once that is done."""

    diff: str
    is_written: bool
    next: str | None


def text(
    usage: ModelUsage,
    effort: Effort,
    columns: int | None = None,
    additions: AddedConsumers | None = None,
) -> str:
    """Return the tables for a terminal, and what was written."""
    lines = []
    for title, (header, rows) in _sections(usage):
        lines += [f"{title}:", ""] if title else []
        lines += [*table(list(map(_column, header)), rows, columns), ""] if rows else []
        lines += ["  none", ""] if title and not rows else []
    if additions is not None and additions.is_written:
        lines += [*map(visible, additions.diff.splitlines()), ""]
        lines += [f"next: {visible(additions.next)}"] if additions.next else []
    return "\n".join([*lines, _last_line(usage, effort)]) + "\n"


def markdown(usage: ModelUsage) -> str:
    """Return the tables as GitHub-flavoured Markdown."""
    lines = [f"### {_count(usage.consumers)}", ""]
    for title, (header, rows) in _sections(usage):
        lines += [f"#### {title[0].upper()}{title[1:]}", ""] if title else []
        if rows:
            lines += [markdown_row(map(str.lower, header)), markdown_row(["---"] * len(header))]
            lines += [markdown_row(code(cell) if cell else "" for cell in row) for row in rows]
        lines += [""] if rows else ["none", ""] if title else []
    return "\n".join(lines).rstrip() + "\n"


def document(
    usage: ModelUsage,
    problems: Iterable[Problem],
    exit_code: int,
    additions: AddedConsumers | None = None,
) -> Document:
    """Return the JSON document; `diff` is what `--write` would add, or has added."""
    return {
        "format_version": json_documents.FORMAT_VERSION,
        "consumers": [*map(_consumer, usage.consumers)],
        "found": [*map(_found, usage.found or ())],
        "unknown": [*map(_unknown, usage.unknown or ())],
        "seen": [*map(_seen, usage.seen or ())],
        "not_seen": [
            {"model": row.model, "name": row.consumer.name, "loads": row.consumer.loads}
            for row in usage.not_seen or ()
        ],
        "diff": additions.diff if additions is not None else "",
        "written": additions is not None and additions.is_written,
        "errors": [json_documents.error(problem) for problem in problems if problem.code],
        "exit": json_documents.ending(exit_code),
    }


def _sections(usage: ModelUsage) -> Iterable[tuple[str, _Rows]]:
    yield "", (_LISTED, [*map(_listed, usage.consumers)])
    if usage.found is not None:
        yield "found in source code", (_PLACES, [_place(usage, place) for place in usage.found])
    if usage.unknown:
        rows = [[_where(load), load.text, load.why or ""] for load in usage.unknown]
        yield "known only when the program runs", (_DYNAMIC, rows)
    if usage.seen is not None:
        yield "seen in access logs", (_CLIENTS, [_client(usage, client) for client in usage.seen])
    if usage.not_seen is not None:
        rows = [[row.model, row.consumer.name, row.consumer.loads] for row in usage.not_seen]
        yield "declared and not seen", (_LISTED[:2] + _LISTED[3:4], rows)


_LISTED: Final = ("MODEL", "CONSUMER", "OWNER", "LOADS", "VERSION", "CODE")
_PLACES: Final = ("MODEL", "LOADS", "WHERE", "DECLARED AS")
_DYNAMIC: Final = ("WHERE", "TEXT", "WHY")
_CLIENTS: Final = ("MODEL", "LOADS", "CLIENT", "COUNT", "FIRST", "LAST", "DECLARED AS")


def _column(name: str) -> TableColumn:
    match name:
        case "MODEL" | "WHERE" | "TEXT" | "CODE":
            return TableColumn(name, 16, main=name == "MODEL", whole_ends=True)
        case "OWNER" | "FIRST":
            return TableColumn(name, leaves=1)
        case _:
            return TableColumn(name)


def _listed(row: DeclaredConsumer) -> list[str]:
    version = f"v{row.version}" if row.version is not None else "not declared"
    loads, consumer = row.consumer.loads, row.consumer
    return [row.model, consumer.name, consumer.owner or "", loads, version, consumer.code or ""]


def _place(usage: ModelUsage, place: FoundLoad) -> list[str]:
    load = place.load
    declared_as = _declared_as(usage, load.model, place.declared_as)
    return [str(load.model), str(load.loads), _where(load), declared_as]


def _client(usage: ModelUsage, client: SeenClient) -> list[str]:
    seen = client.seen
    count = f"{seen.count:,}" + (f" and {seen.failed:,} failed" if seen.failed else "")
    return [
        seen.model or "not told",
        seen.loads or "a stage, or the latest",
        seen.client,
        count,
        _time(seen.first) or "",
        _time(seen.last) or "",
        _declared_as(usage, seen.model, client.declared_as),
    ]


def _declared_as(usage: ModelUsage, model: str | None, name: str | None) -> str:
    if name is None and model is not None and model not in usage.declared_models:
        return _NOWHERE
    return name or "not declared"


def _where(load: Load) -> str:
    cell = f" (cell {load.cell})" if load.cell is not None else ""
    return f"{load.file}:{load.line}:{load.column}{cell}"


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _consumer(row: DeclaredConsumer) -> Document:
    return {
        "model": row.model,
        "name": row.consumer.name,
        "owner": row.consumer.owner,
        "loads": row.consumer.loads,
        "version": row.version,
        "code": row.consumer.code,
        "file": row.file,
        "line": row.consumer.line,
    }


def _found(place: FoundLoad) -> Document:
    load = place.load
    declared_as = place.declared_as
    return {"model": load.model, "loads": load.loads, **_at(load), "declared_as": declared_as}


def _unknown(load: Load) -> Document:
    return {**_at(load), "why": load.why}


def _at(load: Load) -> Document:
    return {
        "file": load.file,
        "line": load.line,
        "column": load.column,
        "cell": load.cell,
        "form": load.form,
        "text": load.text,
    }


def _seen(client: SeenClient) -> Document:
    seen = client.seen
    return {
        "model": seen.model,
        "loads": seen.loads,
        "client": seen.client,
        "agent": seen.agent,
        "first": _time(seen.first),
        "last": _time(seen.last),
        "count": seen.count,
        "failed": seen.failed,
        "declared_as": client.declared_as,
    }


def _count(consumers: Collection[DeclaredConsumer]) -> str:
    if not consumers:
        return "no consumers"
    models = len({row.model for row in consumers})
    return f"{phrases.count(len(consumers), 'consumer')} of {phrases.models(models)}"


def _last_line(usage: ModelUsage, effort: Effort) -> str:
    parts = [_count(usage.consumers)]
    if usage.found is not None:
        new = sum(place.declared_as is None for place in usage.found)
        parts.append(f"{phrases.count(len(usage.found), 'place')} found, {new} not declared")
    if usage.seen is not None:
        new = sum(client.declared_as is None for client in usage.seen)
        parts.append(f"{phrases.count(len(usage.seen), 'client')} seen, {new} not declared")
    return ", ".join([*parts, f"{effort.seconds:.2f} s"])
