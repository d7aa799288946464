"""Renders plans and reports as plain text for a terminal or a log; the CLI adds the colour."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.core.artifacts.bytes_check import BytesCheck
from reconciler.core.plan import DraftPlan, JudgedPlan, ModelPlan, RegistryRef
from reconciler.core.report import ApplyReport, ModelReport, Result
from reconciler.core.state import Field, Value
from reconciler.planning.status import StatusRow
from reconciler.render import phrases
from reconciler.render.artifacts.bytes_lines import differing, kept
from reconciler.render.escape import visible
from reconciler.render.inspection.comparison import text_lines
from reconciler.render.table import TableColumn, fitted, padded, table, width
from reconciler.render.usage import blast_radius

_REFUSED_IN_FULL = 3  # models that a 403 kept from being written; more are counted
_MARKS = {"applied": "✓", "failed": "✗", "skipped": "·", "stale": "✗", "superseded": "·"}


@dataclass(frozen=True, slots=True)
class Effort:
    """The cost of a run: requests sent, and seconds of wall time."""

    requests: int
    seconds: float


def plan(
    value: JudgedPlan,
    effort: Effort,
    now: datetime,
    columns: int | None = None,
    permissions: str | None = None,
    *,
    digests_section: Sequence[str] = (),
) -> str:
    """Return a plan as text; the last line counts changes, models, requests and seconds."""
    lines = [_target(value), ""]
    for model in value.models:
        lines += [*_model(model), *_evidence(model, now, columns)]
    lines += _notes(value)
    lines += _violations(value)
    lines += [f"permissions: {visible(permissions)}", ""] if permissions else []
    lines += digests_section
    lines += [f"plan: {phrases.headline(value)}", last_line(value, effort)]
    return "\n".join(fitted(lines, columns)) + "\n"


def drift(
    drifted: DraftPlan,
    pending: DraftPlan,
    effort: Effort,
    unmanaged: Sequence[tuple[str, Field, Value]] | None = None,
    columns: int | None = None,
    *,
    bytes_section: Sequence[str] = (),
) -> str:
    """Return what differs from git, and what git declares that is not yet live."""
    lines = [_target(drifted), ""]
    for title, part in (("drift", drifted), ("pending", pending)):
        gone = part.deleted if part is drifted else ()
        counts = [phrases.count(len(part.changes), "change")] if part.changes else []
        counts += [phrases.count(len(gone), "deleted version")] if gone else []
        lines.append(f"{title}: {', '.join(counts) or 'none'}")
        lines += ["", *(line for model in part.models for line in _rows_of(model, gone))]
    lines += bytes_section
    told = [model for model in drifted.models if model.messages or model.problems]
    lines += ["also:", ""] if told else []
    for model in told:
        lines += _model(replace(model, changes=()))
    if unmanaged is not None:
        lines += [f"unmanaged: {phrases.count(len(unmanaged), 'value') if unmanaged else 'none'}"]
        lines += ["", *_held(unmanaged)]
    lines += [last_line(drifted, effort, len(drifted.changes) + len(pending.changes))]
    return "\n".join(fitted(lines, columns)) + "\n"


def status(
    rows: Sequence[StatusRow], value: DraftPlan, effort: Effort, columns: int | None = None
) -> str:
    """Return the table of versions: stage, aliases, and the commit that is live."""
    name = TableColumn("MODEL", 24, main=True, whole_ends=True)
    commit = TableColumn("COMMIT", None if any(row.unfinished for row in rows) else 8, leaves=1)
    header = (name, "VERSION", "STAGE", TableColumn("ALIASES", 10), "STATUS", commit)
    cells = []
    for before, row in zip([None, *rows], rows, strict=False):
        cells.append(
            (
                "" if before is not None and before.model == row.model else row.model,
                "-" if row.version is None else f"v{row.version}",
                row.stage or "-",
                " ".join(f"@{alias}" for alias in row.aliases) or "-",
                row.sync,
                (row.commit or "-")[:12] + (" (unfinished)" if row.unfinished else ""),
            )
        )
    lines = table(header, cells, columns) if cells else ["no version"]
    lines = [_target(value), "", *lines, "", last_line(value, effort)]
    return "\n".join(lines) + "\n"


def report(value: ApplyReport, effort: Effort, columns: int | None = None) -> str:
    """Return the outcome of each change, with the same last line as the plan."""
    lines = [_target(value.plan), ""]
    refused = [model for model in value.models if model.is_refused or model.untried]
    shown = [model for model in value.models if model not in refused]
    for model in shown if len(refused) > _REFUSED_IN_FULL else value.models:
        if model.results or model.error or model.messages:
            lines += _model_report(model)
    lines += _refusals(value)
    lines += _violations(value.plan)
    lines += [f"apply: {phrases.outcome(value)}", last_line(value.plan, effort)]
    return "\n".join(fitted(lines, columns)) + "\n"


def last_line(value: DraftPlan, effort: Effort, changes: int | None = None) -> str:
    """Return the counts of changes, models, requests and seconds, as every command ends."""
    number = len(value.changes) if changes is None else changes
    return (
        f"{number} change{'' if number == 1 else 's'}, {phrases.models(len(value.models))}, "
        f"{effort.requests} request{'' if effort.requests == 1 else 's'}, {effort.seconds:.2f} s"
    )


def _target(value: DraftPlan) -> str:
    state = value.state
    commit = f" @ {state.commit[:12]}" if state.commit else ""
    dirty = " (with uncommitted changes)" if state.dirty else ""
    return visible(f"{state.path}{commit}{dirty} → {_registry(value.registry)}")


def _registry(ref: RegistryRef) -> str:
    name = f" ({ref.name})" if ref.name else ""
    workspace = f", workspace {ref.workspace}" if ref.workspace else ""
    return f"{ref.uri}{name}{workspace}"


def _rows_of(model: ModelPlan, gone: Collection[tuple[str, int]]) -> list[str]:
    """Return a model's changes, and its versions among those that are `gone`."""
    lost = [f"  - v{v}  deleted in the registry" for name, v in gone if name == model.model]
    if not (model.changes or lost):
        return []
    return [_title(model.model, model.file), *_changes(model), *lost, ""]


