"""The words of a rollback that a watch proposes: pull request, comment, reason, commit trailers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from reconciler.audit.dates import iso_moment
from reconciler.audit.evidence import Entry
from reconciler.core.declaring.watch import WatchRule
from reconciler.core.durations import in_words
from reconciler.policy.watching.looks import Look, RuleVerdict
from reconciler.policy.watching.remembered import moment
from reconciler.render import phrases
from reconciler.render.escape import code, prose, visible
from reconciler.render.forge_comment import cut
from reconciler.render.table import markdown_row
from reconciler.render.watching.look_plot import number, plot

TRAILER: Final = "Reconciler-Watch"
_LONGEST_TITLE: Final = 250  # characters; GitLab takes 255
_LONGEST_REASON: Final = 500
_LONGEST_WHY: Final = 120
# How much is told of each rule, where there is no room for more: rows of its table, and the plot.
_DETAILS: Final = ((12, True), (6, True), (3, True), (3, False), (1, False))
_OUTCOMES: Final = {"passing": "✅ passing", "failing": "❌ failing", "unknown": "❔ unknown"}


@dataclass(frozen=True, slots=True)
class FailedRule:
    """A rule that failed, its verdict, and what it saw of this version and those before it.

    `looks` are oldest first.
    """

    rule: WatchRule
    verdict: RuleVerdict
    looks: tuple[Look, ...]


@dataclass(frozen=True, slots=True)
class RollbackCase:
    """Why a version of a model is to go back to `target`.

    `since` is when the version began to serve, `put_there` the merged change that had it serve,
    None where that is not known. `others` are the verdicts of the rules that did not fail, and
    `changes` what merging the proposal changes, a sentence each. `now` is the time of the look.
    `pull_mark` is what the forge writes before the number of a pull request. `proposed` is the
    version that the open proposal leads away from, None where none is open.
    """

    model: str
    version: int
    target: int
    since: datetime | None
    failed: tuple[FailedRule, ...]
    now: datetime
    others: tuple[RuleVerdict, ...] = ()
    put_there: Entry | None = None
    changes: tuple[str, ...] = ()
    pull_mark: str = "#"
    proposed: int | None = None


def title(case: RollbackCase) -> str:
    """Return the title of the pull request: plain text on one line."""
    names = ", ".join(visible(row.rule.name) for row in case.failed)
    end = f" v{case.version} → v{case.target}: {names} {_verb(case)}"
    name = visible(case.model)
    return _cut(f"Roll back {_cut(name, _LONGEST_TITLE - 60)}{end}", _LONGEST_TITLE)


def body(case: RollbackCase, room: int, more: str) -> str:
    """Return the text of the pull request in at most `room` characters.

    `more` names the place of what has no room.
    """
    head = [*_opening(case), ""]
    return _fitting(case, head, [*_closing(case)], room, more)


def comment(case: RollbackCase, room: int, more: str) -> str:
    """Return the comment on a proposal that is open, in at most `room` characters."""
    head = [f"As of {_time(case.now)}: {_still(case)}", ""]
    if case.proposed not in (None, case.version):
        stale = f"**This is about v{case.proposed}, which serves no longer.**"
        head += [f"{stale} Close it, so that v{case.version} can have a proposal of its own.", ""]
    return _fitting(case, head, [], room, more)


def reason(failed: Sequence[FailedRule]) -> str:
    """Return why the version is blocked: one line, for the model's file and the commit."""
    told = "; ".join(f"{row.rule.name}: {row.verdict.why}" for row in failed)
    return _cut(f"watch: {visible(told)}", _LONGEST_REASON)


def trailers(failed: Sequence[FailedRule]) -> tuple[str, ...]:
    """Return the last lines of the commit's message: the rules that failed."""
    return tuple(f"{TRAILER}: {visible(row.rule.name)}" for row in failed)


def _opening(case: RollbackCase) -> Iterator[str]:
    names = ", ".join(code(row.rule.name) for row in case.failed)
    served = "" if case.since is None else f", which serves since {_time(case.since)}"
    yield f"{names} {_verb(case)} for {code(case.model)} v{case.version}{served}."
    yield ""
    yield (
        f"Merged and applied, this lets **v{case.target} serve again**, and blocks v{case.version} "
        "until somebody takes `blocked:` out of the file."
    )
    if case.put_there is not None:
        yield ""
        yield _put_there(case, case.put_there)


