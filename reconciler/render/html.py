"""Plans, reports and histories as tables for a notebook: HTML that Jupyter shows, no scripts."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from reconciler.core.changes import Change
from reconciler.core.plan import JudgedPlan, ModelPlan
from reconciler.core.report import ApplyReport, ModelReport
from reconciler.render import phrases
from reconciler.render.artifacts.bytes_lines import differing, kept
from reconciler.render.escape import visible
from reconciler.render.usage import blast_radius

# Jupyter's colours follow its theme: only what needs a look has its own, legible on light and dark.
_RED = "#d9383a"
_NEEDS_A_LOOK = {"remove", "failed", "stale", "refused", "error"}
_COMPLAINTS = ("", "rule", "model", "message", "hint")
_BYTES = ("model", "bytes")
_CONSUMERS = ("model", "consumers")
_CELL = "text-align: left; padding: 0.2em 0.8em 0.2em 0; vertical-align: top"


def plan(value: JudgedPlan) -> str:
    """Return a plan's headline, its changes as a table, and what keeps them from being made."""
    return _section(
        f"plan: {phrases.headline(value)}",
        _table(("model", "what", "before", "after", "cause"), map(_change, value.changes)),
        _table(_BYTES, _bytes(value.models)),
        _table(_CONSUMERS, _consumers(value.models)),
        _table(_COMPLAINTS, _complaints(value)),
    )


def report(value: ApplyReport) -> str:
    """Return a report's headline, each change with its outcome, and what kept others from it."""
    rows = [
        [
            *_change(result.change)[:4],
            _marked(result.outcome, result.outcome),
            _text(why),
        ]
        for model in value.models
        for result, why in zip(model.results, phrases.reasons(model.results), strict=True)
    ]
    header = ("model", "what", "before", "after", "outcome", "error")
    failures = [
        _complaint("failed", "", model.model, _text(model.error))
        for model in value.models
        if model.error
    ]
    failures += [
        _complaint("failed", "", model.model, "<br>".join(map(_text, phrases.contrasted(files))))
        for model in value.models
        if (files := differing(model.bytes))
    ]
    return _section(
        f"apply: {phrases.outcome(value)}",
        _table(header, rows),
        _table(_BYTES, _bytes(value.models)),
        _table(_COMPLAINTS, [*failures, *_complaints(value.plan)]),
    )


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return plain cells as a titled table."""
    return _section(title, _table(header, [[_text(cell) for cell in row] for row in rows]))


def _change(change: Change) -> list[str]:
    address = change.field
    subject = _marked(f"{phrases.mark(change)} {phrases.subject(address)}", change.action)
    values = (phrases.value(address, change.before), phrases.value(address, change.after))
    return [_text(change.model), subject, *map(_text, values), _text(phrases.cause(change))]


def _complaints(value: JudgedPlan) -> Iterator[list[str]]:
    """Yield the problems that exclude models, what was violated, and what waits for approval."""
    for problem in value.problems:
        where = f"{problem.where}: " if problem.where else ""
        lines = (f"{where}{problem.message}", *phrases.contrasted(problem.contrasts))
        message = "<br>".join(map(_text, lines))
        yield _complaint("error", "", problem.model, message, problem.hint)
    judged = [(phrases.judged(violation), violation) for violation in value.violations]
    for word, violation in (*judged, *(("waits", violation) for violation in value.pending)):
        hint = None if violation.accepted else violation.hint
        yield _complaint(word, violation.name, violation.model, _text(violation.message), hint)


def _complaint(
    word: str, rule: str, model: str | None, message: str, hint: str | None = None
) -> list[str]:
    """Return the cells of one complaint; `message` is HTML already."""
    return [_marked(word, word), _text(rule), _text(model or ""), message, _text(hint or "")]


def _bytes(models: Iterable[ModelPlan | ModelReport]) -> Iterator[list[str]]:
    for model in models:
        for line in kept(model.bytes):
            yield [_text(model.model), _text(line)]


def _consumers(models: Iterable[ModelPlan]) -> Iterator[list[str]]:
    for model in models:
        if said := blast_radius.sentence(model):
            yield [_text(model.model), _text(said)]


def _section(title: str, *parts: str) -> str:
    return f"<div><p><b>{_text(title)}</b></p>{''.join(parts)}</div>"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = "".join(_row("td", row) for row in rows)
    return f"<table>{_row('th', map(_text, header))}{body}</table>" if body else ""


def _row(tag: str, cells: Iterable[str]) -> str:
    inner = "".join(f'<{tag} style="{_CELL}">{cell}</{tag}>' for cell in cells)
    return f"<tr>{inner}</tr>"


def _marked(text: str, kind: str) -> str:
    return (
        f'<span style="color: {_RED}">{_text(text)}</span>'
        if kind in _NEEDS_A_LOOK
        else _text(text)
    )


def _text(text: str) -> str:
    return escape(visible(text))
