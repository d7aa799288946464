"""Plans, reports and histories as tables for a notebook: HTML that Jupyter shows, no scripts."""

from collections.abc import Iterable, Sequence
from html import escape

from reconciler.core.changes import Change
from reconciler.core.plan import JudgedPlan
from reconciler.core.report import ApplyReport
from reconciler.render import phrases
from reconciler.render.escape import visible

# Jupyter's colours follow its theme: only what needs a look has its own, legible on light and dark.
_RED = "#d9383a"
_NEEDS_A_LOOK = {"remove", "failed", "stale", "refused"}
_CELL = "text-align: left; padding: 0.2em 0.8em 0.2em 0; vertical-align: top"


def plan(value: JudgedPlan) -> str:
    """Return a plan's headline, its changes as a table, and what guards and policies found."""
    violations = [
        [
            _marked(phrases.judged(violation), phrases.judged(violation)),
            *map(_text, (violation.name, violation.model or "", violation.message)),
        ]
        for violation in value.violations
    ]
    return _section(
        f"plan: {phrases.headline(value)}",
        _table(("model", "what", "before", "after", "cause"), map(_change, value.changes)),
        _table(("", "rule", "model", "message"), violations),
    )


def report(value: ApplyReport) -> str:
    """Return a report's headline, and each change as a table with its outcome."""
    rows = [
        [
            *_change(result.change)[:4],
            _marked(result.outcome, result.outcome),
            _text(result.error or ""),
        ]
        for result in value.results
    ]
    header = ("model", "what", "before", "after", "outcome", "error")
    return _section(f"apply: {phrases.outcome(value)}", _table(header, rows))


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return plain cells as a titled table."""
    return _section(title, _table(header, [[_text(cell) for cell in row] for row in rows]))


def _change(change: Change) -> list[str]:
    address = change.field
    subject = _marked(f"{phrases.mark(change)} {phrases.subject(address)}", change.action)
    values = (phrases.value(address, change.before), phrases.value(address, change.after))
    return [_text(change.model), subject, *map(_text, values), _text(phrases.cause(change))]


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
