"""Renders a plan as Markdown for a pull request: the summary, then a table for each model."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from reconciler.core.artifacts.bytes_check import BytesCheck
from reconciler.core.plan import DraftPlan, JudgedPlan, ModelPlan
from reconciler.core.violations import Violation
from reconciler.errors import Contrast, Problem
from reconciler.render import phrases
from reconciler.render.artifacts.bytes_lines import kept
from reconciler.render.escape import code, prose
from reconciler.render.inspection.comparison import markdown_lines
from reconciler.render.table import markdown_row
from reconciler.render.usage import blast_radius

_WORDS = {"accepted": "✅ accepted", "warning": "⚠️ warning", "refused": "⛔ refused"}


def plan(value: JudgedPlan, now: datetime) -> str:
    """Return a plan as GitHub-flavoured Markdown; values from outside cannot become markup."""
    lines = [f"### Plan: {phrases.headline(value)}", "", *target(value), ""]
    lines += [line for rule in judgements(value) for line in rule]
    for model in value.models:
        if has_body(model):
            lines += [f"#### {code(model.model)}", "", *body(model, now), ""]
    lines += [f"digest {code(value.digest)}"]
    return "\n".join(lines) + "\n"


def target(value: DraftPlan) -> list[str]:
    """Return the line that names the plan's state and its registry."""
    ref = value.registry
    name = f" ({code(ref.name)})" if ref.name else ""
    workspace = f", workspace {code(ref.workspace)}" if ref.workspace else ""
    commit = f" at {code(value.state.commit[:12])}" if value.state.commit else ""
    dirty = ", with uncommitted changes" if value.state.dirty else ""
    return [f"{code(value.state.path)}{commit}{dirty} → {code(ref.uri)}{name}{workspace}"]


def judgements(value: JudgedPlan) -> list[list[str]]:
    """Return a line for every note, violation and rule that waits."""
    found = [[f"> 🕐 one merge later: {prose(note)}", ""] for note in value.notes]
    found += [_violation(_WORDS[phrases.judged(one)], one) for one in value.violations]
    return [*found, *(_violation("🕐 waits", one) for one in value.pending)]


def has_body(model: ModelPlan) -> bool:
    """Return whether there is anything to show for a model."""
    return bool(model.changes or model.messages or model.problems)


def body(model: ModelPlan, now: datetime) -> list[str]:
    """Return a model's rows, messages, problems and evidence."""
    parts = [_rows(model), checked_bytes(model.bytes), _consumers(model)]
    parts.append([f"- ⚠️ {prose(message)}" for message in model.messages])
    parts.append([f"- ❌ {problem(one)}" for one in model.problems])
    parts += [markdown_lines(comparison, now) for comparison in model.evidence]
    lines = [line for part in parts if part for line in (*part, "")]
    return lines[:-1]


def problem(complaint: Problem) -> str:
    """Return a problem with its place, hint and values, as an item of a list."""
    where = f"{code(complaint.where)}: " if complaint.where else ""
    hint = f" — {prose(complaint.hint)}" if complaint.hint else ""
    lines = [f"{where}{prose(complaint.message)}{hint}"]
    lines += contrasts(complaint.contrasts, "  ")
    return "\n".join(lines)


def contrasts(rows: Sequence[Contrast], margin: str = "") -> list[str]:
    """Return the approved and present values as a table; empty without rows."""
    if not rows:
        return []
    lines = ["", f"{margin}| what | approved | now |", f"{margin}|---|---|---|"]
    cells = ([code(cell) if cell else "" for cell in phrases.cells(row)] for row in rows)
    return [*lines, *(margin + markdown_row(row) for row in cells), ""]


def checked_bytes(checks: Iterable[BytesCheck]) -> list[str]:
    """Return an item for each version whose bytes are as approved, or were not read."""
    return [f"- bytes: {prose(line)}" for line in kept(checks)]


def _consumers(model: ModelPlan) -> list[str]:
    said = blast_radius.sentence(model)
    return [f"- {prose(said)}"] if said else []


def _rows(model: ModelPlan) -> list[str]:
    if not model.changes:
        return []
    lines = ["| | what | before | after | why |", "|---|---|---|---|---|"]
    for change in model.changes:
        before, after = (
            "" if held is None else code(phrases.value(change.field, held))
            for held in (change.before, change.after)
        )
        what = code(phrases.subject(change.field))
        mark = code(phrases.mark(change))
        lines.append(f"| {mark} | {what} | {before} | {after} | {change.cause} |")
    return lines


def _violation(word: str, violation: Violation) -> list[str]:
    of_model = f" {code(violation.model)}" if violation.model else ""
    line = f"> {word} **{violation.name}**{of_model}: {prose(violation.message)}"
    # Not a line break: only a forge's comments would show it, its other pages would not.
    return [line if violation.accepted else f"{line}<br>{prose(violation.hint)}", ""]
