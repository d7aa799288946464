"""The phrases for changes and outcomes that text, Markdown and other formats share."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from difflib import unified_diff
from itertools import zip_longest
from shlex import quote
from typing import TYPE_CHECKING, Final

from reconciler.core.artifacts.sizes import in_bytes
from reconciler.core.durations import in_words
from reconciler.render.escape import quoted, visible
from reconciler.render.table import table

if TYPE_CHECKING:  # `validate` and `--help` show phrases too, and must not wait for plans
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.core.changes import Change
    from reconciler.core.plan import JudgedPlan, ModelPlan
    from reconciler.core.report import ApplyReport, Result
    from reconciler.core.state import Field, Value
    from reconciler.core.violations import Violation
    from reconciler.errors import Contrast, Problem

_NAMED: Final = 5  # models that a command names one by one
_OWNERS: Final = 3  # of those that models are taken from
_LONG: Final = 30.0  # seconds; what takes less needs no announcement
_LONGEST: Final = 160  # characters of a value before and one after, in a cell


def mark(change: Change) -> str:
    """Return `+` for a new value, `-` for a removal, `~` for a changed one."""
    if change.action == "remove":
        return "-"
    return "+" if change.before is None else "~"


def subject(address: Field) -> str:
    """Return what is changed, such as `v4 tag risk_tier` or `@champion`."""
    return visible(str(address))


def value(address: Field, held: Value | None) -> str:
    """Return a value: `v4`, a stage's name, or quoted text."""
    if held is None:
        return "nothing"
    match address.name:
        case "alias":
            return f"v{held}"
        case "stage":
            return visible(str(held))
        case "tag" | "description":
            return quoted(str(held))


def move(change: Change) -> str:
    """Return a value before and after a change."""
    if change.before is None:
        return value(change.field, change.after)
    if change.after is None:
        return value(change.field, change.before)
    before, after = value(change.field, change.before), value(change.field, change.after)
    return f"{before} → {after}"


def judged(violation: Violation) -> str:
    """Return the result for a violation: `refused`, `warning` or `accepted`."""
    if violation.accepted:
        return "accepted"
    return "refused" if violation.denies else "warning"


def cause(change: Change) -> str:
    """Return why a change is made, empty where git simply declares it."""
    return "" if change.cause == "declared" else change.cause


def count(number: int, thing: str) -> str:
    """Return `1 change`, `2 changes`, `no changes`."""
    return f"{number or 'no'} {thing}{'' if number == 1 else 's'}"


def extent(files: int, size: int) -> str:
    """Return the number of files and their size in bytes, such as `12 files, 3.4 MB`."""
    return f"{count(files, 'file')}, {in_bytes(size)}"


def problem(complaint: Problem) -> str:
    """Return a problem as `path:line:column: message`, with its subject and its hint."""
    where = f"{complaint.where}: " if complaint.where else ""
    lines = [visible(f"{where}{complaint.message}"), *contrasts(complaint, "    ")]
    lines += [visible(f"  {complaint.hint}")] if complaint.hint else []
    return "\n".join(lines)


def complaints(problems: Iterable[Problem]) -> Iterator[str]:
    """Yield complaints, each with its place; a hint that the next one repeats is left to that."""
    listed = list(problems)
    for complaint, following in zip_longest(listed, listed[1:]):
        is_repeated = following is not None and following.hint == complaint.hint
        yield problem(replace(complaint, hint=None) if is_repeated else complaint)


def contrasts(complaint: Problem, margin: str) -> list[str]:
    """Return the approved and present values side by side; empty without any."""
    return contrast_lines(complaint.contrasts, margin)


def contrast_lines(rows: Sequence[Contrast], margin: str) -> list[str]:
    """Return the approved and present values of a table; empty without rows."""
    if not rows:
        return []
    return [margin + line for line in table(("what", "approved", "now"), map(cells, rows))]


def contrasted(rows: Iterable[Contrast]) -> Iterator[str]:
    """Yield the approved and the present value of each row as a sentence."""
    for what, approved, now in map(cells, rows):
        yield f"{what}: approved {approved}, now {now}" if approved or now else what


def cells(contrast: Contrast) -> tuple[str, ...]:
    """Return the subject, the approved and the present value, each cut where it is long."""
    return tuple(
        text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"
        for text in contrast
    )


def reasons(results: Sequence[Result]) -> list[str]:
    """Return why each change was not applied: once where it is that of the change before it."""
    errors = [result.error or "" for result in results]
    return [
        "the same" if error and error == before else error
        for error, before in zip(errors, ["", *errors], strict=False)
    ]


def difference(before: bytes, after: bytes, names: tuple[str, str]) -> str:
    """Return the unified difference of two texts, each under its name."""
    one, other = (text.decode("utf-8-sig").splitlines() for text in (before, after))
    return "\n".join(unified_diff(one, other, *names, lineterm=""))


