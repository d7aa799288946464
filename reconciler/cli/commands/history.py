"""`reconciler history`: who changed a model, when, approved by whom; read from git alone."""

from datetime import datetime

import click

from reconciler.api.apply_records import fetch_option
from reconciler.api.merged_history import MergedHistory, check_limits, open_merged
from reconciler.api.workspace import Workspace
from reconciler.audit import evidence
from reconciler.audit.evidence import Entry
from reconciler.audit.merged_changes import Step, concerns
from reconciler.cli import output
from reconciler.cli.dates import SINCE, UNTIL
from reconciler.cli.options import FORMATS, Options, common
from reconciler.core.matching import nearest
from reconciler.errors import Problem, UsageError
from reconciler.render import history as render
from reconciler.render import phrases
from reconciler.render.history import Story
from reconciler.repository.log import with_signatures


@click.command("history", short_help="who changed a model, when, approved by whom")
@click.argument("model")
@click.option("--at", type=UNTIL, help="What served then; a date means the end of that day, UTC.")
@click.option("--version", "number", type=click.IntRange(1), help="Only what concerns it.")
@click.option("--since", type=SINCE, help="Only what was merged from then on.")
@click.option("--until", type=UNTIL, help="Only what was merged up to then.")
@fetch_option
@common((*FORMATS, "csv", "markdown"))
def command(
    *,
    options: Options,
    model: str,
    at: datetime | None,
    number: int | None,
    since: datetime | None,
    until: datetime | None,
    fetch_notes: str | None,
) -> int:
    """Show one row for every merged change of MODEL: its evidence, and what it meant."""
    if at is not None and (number, since, until) != (None, None, None):
        raise UsageError("`--at` asks about one moment", hint="leave out the other limits")
    check_limits(since, until)
    merged = open_merged(Workspace(options), fetch_notes)
    found = with_signatures(merged.repo, _steps(merged, model))
    records = merged.records()
    entries = evidence.entries(found, merged.settings, records)
    answer = None if at is None else evidence.answer(entries, at, merged.settings)
    shown = [entry for entry in entries if _asked(entry, number, since, at or until)]
    known = records is not None
    story = Story(model, merged.line, tuple(shown), known, merged.log.problems, answer)
    _show(story, options)
    return 0


def _steps(merged: MergedHistory, model: str) -> tuple[Step, ...]:
    if model not in merged.steps:
        message = f"`{model}` was never declared in the merged history of `{merged.line}`"
        raise UsageError(message, hint=nearest(model, merged.steps))
    return merged.steps[model]


def _asked(
    entry: Entry, number: int | None, since: datetime | None, until: datetime | None
) -> bool:
    after = since is None or entry.time >= since
    before = until is None or entry.time <= until
    return after and before and (number is None or concerns(entry.step, number))


def _show(story: Story, options: Options) -> None:
    match options.format:
        case "json":
            output.document(render.document(story))
        case "csv":
            output.product(render.as_csv(story), options)
        case "markdown":
            output.product(render.markdown(story), options)
        case _:
            output.product(render.text(story, options.effort()), options)
    _say_unreadable(story.unreadable, options)


def _say_unreadable(problems: tuple[Problem, ...], options: Options) -> None:
    if options.verbose:
        output.complain(problems)
    elif problems:
        files = len({problem.file for problem in problems})
        what = f"{phrases.count(files, 'file')} of old commits cannot be read"
        output.say(f"{what}, and count as unchanged there: `-v` lists them")
