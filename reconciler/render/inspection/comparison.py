"""Renders the comparison of two versions as lines of text or Markdown, and as a JSON document.

Text and Markdown show twenty metrics: first those that differ, then those that only one version
logged, then equal ones, each by name; MLflow's own `system/` metrics come last. They show ten
differences of params, tags and the signature. The JSON document has everything.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final, NamedTuple

from reconciler.core.artifacts.model_files import short
from reconciler.core.comparison import Comparison, MetricRow, Side, TextRow
from reconciler.core.durations import in_words
from reconciler.core.facts import Column, Run, Signature
from reconciler.render import phrases
from reconciler.render.escape import code, prose, visible
from reconciler.render.table import TableColumn, folded, markdown_row, table, width

_MOST_METRICS: Final = 20
_MOST_OTHERS: Final = 10
_COLUMNS: Final = 100  # the width of a log
_SHORTEST_KEY: Final = 24
_LONGEST_KEY: Final = 72
_LONGEST_CELL: Final = 24
_NARROW_CELL: Final = 15  # where there are fewer columns; no number is longer
_LONGEST_SENTENCE: Final = 160
_LARGEST_WHOLE: Final = 1e15  # beyond it a float cannot hold every whole number
_COMMIT: Final = re.compile(r"[0-9a-f]{20,64}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NOTHING: Final = "-"


class _Row(NamedTuple):
    """One row, such as `metric` `auc` as `kind` and `key`; the cells are already formatted."""

    kind: str
    key: str
    incumbent: str
    candidate: str
    difference: str = ""

    @property
    def cells(self) -> tuple[str, str, str]:
        """What is in the columns: from the incumbent to the candidate."""
        return self.incumbent, self.candidate, self.difference


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows that are shown and the notes below them; `left` counts what is not shown."""

    rows: tuple[_Row, ...]
    signature: tuple[str, ...]
    left: str


def text_lines(comparison: Comparison, now: datetime, columns: int | None = None) -> list[str]:
    """Return an indented block: the two versions, and a row for each difference.

    `columns` are those of a terminal; a log has 100, and notes of any length.
    """
    shown = _rows(comparison, now)
    header, columns_of = _header(comparison)
    room = _COLUMNS if columns is None else columns
    longest = _LONGEST_CELL if room >= _COLUMNS else _NARROW_CELL
    cells = [[cut(visible(cell), longest) for cell in row.cells[columns_of]] for row in shown.rows]
    keys = _fitting([visible(row.key) for row in shown.rows], [header, *cells], room)
    labels = [f"{row.kind} {key}".strip() for row, key in zip(shown.rows, keys, strict=True)]
    rows = [[label, *row] for label, row in zip(labels, cells, strict=True)]
    inner = None if columns is None else columns - 4
    head = TableColumn("", 8, whole_ends=True)
    lines = [*table((head, *header), rows, inner)] if rows else []
    for note in _notes(comparison, shown):
        lines += folded(visible(note), inner, "  ")
    title = folded(f"  {visible(_title(comparison))}", columns, "    ")
    return [*title, *(f"    {line}" for line in lines)]


def markdown_lines(comparison: Comparison, now: datetime) -> list[str]:
    """Return the same as a Markdown table; values from outside cannot become markup."""
    shown = _rows(comparison, now)
    lines = [f"**{prose(_title(comparison))}**", ""]
    header, columns_of = _header(comparison)
    if shown.rows:
        lines += [markdown_row(["", *header]), "|---" * (len(header) + 1) + "|"]
    for row in map(_marked, shown.rows):
        lines.append(markdown_row([row.key, *row.cells[columns_of]]))
    notes = [f"- {prose(note)}" for note in _notes(comparison, shown)]
    return [*lines, *([""] if shown.rows and notes else []), *notes]


