"""Renders what the rules of a model say of a recorded series: a table for each rule."""

from collections.abc import Sequence
from typing import Final, TypeAlias

from reconciler.audit.dates import iso_moment
from reconciler.core.declaring.watch import WatchRule
from reconciler.policy.watching.replay import ReplayedLook
from reconciler.render import json_documents, phrases
from reconciler.render.escape import code, prose, visible
from reconciler.render.json_documents import Document
from reconciler.render.table import TableColumn, fitted, markdown_row, table
from reconciler.render.text import Effort
from reconciler.render.watching.watched_models import look_document

Replayed: TypeAlias = Sequence[tuple[WatchRule, Sequence[ReplayedLook]]]

_HEADER: Final = (
    "TIME",
    TableColumn("VERSION", leaves=2),
    "LOOK",
    "VERDICT",
    TableColumn("WHY", 20, main=True),
    TableColumn("THEN", leaves=1),
)


def text(model: str, replayed: Replayed, effort: Effort, columns: int | None = None) -> str:
    """Return each look and what a watch would have done; the last line counts them."""
    lines: list[str] = []
    for rule, rows in replayed:
        lines += [f"{visible(model)} {rule.name}", ""]
        lines += [*table(_HEADER, map(_cells, rows), columns), ""]
    lines += fitted([f"{headline(replayed)}, {effort.seconds:.2f} s"], columns)
    return "\n".join(lines) + "\n"


def headline(replayed: Replayed) -> str:
    """Return how many rules and looks there are, and how many proposals."""
    rows = [row for _, of_rule in replayed for row in of_rule]
    proposed = sum(row.decision.action == "propose" for row in rows)
    counts = ((len(replayed), "rule"), (len(rows), "look"), (proposed, "proposal"))
    return ", ".join(phrases.count(*count) for count in counts)


def markdown(model: str, replayed: Replayed) -> str:
    """Return the same as GitHub-flavoured Markdown; values from outside cannot become markup."""
    lines = [f"### Replay of {code(model)}: {headline(replayed)}"]
    for rule, rows in replayed:
        lines += ["", f"#### {code(rule.name)}", ""]
        lines += [markdown_row(("time", "version", "look", "verdict", "why", "then"))]
        lines += ["|---|---|---|---|---|---|"]
        lines += [markdown_row(map(prose, _cells(row))) for row in rows]
    return "\n".join(lines) + "\n"


def document(model: str, replayed: Replayed, *, exit_code: int) -> Document:
    """Return the JSON document of a replay."""
    return {
        "format_version": json_documents.FORMAT_VERSION,
        "model": model,
        "rules": [
            {"rule": rule.name, "looks": [_document(row) for row in rows]}
            for rule, rows in replayed
        ],
        "errors": [],
        "exit": json_documents.ending(exit_code, "failed"),
    }


def _document(row: ReplayedLook) -> Document:
    return {
        "time": iso_moment(row.look.time),
        "version": row.look.version,
        "outcome": row.look.outcome,
        "verdict": row.verdict.verdict,
        "why": row.verdict.why,
        **look_document(row.look),
        "failing": row.verdict.failing,
        "proposal": {"action": row.decision.action, "why": row.decision.why},
    }


def _cells(row: ReplayedLook) -> tuple[str, ...]:
    acts = {"propose": "proposes a rollback", "held-back": f"held back: {row.decision.why}"}
    return (
        iso_moment(row.look.time),
        f"v{row.look.version}",
        row.look.outcome,
        row.verdict.verdict,
        row.verdict.why,
        acts.get(row.decision.action, ""),
    )
