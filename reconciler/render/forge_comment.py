"""Renders a plan, an outcome or drift as Markdown that fits into a forge's comment or check.

The summary comes first, then a folded section for each model. Sections without room are counted,
and a pointer names the place that has them.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from reconciler.core.artifacts.missing_digest import MissingDigest
from reconciler.core.plan import DraftPlan, JudgedPlan, ModelPlan
from reconciler.core.report import ApplyReport, ModelReport
from reconciler.errors import Problem
from reconciler.planning.artifacts.bytes_drift import BytesDrift
from reconciler.render import markdown, phrases
from reconciler.render.artifacts import bytes_drift, missing_digests
from reconciler.render.artifacts.bytes_lines import differing
from reconciler.render.escape import code, prose

_MOST_RULES: Final = 40  # violations and errors that a summary lists
_MOVING: Final = ("stage", "alias")
_SHOWN: Final = 4  # moves that a section's title names
_WAYS: Final = (
    "Declare it in git by a pull request, or let `apply` revert it. This issue closes itself when "
    "the registry is as git says."
)
_CLOSED_BY_SIZES: Final = "This issue closes itself when all names and sizes are as approved."
_CLOSED_BY_READING: Final = (
    "This issue is closed by `drift --bytes` when all that it reads is as approved: sizes alone "
    "cannot tell."
)
_MARKS: Final = {"applied": "✅", "failed": "❌", "skipped": "⏭️", "stale": "❌", "superseded": "⏭️"}


def plan(
    value: JudgedPlan,
    now: datetime,
    missing: Sequence[MissingDigest] = (),
    *,
    room: int,
    more: str,
) -> str:
    """Return a plan in at most `room` characters; `more` names the place of the rest.

    `missing` are the versions that enter without a digest.
    """
    listed = len(value.problems) <= _MOST_RULES
    models = [
        model for model in _by_weight(value.models) if not listed or model.changes or model.messages
    ]
    head = [*_summary(value), *missing_digests.markdown_lines(missing)]
    tail = [f"digest {code(value.digest)}"]
    sections = [_section(model, now, digest=model.digest(value.registry)) for model in models]
    whole = "\n".join([*head, *(line for section in sections for line in section), *tail, ""])
    if len(whole) <= room:
        return whole
    # One more model is worth more than the digests of the models before it.
    return _fitting(head, [_section(model, now) for model in models], tail, room, more)


def outcome(report: ApplyReport, *, room: int, more: str) -> str:
    """Return the outcome of an apply in at most `room` characters."""
    value = report.plan
    lines = [f"### Apply: {phrases.outcome(report)}", "", *markdown.target(value), ""]
    lines += _complaints(value)
    sections = [_became(model) for model in report.models if model.results or model.error]
    return _fitting(lines, sections, [], room, more)


def drift(drifted: DraftPlan, pending: DraftPlan, now: datetime, *, room: int, more: str) -> str:
    """Return an issue's text: what differs from git, and what git declares that is not live."""
    lines = [*markdown.target(drifted), ""]
    counts = ((drifted, "moved away from git"), (pending, "in git, not live yet"))
    lines += [f"- {phrases.count(len(part.changes), 'value')} {what}" for part, what in counts]
    if drifted.deleted:
        lines.append(f"- {phrases.count(len(drifted.deleted), 'declared version')} deleted by hand")
    lines += ["", _WAYS, ""]
    sections = [
        _section(model, now, title)
        for part, title in ((drifted, "drift"), (pending, "pending"))
        for model in _by_weight(part.models)
        if model.changes or (part is drifted and model.deleted)
    ]
    return _fitting(lines, sections, [], room, more)


def changed_bytes(value: DraftPlan, files: BytesDrift, *, room: int, more: str) -> str:
    """Return the text of the issue about versions whose files are not those that were approved."""
    lines = [*markdown.target(value), "", f"bytes: {bytes_drift.summary(files)}", ""]
    lines += [f"- {prose(sentence)}" for sentence in bytes_drift.way_out(files)]
    lines += ["", _CLOSED_BY_SIZES if files.depth == "sizes" else prose(_CLOSED_BY_READING), ""]
    by_model = groupby(files.rows, key=lambda row: row.pinned.model)
    sections = [
        _details(
            f"❌ bytes: {code(model)}",
            [f"- ❌ {markdown.problem(row.problem)}" for row in rows],
        )
        for model, rows in by_model
    ]
    return _fitting(lines, sections, [], room, more)


def failure(problems: Sequence[Problem], *, room: int, more: str) -> str:
    """Return why there is no plan."""
    lines = [f"### No plan: {phrases.count(len(problems), 'error')}", ""]
    lines += [f"- ❌ {markdown.problem(one)}" for one in problems[:_MOST_RULES]]
    lines += _rest(len(problems) - _MOST_RULES, "error", more)
    return _fitting(lines, [], [], room, more)


