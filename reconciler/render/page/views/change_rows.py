"""A merged change with its evidence, as a row: commit, pull request, people, applies, digests."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from reconciler.audit.evidence import Applied, Entry
from reconciler.audit.merged_changes import MergeApproval, MergedCommit
from reconciler.audit.overview.model_overview import ForgeLinks
from reconciler.core.artifacts.model_files import short
from reconciler.render import authors
from reconciler.render.page import links
from reconciler.render.page.excerpts import LINE, NAME, excerpt
from reconciler.render.page.links import Link
from reconciler.render.page.moments import Moment, moment
from reconciler.render.page.paths import model_path
from reconciler.render.page.views.states import Tone

_MOST_PEOPLE: Final = 4
_MOST_WORDS: Final = 25  # phrases of what a change meant
_APPLY_WORDS: Final[dict[str, tuple[str, Tone]]] = {
    "applied": ("applied", "ok"),
    "partly": ("partly applied", "warn"),
    "never": ("never applied", "off"),
    "not yet": ("not applied yet", "info"),
    "unknown": ("no apply record", "off"),
}


@dataclass(frozen=True, slots=True)
class Approver:
    """Who approved, `verified` by the forge or `claimed` by a trailer."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class AppliedRow:
    """One apply that made the change live, and the consents that it used for this model."""

    at: Moment
    registry: str
    actor: str | None
    job: str | None
    remark: str | None
    consents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One merged change of a model; `more` counts the phrases that are left out of `meaning`."""

    model: str
    page: str
    merged: Moment
    meaning: tuple[str, ...]
    more: int
    commit: Link
    pull_request: Link | None
    subject: str
    author: str
    signature: str
    approvers: tuple[Approver, ...]
    apply_word: str
    apply_tone: Tone
    applied: tuple[AppliedRow, ...]
    digests: tuple[str, ...]


def approvers(approvals: Sequence[MergeApproval]) -> tuple[Approver, ...]:
    """Return the first approvers; a last entry counts the others."""
    shown = [Approver(excerpt(one.name, NAME), one.kind) for one in approvals[:_MOST_PEOPLE]]
    rest = len(approvals) - _MOST_PEOPLE
    return (*shown, *([Approver(f"and {rest:,} more", "")] if rest > 0 else []))


def change_row(
    entry: Entry, now: datetime, forge: ForgeLinks, most: int = _MOST_WORDS
) -> ChangeRow:
    """Return an entry of a history as a row; `most` is how many phrases say what it meant."""
    commit = entry.step.commit
    word, tone = _APPLY_WORDS[entry.apply_state]
    number = entry.pull_request
    return ChangeRow(
        model=entry.step.model,
        page=model_path(entry.step.model),
        merged=moment(entry.time, now),
        meaning=tuple(excerpt(phrase, LINE) for phrase in entry.meaning[:most]),
        more=max(0, len(entry.meaning) - most),
        commit=links.commit(forge, commit.id),
        pull_request=None if number is None else links.pull_request(forge, number),
        subject=excerpt(commit.subject, LINE),
        author=excerpt(authors.author_and_committer(_readable(commit)), LINE),
        signature=commit.signature,
        approvers=approvers(entry.approvals),
        apply_word=word,
        apply_tone=tone,
        applied=tuple(_applied(one, entry.step.model, now) for one in entry.applied[:3]),
        digests=tuple(f"v{row.version} {short(row.digest)}" for row in entry.bytes[:3]),
    )


def _readable(commit: MergedCommit) -> MergedCommit:
    """Return a commit whose people have names that can be read; they are compared and joined."""
    names = (commit.author, commit.author_email, commit.committer, commit.committer_email)
    author, author_email, committer, committer_email = (excerpt(name, NAME) for name in names)
    return replace(
        commit,
        author=author,
        author_email=author_email,
        committer=committer,
        committer_email=committer_email,
        brought=tuple(map(_readable, commit.brought)),
    )


def _applied(applied: Applied, model: str, now: datetime) -> AppliedRow:
    return AppliedRow(
        moment(applied.time, now),
        excerpt(applied.registry, NAME),
        None if applied.actor is None else excerpt(applied.actor, NAME),
        links.web(applied.run_url),
        f"from {applied.commit[:8]}, off the main line" if applied.off_main else None,
        tuple(consents(applied.accepted, model)),
    )


def consents(accepted: Iterable[str], model: str) -> Iterable[str]:
    """Yield the rules that an apply was allowed to break for a model."""
    for text in accepted:
        guard, _, name = text.partition("=")
        if name in ("", model):
            yield excerpt(guard, NAME)