def headline(plan: JudgedPlan) -> str:
    """Return a plan's summary in one sentence."""
    counts = plan.summary
    touched = sum(1 for model in plan.models if model.changes)
    on = f" on {touched} of {models(counts['models'])}" if counts["changes"] else ""
    parts = [count(counts["changes"], "change") + on]
    if counts["drift"]:
        parts.append(f"{counts['drift']} of them drift")
    if counts["records"]:
        parts.append(f"records this commit on {models(counts['records'])}")
    taken = sum(model.taken_from is not None for model in plan.models)
    if taken:
        parts.append(f"takes over {models(taken)}")
    if counts["unmanaged"]:
        parts.append(f"{count(counts['unmanaged'], 'value')} unmanaged")
    if plan.problems:
        parts.append(count(len(plan.problems), "error"))
    if plan.denied:
        parts.append(count(len(plan.denied), "violation"))
    warned = [one for one in plan.violations if one.enforce == "warn" and not one.accepted]
    if warned:
        parts.append(count(len(warned), "warning"))
    if plan.pending:
        parts.append(f"{count(len(plan.pending), 'rule')} waiting for approval")
    return ", ".join(parts)


def takeovers(plan: JudgedPlan) -> str:
    """Return which models are taken over, counted by whom they are taken from; empty for none."""
    owners = Counter(model.taken_from for model in plan.models if model.taken_from is not None)
    named = sorted(owners, key=lambda owner: (-owners[owner], owner))
    parts = [f"{models(owners[owner])} from `{owner}`" for owner in named[:_OWNERS]]
    if others := named[_OWNERS:]:
        parts.append(f"{models(sum(owners[owner] for owner in others))} from {len(others)} others")
    return ", ".join(parts)


def expected(plan: JudgedPlan, pace: float | None) -> str | None:
    """Return how much an apply has to do where that takes long; `pace` is seconds a request."""
    requests = sum(map(_requests, plan.to_write))
    most = requests * (pace or 0.0)
    if most < _LONG:
        return None
    what = "writes" if plan.changes else "records this commit on"
    return (
        f"apply {what} {models(len(plan.to_write))}: about {requests:,} requests, up to "
        f"{in_words(timedelta(seconds=most), parts=1)} at {pace:.2f} s each"
    )


def apart(plan: JudgedPlan) -> str | None:
    """Return how to apply the models that nothing denies, None where no model stands in the way.

    Guards and policies judge the whole plan, so that a violation of one model stops all.
    """
    denying = [violation.model for violation in (*plan.denied, *plan.pending) if violation.denies]
    others = [model.model for model in plan.to_write if model.model not in denying]
    if not (denying and others) or None in denying:
        return None
    chosen = others if len(others) <= _NAMED else ["GLOB"]
    consents = dict.fromkeys(
        violation.name if violation.model is None else f"{violation.name}={violation.model}"
        for violation in plan.violations
        if violation.accepted and (violation.model is None or violation.model in others)
    )
    named = [f"--model {quote(name)}" for name in chosen]
    options = " ".join([*named, *(f"--accept {quote(consent)}" for consent in consents)])
    return f"the rules judge a plan as a whole: `reconciler apply {options}` plans the others alone"


def _requests(model: ModelPlan) -> int:
    reads = 3 if model.changes else 1
    record = model.record
    recording = 0 if record is None else 1 + (record.owner is not None) + bool(model.changes)
    return reads + len(model.changes) + recording


def some(names: Sequence[str], most: int) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - most} more" if names[most:] else ""
    return f"{', '.join(names[:most])}{more}"


def some_models(names: Sequence[str]) -> str:
    """Return the first three models by name, and how many more there are."""
    return some([f"`{name}`" for name in names], 3)


def models(number: int) -> str:
    """Return `1 model`, `2 models`, `0 models`."""
    return f"{number} model{'' if number == 1 else 's'}"


def outcome(value: ApplyReport) -> str:
    """Return an apply's summary in one sentence."""
    counts = value.summary
    parts = [f"{counts['applied']} of {count(counts['changes'], 'change')} applied"]
    if not counts["changes"]:
        parts = ["nothing to change"]
    for outcome in ("failed", "skipped", "stale", "superseded"):
        if counts[outcome]:
            parts.append(f"{counts[outcome]} {outcome}")
    recorded = sum(model.recorded for model in value.models)
    if recorded:
        parts.append(f"commit recorded on {models(recorded)}")
    excluded = sum(1 for model in value.plan.models if model.problems)
    if excluded:
        parts.append(f"{models(excluded)} excluded")
    if value.signal is not None:
        parts.append("interrupted")
    return ", ".join(parts)