def document(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison for a JSON document; the same input gives the same bytes.

    `model`; `places`: the stage and the aliases (`@name`) that the candidate enters, empty for a
    mere comparison; `candidate` and `incumbent`: a version as from `side_document`, null where
    there is no incumbent; `metrics`: all keys of both, with `candidate`, `incumbent` (null: not
    logged) and `difference` (null: not a number); `params` and `tags`: those that differ, with
    `candidate` and `incumbent`; `signature`: the differences, in sentences, null where a signature
    is not known; `bytes`: "same" or "other" by the digests of both, null where one is not
    known. NaN and the infinities are the texts "NaN", "Infinity" and "-Infinity".
    """
    incumbent, signature = comparison.incumbent, comparison.signature
    return {
        "model": comparison.model,
        "places": list(comparison.places),
        "candidate": side_document(comparison.candidate),
        "incumbent": None if incumbent is None else side_document(incumbent),
        "metrics": [
            {
                "key": row.key,
                "candidate": _json_number(row.candidate),
                "incumbent": _json_number(row.incumbent),
                "difference": _json_number(row.difference),
            }
            for row in comparison.metrics
        ],
        "params": [row._asdict() for row in comparison.params],
        "tags": [row._asdict() for row in comparison.tags],
        "signature": None if signature is None else list(signature),
        "bytes": comparison.bytes,
    }


def side_document(side: Side) -> dict[str, Any]:
    """Return one version for a JSON document.

    `version`, `stage`, `aliases`, `tags`, `description`; `created`: when it was registered;
    `digest`: of its bytes, as declared, else as the last apply read them, null where neither is;
    `semver`: as declared, else as in its live tag, null where neither is;
    `run_id`; `run`: `id`, `name`, `status`, `user`, `started`, `deleted`, null where it is not
    known; `source_commit`, `data_version`, `registered_by`: null where they were not recorded;
    `metrics`, `params`: by name; `signature`: `inputs`, `outputs` and `params`, lists of `name`,
    `type` and `required`, null where it is not known; `missing`: what could not be read, in
    sentences. Times are in UTC. The source is left out: it may contain credentials.
    """
    facts = side.facts
    return {
        "version": side.version,
        "stage": side.stage,
        "aliases": list(side.aliases),
        "tags": dict(sorted(side.tags.items())),
        "description": side.description,
        "created": moment(side.identity.created),
        "digest": side.digest,
        "semver": side.semver,
        "run_id": side.identity.run_id,
        "run": None if facts.run is None else _run_document(facts.run),
        "source_commit": side.source_commit,
        "data_version": side.data_version,
        "registered_by": side.registered_by,
        "metrics": {key: _json_number(held) for key, held in sorted(facts.metrics.items())},
        "params": dict(sorted(facts.params.items())),
        "signature": None if facts.signature is None else _signature_document(facts.signature),
        "missing": list(facts.missing),
    }


def number(value: float | None) -> str:
    """Return a metric: a whole number in full, any other with six significant digits."""
    if value is None:
        return _NOTHING
    if not math.isfinite(value):
        return _odd(value)
    if value == int(value) and abs(value) < _LARGEST_WHOLE:
        return str(int(value))
    return f"{value:.6g}"


def age(created: int | None, now: datetime) -> str | None:
    """Return how old something is, such as `3 d`; None where its time is not known."""
    if created is None:
        return None
    return in_words(now - _EPOCH - timedelta(milliseconds=created), parts=1)


def moment(milliseconds: int | None) -> str | None:
    """Return a time in UTC, None where it is not known."""
    if milliseconds is None:
        return None
    return f"{_EPOCH + timedelta(milliseconds=milliseconds):%Y-%m-%dT%H:%M:%SZ}"


def run_name(run: Run) -> str:
    """Return a run's name and the beginning of its id, and its status unless it finished."""
    name = f"{run.name} ({run.id[:8]})" if run.name else run.id[:12]
    state = "deleted" if run.deleted else run.status
    return name if state in (None, "FINISHED") else f"{name}, {state}"


def trained_from(side: Side) -> str | None:
    """Return the commit that trained a version: of a hash the beginning, any other text whole."""
    commit = side.source_commit
    return commit[:12] if commit and _COMMIT.fullmatch(commit) else commit


def column(spec: Column) -> str:
    """Return an input, an output or a param of a signature, as `amount double`."""
    shown = f"{spec.name} {spec.type}" if spec.name is not None else spec.type
    return shown if spec.required else f"{shown}, optional"


def cut(text: str, longest: int) -> str:
    """Return a text without its middle where it is too long; both ends identify it."""
    if len(text) <= longest:
        return text
    tail = (longest - 1) // 2
    return f"{text[: longest - 1 - tail]}…{text[-tail:]}"


def _fitting(keys: Sequence[str], cells: Sequence[Sequence[str]], columns: int) -> list[str]:
    """Return the keys cut to a terminal's width, less where two would look alike."""
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    room = columns - len("    metric ") - sum(taken + 2 for taken in widths)
    short = list(keys)
    for longest in range(max(_SHORTEST_KEY, room), _LONGEST_KEY + 1):
        short = [cut(key, longest) for key in keys]
        if len(set(short)) == len(set(keys)):
            break
    return short


def _title(comparison: Comparison) -> str:
    candidate, incumbent = comparison.candidate, comparison.incumbent
    one = _named(candidate)
    if comparison.places:
        number = f" ({candidate.semver})" if candidate.semver else ""
        one = f"v{candidate.version}{number} for {', '.join(comparison.places)}"
    if incumbent is None:
        return f"{one}, without an incumbent"
    return f"{_named(incumbent)} → {one}"


def _named(side: Side) -> str:
    held = [side.semver] if side.semver else []
    held += [side.stage] if side.stage != "None" else []
    held += [f"@{alias}" for alias in side.aliases]
    return f"v{side.version} ({' '.join(held)})" if held else f"v{side.version}"


def _header(comparison: Comparison) -> tuple[list[str], slice]:
    """Return the names of the columns, and which of a row's cells are in them."""
    name, incumbent = f"v{comparison.candidate.version}", comparison.incumbent
    if incumbent is None:
        return [name], slice(1, 2)
    return [f"v{incumbent.version}", name, "difference"], slice(3)


def _rows(comparison: Comparison, now: datetime) -> _Rows:
    ranked = sorted(comparison.metrics, key=rank)
    params, tags, signature = comparison.params, comparison.tags, comparison.signature or ()
    rows = (
        *_aligned([_metric(row) for row in sorted(ranked[:_MOST_METRICS])]),
        *(_text("param", row) for row in params[:_MOST_OTHERS]),
        *(_text("tag", row) for row in tags[:_MOST_OTHERS]),
        *_about(comparison, now),
    )
    left = [_more_metrics(ranked[_MOST_METRICS:])]
    for thing, found in (("params", params), ("tags", tags), ("signature", signature)):
        if found[_MOST_OTHERS:]:
            left.append(f"{len(found) - _MOST_OTHERS} of the {thing}")
    return _Rows(rows, signature[:_MOST_OTHERS], ", ".join(filter(None, left)))


def _more_metrics(unseen: Sequence[MetricRow]) -> str:
    """Return how many metrics are not shown, and how many of those differ."""
    differing = sum(row.differs for row in unseen)
    counted = phrases.count(len(unseen), "metric") if unseen else ""
    return f"{counted} ({differing} of them differ)" if differing else counted


def rank(row: MetricRow) -> tuple[bool, int, str]:
    """Return the sort key of a metric; the last ones are not shown."""
    one_sided = None in (row.candidate, row.incumbent)
    return (row.key.startswith("system/"), 0 if row.differs else 1 if one_sided else 2, row.key)


def _metric(row: MetricRow) -> _Row:
    return _Row("metric", row.key, number(row.incumbent), number(row.candidate), difference(row))


def difference(row: MetricRow) -> str:
    """Return the difference of a metric with its sign, `=` for none, empty for what has none."""
    if row.difference is None:
        return ""
    shown = number(row.difference)
    return "=" if row.difference == 0 else shown if shown.startswith("-") else f"+{shown}"


def _aligned(rows: Sequence[_Row]) -> Iterable[_Row]:
    """Return rows with their numbers aligned to the right."""
    widths = [max(map(len, column)) for column in zip(*(row.cells for row in rows), strict=True)]
    for row in rows:
        cells = (cell.rjust(room) for cell, room in zip(row.cells, widths, strict=True))
        yield _Row(row.kind, row.key, *cells)


def _text(kind: str, row: TextRow) -> _Row:
    sides = (row.incumbent, row.candidate)
    cells = (_NOTHING if cell is None else cell or '""' for cell in sides)
    return _Row(kind, row.key, *cells)


def _about(comparison: Comparison, now: datetime) -> Iterator[_Row]:
    """Yield the other facts of two versions, each where at least one version has it."""
    incumbent = comparison.incumbent
    one = _told(comparison.candidate, now)
    other = _told(incumbent, now) if incumbent else {}
    differences = comparison.signature
    for label in one:
        cells = (other.get(label) or _NOTHING, one[label] or _NOTHING)
        remark = ""
        if label == "signature" and differences is not None:
            remark = "differs" if differences else "="
        if label == "digest" and comparison.bytes is not None:
            remark = "the same bytes" if comparison.bytes == "same" else "other bytes"
        if cells != (_NOTHING, _NOTHING):
            yield _Row("", label, *cells, remark)


def _told(side: Side, now: datetime) -> dict[str, str | None]:
    run = side.facts.run
    return {
        "signature": None if side.facts.signature is None else _shape(side.facts.signature),
        "age": age(side.identity.created, now),
        "registered by": side.registered_by,
        "run": side.identity.run_id if run is None else run_name(run),
        "source commit": trained_from(side),
        "data version": side.data_version,
        "digest": short(side.digest).rstrip("…") if side.digest else None,
    }


def _shape(signature: Signature) -> str:
    sizes = [f"{len(signature.inputs)} in", f"{len(signature.outputs)} out"]
    if signature.params:
        sizes.append(phrases.count(len(signature.params), "param"))
    return ", ".join(sizes)


def _notes(comparison: Comparison, shown: _Rows) -> list[str]:
    """Return the notes that do not fit into a cell."""
    notes = [f"signature: {one}" for one in shown.signature]
    if shown.left:
        notes.append(f"not shown: {shown.left}; `--format json` has all")
    sides = (comparison.incumbent, comparison.candidate)
    notes += [
        f"v{side.version}: "
        + "; ".join(one.removeprefix(f"v{side.version} ") for one in side.facts.missing)
        for side in sides
        if side is not None and side.facts.missing
    ]
    return [cut(note, _LONGEST_SENTENCE) for note in notes]


def _marked(row: _Row) -> _Row:
    """Return a row as Markdown: logged values as code, our own words as prose."""
    if not row.kind:
        return _Row("", row.key, *(prose(cut(cell, _LONGEST_CELL)) for cell in row.cells))
    cells = [cell.strip() for cell in row.cells]
    if row.kind == "metric":
        cells[2] = f"**{cells[2]}**" if cells[2] not in ("", "=") else cells[2]
    else:
        cells = [c if c in ("", _NOTHING) else code(cut(c, _LONGEST_CELL)) for c in cells]
    return _Row(row.kind, f"{row.kind} {code(cut(row.key, _LONGEST_KEY))}", *cells)


def _json_number(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else _odd(value)


def _odd(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _run_document(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "name": run.name,
        "status": run.status,
        "user": run.user,
        "started": moment(run.started),
        "deleted": run.deleted,
    }


def _signature_document(signature: Signature) -> dict[str, Any]:
    return {
        part: [
            {"name": one.name, "type": one.type, "required": one.required}
            for one in getattr(signature, part)
        ]
        for part in ("inputs", "outputs", "params")
    }
