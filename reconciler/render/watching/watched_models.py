"""Renders what a watch saw as text, Markdown and JSON."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.audit.dates import iso_moment
from reconciler.errors import Problem
from reconciler.policy.watching.looks import Look
from reconciler.policy.watching.watched_model import ProposalOutcome, WatchedModel, WatchedRule
from reconciler.render import json_documents, phrases
from reconciler.render.escape import code, prose, visible
from reconciler.render.json_documents import Document
from reconciler.render.table import fitted, folded, markdown_row, padded, width
from reconciler.render.text import Effort

_MARGIN: Final = " " * 6
_MARKS: Final = {"healthy": "✓", "failed": "✗", "inconclusive": "!"}
_EMOJI: Final = {"healthy": "✅", "failed": "❌", "inconclusive": "⚠️"}
_ORDER: Final = ("failed", "inconclusive", "healthy")


def text(models: Sequence[WatchedModel], effort: Effort, columns: int | None = None) -> str:
    """Return a line for each model, its rules below it, then what is proposed."""
    lines = [line for model in models for line in (*_model(model, columns), "")]
    requests = phrases.count(effort.requests, "request")
    lines += fitted([f"{headline(models)}, {requests}, {effort.seconds:.2f} s"], columns)
    return "\n".join(lines) + "\n"


def headline(models: Sequence[WatchedModel]) -> str:
    """Return how many models there are, and how many of each verdict."""
    counts = Counter(model.verdict for model in models)
    told = [f"{counts[verdict]} {verdict}" for verdict in _ORDER if counts[verdict]]
    return ", ".join([phrases.models(len(models)), *told])


def _model(model: WatchedModel, columns: int | None) -> Iterator[str]:
    served = f" v{model.version}" if model.version is not None else ""
    head = f"  {_MARKS[model.verdict]} {visible(model.model)}{served}  {model.verdict}"
    yield from fitted([head], columns)
    if model.obstacle is not None:
        yield from fitted([f"{_MARGIN}not looked at: {visible(model.obstacle)}"], columns)
    names = max((width(row.rule.name) for row in model.rules), default=0)
    verdicts = max((width(row.verdict.verdict) for row in model.rules), default=0)
    for row in model.rules:
        begin = f"{padded(row.rule.name, names)}  {padded(row.verdict.verdict, verdicts)}"
        below = " " * (len(_MARGIN) + names + verdicts + 4)
        yield from folded(f"{_MARGIN}{begin}  {visible(row.verdict.why)}", columns, below)
    told = [f"{_MARGIN}{visible(line)}" for line in proposal_lines(model.proposal)]
    yield from fitted(told, columns)


def proposal_lines(proposal: ProposalOutcome) -> Iterator[str]:
    """Yield what was done about a model, none where there was nothing to do."""
    back = f"a rollback to v{proposal.target}" if proposal.target is not None else "a rollback"
    where = proposal.url or ""
    match proposal.action:
        case "none":
            return
        case "opened":
            yield f"proposed {back}: {where}"
        case "commented":
            yield f"commented on {where}: {proposal.why}"
        case "would-open":
            yield (
                f"would propose {back}: {proposal.why}" if proposal.why else f"would propose {back}"
            )
        case "held-back":
            yield f"proposes nothing: {proposal.why}"
    if proposal.command is not None:
        yield f"next: `{proposal.command}`"


def markdown(models: Sequence[WatchedModel]) -> str:
    """Return the same as GitHub-flavoured Markdown; values from outside cannot become markup."""
    lines = [f"### Watch: {headline(models)}", ""]
    lines += [markdown_row(("model", "rule", "verdict", "why")), "|---|---|---|---|"]
    lines += [row for model in models for row in _rows(model)]
    told = [(model, line) for model in models for line in proposal_lines(model.proposal)]
    lines += (
        ["", *(f"- {code(model.model)}: {prose(line)}" for model, line in told)] if told else []
    )
    return "\n".join(lines) + "\n"


def _rows(model: WatchedModel) -> Iterator[str]:
    name = code(f"{model.model} v{model.version}" if model.version is not None else model.model)
    if not model.rules:
        verdict = f"{_EMOJI[model.verdict]} {model.verdict}"
        yield markdown_row((name, "", verdict, prose(model.obstacle or "")))
    for row in model.rules:
        verdict = f"{_EMOJI[row.verdict.verdict]} {row.verdict.verdict}"
        yield markdown_row((name, code(row.rule.name), verdict, prose(row.verdict.why)))


def document(
    models: Sequence[WatchedModel],
    problems: Sequence[Problem],
    *,
    commit: str | None,
    exit_code: int,
) -> Document:
    """Return the JSON document of a watch."""
    return {
        "format_version": json_documents.FORMAT_VERSION,
        "commit": commit,
        "models": [_document(model) for model in models],
        "errors": [json_documents.error(problem) for problem in problems],
        "exit": json_documents.ending(exit_code, "failed"),
    }


def _document(model: WatchedModel) -> Document:
    proposal = model.proposal
    return {
        "model": model.model,
        "version": model.version,
        "since": iso_moment(model.since) or None,
        "verdict": model.verdict,
        "mode": model.mode,
        "not_looked_at": model.obstacle,
        "rules": [rule_document(row) for row in model.rules],
        "proposal": {
            "action": proposal.action,
            "why": proposal.why,
            "target": proposal.target,
            "branch": proposal.branch,
            "pull_request": proposal.url,
            "command": proposal.command,
        },
    }


def rule_document(row: WatchedRule) -> Document:
    """Return a rule's verdict with its latest look."""
    return {
        "rule": row.rule.name,
        "verdict": row.verdict.verdict,
        "why": row.verdict.why,
        **look_document(row.verdict.looks[-1] if row.verdict.looks else None),
        "failing": row.verdict.failing,
        "needed": row.rule.needed,
        "window": row.rule.window,
    }


def look_document(look: Look | None) -> Document:
    """Return the numbers of a look; one that JSON lacks is null."""
    measurement = look.measurement if look is not None else None
    return {
        "value": _number(measurement.value if measurement else None),
        "baseline": _number(look.baseline if look is not None else None),
        "samples": _number(measurement.samples if measurement else None),
        "measured": iso_moment(measurement.time if measurement else None) or None,
    }


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