def _held(values: Sequence[tuple[str, Field, Value]]) -> list[str]:
    lines = []
    for name in dict.fromkeys(name for name, _, _ in values):
        rows = [
            (" ", phrases.subject(address), phrases.value(address, value), "")
            for model, address, value in values
            if model == name
        ]
        lines += [_title(name, None), *_rows(rows), ""]
    return lines


def _model(model: ModelPlan) -> list[str]:
    if not (model.changes or model.messages or model.problems):
        return []
    lines = [*_changes(model), *_bytes(model.bytes), *_consumers(model)]
    lines += [f"  ! {visible(message)}" for message in model.messages]
    for problem in model.problems:
        lines += [f"  ✗ {visible(problem.message)}", *phrases.contrasts(problem, "    ")]
    return [_title(model.model, model.file), *lines, ""]


def _bytes(checks: Sequence[BytesCheck]) -> list[str]:
    return [f"  bytes  {line}" for line in kept(checks)]


def _consumers(model: ModelPlan) -> list[str]:
    said = blast_radius.sentence(model)
    return [f"  {visible(said)}"] if said else []


def _changes(model: ModelPlan) -> list[str]:
    rows = [
        (phrases.mark(c), phrases.subject(c.field), phrases.move(c), phrases.cause(c))
        for c in model.changes
    ]
    return _rows(rows)


def _evidence(model: ModelPlan, now: datetime, columns: int | None) -> list[str]:
    room = None if columns is None else columns - 2
    return [
        line
        for comparison in model.evidence
        for line in (*(f"  {line}".rstrip() for line in text_lines(comparison, now, room)), "")
    ]


def _model_report(model: ModelReport) -> list[str]:
    rows = [
        (
            _MARKS[result.outcome],
            phrases.subject(result.change.field),
            phrases.move(result.change),
            _became(result, why),
        )
        for result, why in zip(model.results, phrases.reasons(model.results), strict=True)
    ]
    lines = [*_rows(rows), *_bytes(model.bytes)]
    lines += phrases.contrast_lines(differing(model.bytes), "    ")
    lines += [f"  ! {message}" for message in model.messages]
    if model.error:
        lines.append(f"  ✗ {visible(model.error)}")
    return [_title(model.model, None), *lines, ""]


def _became(result: Result, why: str) -> str:
    if result.outcome == "applied":
        return phrases.cause(result.change)
    return f"{result.outcome}: {visible(why)}"


def _rows(rows: Sequence[tuple[str, str, str, str]]) -> list[str]:
    if not rows:
        return []
    subjects = max(width(row[1]) for row in rows)
    moves = max((width(row[2]) for row in rows if row[3]), default=0)
    return [
        f"  {mark} {padded(subject, subjects)}  {padded(move, moves)}  {note}".rstrip()
        for mark, subject, move, note in rows
    ]


def _title(model: str, file: str | None) -> str:
    return visible(model) + (f"  ({visible(file)})" if file else "")


def _refusals(value: ApplyReport) -> list[str]:
    """Return a line for each permission that was missing, whatever the number of models."""
    lines = [f"✗ {visible(refusal.message)}" for refusal in value.refusals]
    untried = sum(model.untried for model in value.models)
    if untried:
        refused = "the first ones were all refused: `--model` applies those that you may write"
        lines.append(f"· {phrases.models(untried)} not tried, because {refused}")
    return [*lines, ""] if lines else []


def _notes(value: JudgedPlan) -> list[str]:
    lines = [f"one merge later: {visible(note)}" for note in value.notes]
    return [*lines, ""] if lines else []


def _violations(value: JudgedPlan) -> list[str]:
    judged = [(phrases.judged(violation), violation) for violation in value.violations]
    judged += [("waits", violation) for violation in value.pending]
    lines = []
    for word, violation in judged:
        of_model = f" {visible(violation.model)}:" if violation.model else ""
        lines.append(f"{word}: {violation.name}:{of_model} {visible(violation.message)}")
        if not violation.accepted:
            lines.append(f"  {visible(violation.hint)}")
    return [*lines, ""] if lines else []
