"""A plan as Markdown, for a pull request: summary first, then a table per model."""

from datetime import datetime

from reconciler.errors import Problem
from reconciler.plan import ModelPlan, Plan
from reconciler.render import words
from reconciler.render.comparison import markdown_lines
from reconciler.render.escape import code, prose
from reconciler.violations import Violation

_WORDS = {"accepted": "✅ accepted", "warning": "⚠️ warning", "refused": "⛔ refused"}


def plan(value: Plan, now: datetime) -> str:
    """Return a plan as GitHub-flavoured Markdown; text from outside cannot become markup."""
    name = f" ({code(value.registry.name)})" if value.registry.name else ""
    commit = f" at {code(value.state.commit[:12])}" if value.state.commit else ""
    dirty = ", with uncommitted changes" if value.state.dirty else ""
    lines = [
        f"### Plan: {words.headline(value)}",
        "",
        f"{code(value.state.path)}{commit}{dirty} → {code(value.registry.uri)}{name}",
        "",
    ]
    lines += [f"> 🕐 one merge later: {prose(note)}\n" for note in value.notes]
    for violation in value.violations:
        lines += _violation(_WORDS[words.judged(violation)], violation)
    for violation in value.pending:
        lines += _violation("🕐 waits", violation)
    for model in value.models:
        lines += [*_model(model), *_evidence(model, now)]
    lines += [f"digest {code(value.digest)}"]
    return "\n".join(lines) + "\n"


def _model(model: ModelPlan) -> list[str]:
    if not (model.changes or model.messages or model.problems):
        return []
    lines = [f"#### {code(model.model)}", ""]
    if model.changes:
        lines += ["| | what | before | after | why |", "|---|---|---|---|---|"]
    for change in model.changes:
        before, after = (
            "" if held is None else code(words.value(change.field, held))
            for held in (change.before, change.after)
        )
        what = code(words.subject(change.field))
        mark = code(words.mark(change))
        lines.append(f"| {mark} | {what} | {before} | {after} | {change.cause} |")
    if model.changes:
        lines.append("")
    lines += [f"- ⚠️ {prose(message)}" for message in model.messages]
    lines += [f"- ❌ {_problem(problem)}" for problem in model.problems]
    return [*lines, ""] if lines[-1] else lines


def _evidence(model: ModelPlan, now: datetime) -> list[str]:
    return [
        line for comparison in model.evidence for line in (*markdown_lines(comparison, now), "")
    ]


def _problem(problem: Problem) -> str:
    where = f"{code(problem.where)}: " if problem.where else ""
    hint = f" — {prose(problem.hint)}" if problem.hint else ""
    return f"{where}{prose(problem.message)}{hint}"


def _violation(word: str, violation: Violation) -> list[str]:
    of_model = f" {code(violation.model)}" if violation.model else ""
    lines = [f"> {word} **{violation.name}**{of_model}: {prose(violation.message)}"]
    if not violation.accepted:
        lines.append(f"> {prose(violation.hint)}")
    return [*lines, ""]
