"""`reconciler history`: who changed a model, when, approved by whom; read from git alone."""

from datetime import datetime

import click

from reconciler import evidence
from reconciler.cli import output
from reconciler.cli.moments import SINCE, UNTIL
from reconciler.cli.options import FORMATS, Options, common
from reconciler.cli.records import NO_NOTES, fetch, fetch_option
from reconciler.cli.session import PARSERS, Session
from reconciler.errors import OutOfStep, Problem, UsageError
from reconciler.evidence import Entry, Records
from reconciler.files.state_folder import SETTINGS_FILE
from reconciler.names import nearest
from reconciler.render import history as render
from reconciler.render import words
from reconciler.render.history import Story
from reconciler.repository.git_log import Log, first_parents, read_log, with_signatures
from reconciler.repository.git_notes import records_of
from reconciler.repository.git_repo import GitRepo
from reconciler.rules import Rules
from reconciler.timeline import Step, concerns, steps


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
    session = Session(options)
    repo = _repository(session)
    fetch(repo, fetch_notes)
    rules = _rules(session, repo)
    line, tip = repo.main_line(rules.branch) or ("HEAD", str(repo.head))
    log = read_log(repo, session.shown, PARSERS.declaration, tip)
    if options.verbose:
        output.say(f"history    {line} {tip[:12]}, {' ← '.join(log.folders)}")
    found = with_signatures(repo, _steps(log, model, line))
    records = _records(repo, log, tip, rules)
    entries = evidence.entries(found, rules, records)
    answer = None if at is None else evidence.answer(entries, at, rules)
    shown = [entry for entry in entries if _asked(entry, number, since, at or until)]
    story = Story(model, line, tuple(shown), records is not None, log.problems, answer)
    _show(story, options)
    return 0


def _repository(session: Session) -> GitRepo:
    repo = session.repo
    if repo is None or repo.head is None:
        why = "this is not a git repository" if repo is None else "there is no commit yet"
        raise OutOfStep(f"history is read from git, and {why}", hint="git commit")
    return repo


def _rules(session: Session, repo: GitRepo) -> Rules:
    """Return the settings of this commit: a work tree with mistakes does not matter here."""
    folder = session.shown
    path = SETTINGS_FILE if folder == "." else f"{folder}/{SETTINGS_FILE}"
    found = repo.find(str(repo.head), path)
    return PARSERS.rules(found.data, path) if found else Rules()


def _steps(log: Log, model: str, line: str) -> tuple[Step, ...]:
    every = steps(log.merged)
    if model not in every:
        message = f"`{model}` was never declared in the merged history of `{line}`"
        raise UsageError(message, hint=nearest(model, every))
    return every[model]


def _records(repo: GitRepo, log: Log, tip: str, rules: Rules) -> Records | None:
    """Return the records of this state folder, None where the clone has none at all."""
    found = records_of(repo)
    if found is None:
        output.say(NO_NOTES)
        return None
    name = rules.registry.name if rules.registry else None
    states = {*log.folders, *([name] if name else [])}
    return Records(found, first_parents(repo, tip), states)


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
        what = f"{words.count(files, 'file')} of old commits cannot be read"
        output.say(f"{what}, and count as unchanged there: `-v` lists them")
