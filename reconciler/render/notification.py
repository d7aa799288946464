"""Renders a notification as plain JSON for a webhook, and as a message for Slack.

Both are bounded: many rows are counted, long texts are cut.
"""

import re
from typing import Final

from reconciler.audit.notification import ModelOutcome, Notification
from reconciler.core.report import Result
from reconciler.core.state import Value
from reconciler.render import json_documents, phrases
from reconciler.render.escape import visible
from reconciler.render.json_documents import FORMAT_VERSION, Document

_MOST_ROWS: Final = 100
_LONGEST_TEXT: Final = 1_000
_LONGEST_SAID: Final = 500  # up to five times that once `&` is escaped

_SLACK_ROWS: Final = 20
_SLACK_ROOM: Final = 2_700  # of the 3,000 characters that a section may have
_SLACK_LINE: Final = 300
_SLACK_NAME: Final = 120
_SLACK_PERSON: Final = 36
_SLACK_PEOPLE: Final = 4
_MARKS: Final = {"applied": "✅", "failed": "❌", "skipped": "⏭️", "stale": "❌", "superseded": "⏭️"}
_HEADS: Final[dict[ModelOutcome, str]] = {"applied": "✅", "partial": "⚠️", "failed": "❌"}
_LINK: Final = re.compile(r"https?://[\w.~:/?#\[\]@!$&'()*+,;=%-]{1,200}", re.ASCII)


def document(value: Notification) -> Document:
    """Return the notification as plain JSON; changes are as in the JSON of `apply`."""
    model, state = value.model, value.state
    rows = model.results[:_MOST_ROWS]
    return {
        "format_version": FORMAT_VERSION,
        "event": "apply",
        "id": value.id,
        "time": value.occasion.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "registry": json_documents.registry(value.registry),
        "state": {"path": state.path, "commit": state.commit, "dirty": bool(state.dirty)},
        "model": model.model,
        "outcome": value.outcome,
        "recorded": model.recorded,
        "changes": [_change(result) for result in rows],
        "changes_left_out": len(model.results) - len(rows),
        "error": _cut(model.error),
        "messages": [_cut(message) for message in model.messages],
        "actor": value.occasion.actor,
        "run_url": value.occasion.run_url,
        "authors": list(value.behind.authors),
        "pull_requests": list(value.behind.pull_requests),
        "approvals": [
            {"login": one.login, "commit": one.commit, "time": one.time}
            for one in value.behind.approvals
        ],
    }


def slack(value: Notification) -> Document:
    """Return the notification as a message for Slack; no value in it is a mention or a link.

    `text` says the same for clients that show no blocks.
    """
    model = value.model
    applied = sum(result.outcome == "applied" for result in model.results)
    said = f"{applied} of {phrases.count(len(model.results), 'change')} applied"
    where = _code(value.registry.key)
    parts = [f"{_HEADS[value.outcome]} {_code(model.model)} on {where}: {said}"]
    parts += _fence([_row(one) for one in model.results[:_SLACK_ROWS]], len(model.results))
    wrong = (*([model.error] if model.error else []), *model.messages)
    parts += _fence([_plain(one, _LONGEST_SAID) for one in wrong[:_SLACK_ROWS]], len(wrong))
    parts.append(_around(value))
    return {
        "text": "\n".join(parts),
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": part, "verbatim": True}}
            for part in parts
        ],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _change(result: Result) -> Document:
    row = json_documents.change(result.change)
    ends = {"before": _cut(row["before"]), "after": _cut(row["after"])}
    return row | ends | {"outcome": result.outcome, "error": _cut(result.error)}


def _cut(held: Value | None) -> Value | None:
    if not isinstance(held, str) or len(held) <= _LONGEST_TEXT:
        return held
    return f"{held[:_LONGEST_TEXT]}… ({len(held):,} characters)"


def _row(result: Result) -> str:
    change = result.change
    why = phrases.cause(change)
    error = f": {result.error}" if result.error else ""
    reason = f"  {why}" if why else ""
    row = f"{phrases.subject(change.field)}  {phrases.move(change)}{reason}{error}"
    return f"{_MARKS[result.outcome]} {_plain(row, _SLACK_LINE)}"


def _fence(lines: list[str], number: int) -> list[str]:
    """Return as many of the `number` lines as fit into one code block."""
    kept, left = [], _SLACK_ROOM
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            break
        kept.append(line)
    if len(kept) < number:
        kept.append(f"… and {number - len(kept)} more")
    return ["\n".join(["```", *kept, "```"])] if lines else []


def _around(value: Notification) -> str:
    """Return the line that names the origin and the people."""
    behind, occasion = value.behind, value.occasion
    approvers = tuple(dict.fromkeys(one.login for one in behind.approvals))
    parts = [f"commit {_code((value.state.commit or '')[:12])}"] if value.state.commit else []
    if behind.pull_requests:
        shown = ", ".join(f"#{number}" for number in behind.pull_requests[:_SLACK_PEOPLE])
        parts.append(f"pull request {_code(shown)}")
    parts += [f"by {_people(behind.authors)}"] if behind.authors else []
    parts += [f"approved by {_people(approvers)}"] if approvers else []
    parts += [f"run by {_people((occasion.actor,))}"] if occasion.actor else []
    if occasion.run_url and _LINK.fullmatch(occasion.run_url):
        parts.append(f"<{_escaped(occasion.run_url)}|log>")
    return " · ".join(parts) or value.id


def _people(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _SLACK_PEOPLE} more" if len(names) > _SLACK_PEOPLE else ""
    return ", ".join(_code(name, _SLACK_PERSON) for name in names[:_SLACK_PEOPLE]) + more


def _code(text: str, longest: int = _SLACK_NAME) -> str:
    return f"`{_plain(text, longest) or ' '}`"


def _plain(text: str, longest: int) -> str:
    """Return text that cannot end a code block or mention anybody, even outside of code."""
    line = visible(text[: longest + 1])
    line = line if len(line) <= longest else f"{line[:longest]}…"
    return _escaped(line.replace("`", "'")).replace("@", "@\u200b")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