def cut(text: str, room: int, more: str) -> str:
    """Return a text, cut after a whole line, in at most `room` characters."""
    if len(text) <= room:
        return text
    end = f"\n\n… {prose(more)}\n"
    kept = text[: room - len(end)]
    return kept[: max(kept.rfind("\n"), 0)] + end


def _by_weight(models: Sequence[ModelPlan]) -> list[ModelPlan]:
    """Return the models to show: first those with errors, then those that move, then the rest."""

    def weight(model: ModelPlan) -> tuple[bool, bool, str]:
        moves = any(change.field.name in _MOVING for change in model.changes)
        return (not model.problems, not moves, model.model)

    return sorted((model for model in models if markdown.has_body(model)), key=weight)


def _summary(value: JudgedPlan) -> list[str]:
    lines = [f"### Plan: {phrases.headline(value)}", "", *markdown.target(value), ""]
    return [*lines, *_complaints(value)]


def _complaints(value: JudgedPlan) -> list[str]:
    settings = markdown.judgements(value)
    problems = [f"- ❌ {markdown.problem(one)}" for one in value.problems]
    lines = [line for rule in settings[:_MOST_RULES] for line in rule]
    lines += _rest(len(settings) - _MOST_RULES, "rule", "in the sections below")
    lines += [*problems[:_MOST_RULES], *([""] if problems else [])]
    return [*lines, *_rest(len(problems) - _MOST_RULES, "error", "in the sections below")]


def _rest(number: int, thing: str, where: str) -> list[str]:
    return [f"… and {phrases.count(number, thing)} more: {prose(where)}", ""] if number > 0 else []


def _section(model: ModelPlan, now: datetime, title: str = "", digest: str = "") -> list[str]:
    moves = [change for change in model.changes if change.field.name in _MOVING]
    said = [f"{phrases.subject(change.field)} {phrases.move(change)}" for change in moves[:_SHOWN]]
    said += [f"{len(moves) - _SHOWN} moves more"] if len(moves) > _SHOWN else []
    rest = len(model.changes) - len(moves)
    said += [phrases.count(rest, "other change" if moves else "change")] if rest else []
    said += [model.outcome] if not model.changes else []
    head = f"{title}: " if title else ""
    mark = "❌ " if model.problems else ""
    summary = f"{mark}{head}{code(model.model)} {prose(', '.join(said))}"
    tail = ["", f"digest {code(digest)}"] if digest and model.changes else []
    return _details(summary, [*markdown.body(model, now), *tail])


def _became(model: ModelReport) -> list[str]:
    counts = [
        f"{_MARKS[outcome]} {sum(result.outcome == outcome for result in model.results)} {outcome}"
        for outcome in _MARKS
        if any(result.outcome == outcome for result in model.results)
    ]
    rows = [
        f"| {_MARKS[result.outcome]} | {code(phrases.subject(result.change.field))} "
        f"| {code(phrases.move(result.change))} | {prose(why)} |"
        for result, why in zip(model.results, phrases.reasons(model.results), strict=True)
    ]
    lines = ["| | what | change | |", "|---|---|---|---|", *rows] if rows else []
    lines += ["", *said] if (said := markdown.checked_bytes(model.bytes)) else []
    lines += markdown.contrasts(differing(model.bytes))
    lines += ["", f"❌ {prose(model.error)}"] if model.error else []
    lines += [line for message in model.messages for line in ("", f"⚠️ {prose(message)}")]
    return _details(f"{code(model.model)} {', '.join(counts) or '❌'}", lines)


def _details(summary: str, body: Sequence[str]) -> list[str]:
    return [f"<details><summary>{summary}</summary>", "", *body, "", "</details>", ""]


def _fitting(
    head: Sequence[str],
    sections: Sequence[Sequence[str]],
    tail: Sequence[str],
    room: int,
    more: str,
) -> str:
    """Return as many whole sections as fit, and how many are left out."""
    end = "\n".join(tail) + ("\n" if tail else "")
    longest = f"… and {len(sections)} models more: {prose(more)}\n\n"
    text = cut("\n".join(head) + "\n", room - len(end) - len(longest), more)
    left = room - len(text) - len(end) - len(longest)
    shown = 0
    for section in sections:
        part = "\n".join(section) + "\n"
        if len(part) > left:
            break
        text += part
        left -= len(part)
        shown += 1
    if shown < len(sections):
        text += f"… and {phrases.count(len(sections) - shown, 'model')} more: {prose(more)}\n\n"
    return text + end
