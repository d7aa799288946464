"""`reconciler audit`: every change of what serves with its evidence, and what does not add up."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timezone

import click

from reconciler.apply_record import ApplyRecord
from reconciler.audit import Audit, Finding, Span, Trail, findings_of_git, findings_of_live, rows
from reconciler.cli import output
from reconciler.cli.moments import SINCE, UNTIL
from reconciler.cli.options import FORMATS, Options, common
from reconciler.cli.records import NO_NOTES, fetch, fetch_option
from reconciler.cli.session import PARSERS, Session
from reconciler.errors import ExitCode, OutOfStep, Problem, UsageError
from reconciler.evidence import Records, entries
from reconciler.plan import RegistryRef
from reconciler.registries.uris import safe_uri
from reconciler.render import audit as render
from reconciler.repository.git_log import first_parents, read_log
from reconciler.repository.git_notes import Notes, read_notes
from reconciler.repository.git_repo import GitRepo
from reconciler.state import Live
from reconciler.timeline import steps

_UNREGISTERED = "no registry is named: git alone is audited; `--registry-uri URI` compares one"
_PAST = "`--until` is in the past: the registry is not compared, it only knows what is so now"


@click.command("audit", short_help="every change, its evidence, and what does not add up")
@click.option("--since", type=SINCE, help="Only what was merged from then on.")
@click.option("--until", type=UNTIL, help="Only what was merged up to then.")
@fetch_option
@common((*FORMATS, "csv", "markdown"))
def command(
    *, options: Options, since: datetime | None, until: datetime | None, fetch_notes: str | None
) -> int:
    """Show every change of what serves and of aliases; exit 2 when something does not add up."""
    session = Session(options)
    repo = _repository(session)
    fetch(repo, fetch_notes)
    ref = _compared(session, until)
    trail = _trail(session, repo, Span(since, until), ref)
    found = rows(trail, session.desired.rules)
    findings = findings_of_git(trail, found)
    problems: tuple[Problem, ...] = ()
    if ref is not None:
        more, problems = _of_live(session, trail)
        findings += more
    line = session.main_line[0] if session.main_line else "HEAD (no main line is known)"
    answer = Audit(found, findings, line, trail.records is not None, ref.key if ref else None)
    unread = any(problem.code is ExitCode.REGISTRY for problem in problems)
    code = ExitCode.REGISTRY if unread else ExitCode.CHANGES if findings else ExitCode.OK
    _show(answer, problems, session, code)
    return int(code)


def _repository(session: Session) -> GitRepo:
    repo = session.repo
    if repo is None or repo.head is None:
        why = "this is not a git repository" if repo is None else "there is no commit yet"
        raise OutOfStep(f"audit reads git's history, and {why}", hint="git commit")
    return repo


def _compared(session: Session, until: datetime | None) -> RegistryRef | None:
    """Return the registry to compare with, None when none is named or asked about."""
    if until is not None and until < datetime.now(timezone.utc):
        output.say(_PAST)
        return None
    try:
        return session.ref
    except UsageError:
        output.say(_UNREGISTERED)
        return None


def _trail(session: Session, repo: GitRepo, span: Span, ref: RegistryRef | None) -> Trail:
    tip = session.main_line[1] if session.main_line else str(repo.head)
    log = read_log(repo, session.shown, PARSERS.declaration, tip)
    output.complain(log.problems)
    notes = read_notes(repo)
    if notes is None:
        output.say(NO_NOTES)
    states = (session.checkout.owner, *log.folders)
    line = first_parents(repo, tip)
    records = None if notes is None else Records(_ours(notes, states, ref), line, states)
    rules, history = session.desired.rules, session.history
    return Trail(
        histories={
            model: entries(taken, rules, records) for model, taken in steps(log.merged).items()
        },
        records=records,
        unreadable=notes.unreadable if notes else (),
        on_main=history.main_contains if history and session.main_line else None,
        span=span,
    )


def _ours(
    notes: Notes, states: Collection[str], ref: RegistryRef | None
) -> Mapping[str, tuple[ApplyRecord, ...]]:
    """Return the records of this state folder, and where one is compared of that registry."""
    kept = {
        commit: tuple(
            record
            for record in made
            if record.state in states and (ref is None or record.registry == ref.key)
        )
        for commit, made in notes.records.items()
    }
    return {commit: made for commit, made in kept.items() if made}


def _of_live(session: Session, trail: Trail) -> tuple[tuple[Finding, ...], tuple[Problem, ...]]:
    desired = session.desired
    reading = session.read(session.question())
    live = {name: _without_secrets(model) for name, model in reading.live.items()}
    found = findings_of_live(reading.plan, live, desired.declarations, desired.rules, trail)
    return found, reading.plan.problems


def _without_secrets(live: Live) -> Live:
    """Return the model with sources as records keep them."""
    versions = {}
    for number, version in live.versions.items():
        source = version.identity.source
        identity = replace(version.identity, source=safe_uri(source) if source else source)
        versions[number] = replace(version, identity=identity)
    return replace(live, versions=versions)


def _show(answer: Audit, problems: tuple[Problem, ...], session: Session, code: ExitCode) -> None:
    options = session.options
    match options.format:
        case "json":
            output.document(render.document(answer, problems, int(code)))
        case "csv":
            output.product(render.as_csv(answer), options)
        case "markdown":
            output.product(render.markdown(answer), options)
        case _:
            requests = session.registry.requests if answer.compared is not None else 0
            output.product(render.text(answer, options.effort(requests)), options)
    output.complain((*session.desired.warnings, *problems))