def _put_there(case: RollbackCase, entry: Entry) -> str:
    commit, pull = entry.step.commit, entry.pull_request
    by = f"{case.pull_mark}{pull}, " if pull is not None else ""
    subject = _cut(commit.subject, _LONGEST_WHY)
    return (
        f"v{case.version} came with {by}commit {commit.id[:12]} by {prose(commit.author)} on "
        f"{_time(entry.time)}: {prose(subject)}"
    )


def _closing(case: RollbackCase) -> Iterator[str]:
    if case.changes:
        yield from ["#### What changes", "", *(f"- {prose(line)}" for line in case.changes), ""]
    if case.others:
        yield from ["#### Other rules", ""]
        yield from [
            f"- {code(one.rule)}: {one.verdict}, {prose(_cut(one.why, _LONGEST_WHY))}"
            for one in case.others
        ]
        yield ""
    cooldown = min(row.rule.cooldown for row in case.failed)
    yield from ["#### If you do not want this", ""]
    yield (
        f"Close the pull request. Nothing is proposed for {code(case.model)} within "
        f"{in_words(cooldown)} (`cooldown`); then again, if it still fails. `mode: observe` in the "
        "rule keeps looking and proposes nothing. While this is open, one comment has the latest "
        "measurements."
    )


def _verb(case: RollbackCase) -> str:
    return "fails" if len(case.failed) == 1 else "fail"


def _still(case: RollbackCase) -> str:
    names = ", ".join(code(row.rule.name) for row in case.failed)
    still = "" if case.proposed not in (None, case.version) else "still "
    return f"{names} {still}{_verb(case)} for {code(case.model)} v{case.version}."


def _fitting(
    case: RollbackCase, head: Sequence[str], tail: Sequence[str], room: int, more: str
) -> str:
    text = ""
    for rows, is_drawn in _DETAILS:
        sections = [
            line for failed in case.failed for line in _section(case, failed, rows, drawn=is_drawn)
        ]
        text = "\n".join([*head, *sections, *tail]) + "\n"
        if len(text) <= room:
            return text
    return cut(text, room, more)


def _section(case: RollbackCase, failed: FailedRule, rows: int, *, drawn: bool) -> Iterator[str]:
    rule = failed.rule
    yield f"#### ❌ {code(rule.name)}"
    yield ""
    yield f"{prose(_cut(failed.verdict.why, _LONGEST_WHY))}."
    yield ""
    counts = f"{failed.verdict.failing} of {len(failed.verdict.looks)}"
    yield (
        f"The rule: {code(_cut(rule.fail, 4 * _LONGEST_WHY))} in {rule.needed} of the last "
        f"{rule.window} looks; here {counts}, {_first_failing(failed.verdict.looks)}."
    )
    yield ""
    lines = plot(failed.looks, case.version, case.since) if drawn else []
    if lines:
        yield from ["```text", *lines, "```", ""]
    yield from [*_table(failed.looks, rows), ""]


def _first_failing(looks: Sequence[Look]) -> str:
    first = next((look for look in looks if look.outcome == "failing"), None)
    return "none of them failing" if first is None else f"the first at {_time(moment(first))}"


def _table(looks: Sequence[Look], most: int) -> Iterator[str]:
    yield markdown_row(("measured", "version", "value", "baseline", "samples", "outcome"))
    yield "|---|--:|--:|--:|--:|---|"
    for look in reversed(looks[-most:]):
        why = f": {prose(_cut(look.why, _LONGEST_WHY))}" if look.why else ""
        yield markdown_row(
            (
                _time(moment(look)),
                f"v{look.version}",
                number(look.measurement.value),
                number(look.baseline),
                number(look.measurement.samples),
                f"{_OUTCOMES[look.outcome]}{why}",
            )
        )
    if len(looks) > most:
        yield ""
        yield f"… and {phrases.count(len(looks) - most, 'earlier look')}"


def _time(time: datetime) -> str:
    return iso_moment(time).replace("T", " ").replace("Z", " UTC")


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
