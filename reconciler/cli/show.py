"""`reconciler show`: everything that is known of a version, and who put it where it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

import click

from reconciler import evidence, status, tenure
from reconciler.changes import Change
from reconciler.cli import output
from reconciler.cli.compare import chosen, find
from reconciler.cli.merged import open_merged
from reconciler.cli.options import Options, common
from reconciler.cli.session import Session
from reconciler.comparison import Side, side
from reconciler.errors import ExitCode, OutOfStep, Problem, UsageError
from reconciler.evidence import Entry
from reconciler.live import read_facts
from reconciler.registries.uris import safe_uri
from reconciler.render import comparison as beside
from reconciler.render import documents, people, words
from reconciler.render.comparison import age, moment, number
from reconciler.render.documents import Document
from reconciler.render.escape import quoted, visible
from reconciler.render.table import table
from reconciler.repository.git_log import Log
from reconciler.rules import Rules
from reconciler.state import Field, Live, aliases, stages

_MOST_VERSIONS = 20


@dataclass(frozen=True)
class Git:
    """What git says of a model: in sync or not, by version, and the merged changes that are live.

    `silent` says why there is no history.
    """

    sync: Mapping[int, str]
    changes: tuple[Change, ...] = ()
    history: tuple[Entry, ...] = ()
    silent: str | None = None
    problems: tuple[Problem, ...] = ()
    code: ExitCode = ExitCode.OK


@dataclass(frozen=True)
class Portrait:
    """What is shown of a model; `side` is the version that was asked for, None where none is."""

    live: Live
    rules: Rules
    git: Git
    side: Side | None
    places: Mapping[str, Entry]
    file: str | None
    alone: bool
    now: datetime


@click.command("show", short_help="show everything known of a version")
@click.argument("name", metavar="MODEL[/VERSION|/STAGE|@ALIAS]")
@common()
def command(*, options: Options, name: str) -> int:
    """Show a version of MODEL: its values, run, metrics, signature, and which commit put it there.

    With MODEL alone it is the version that serves, and the others follow with a line each.
    """
    session = Session(options)
    session.may_be_empty = True
    readings = _readings(name)
    live = find(session, [(model, () if one is None else (one,)) for model, one in readings])
    selector = dict(readings)[live.model]
    rules = session.desired.rules
    version = _serving(live, rules) if selector is None else chosen(live, selector)
    git = _git(session, live)
    shown = _known(session, live, version)
    portrait = Portrait(
        live=live,
        rules=rules,
        git=git,
        side=shown,
        places=_brought(git.history, shown, rules, session.ref.key) if shown else {},
        file=_file(session, live.model),
        alone=selector is not None,
        now=datetime.now(timezone.utc),
    )
    if options.json:
        output.document(_document(portrait, session))
    else:
        output.product("\n".join(_text(portrait, session)) + "\n", options)
    output.complain(git.problems)
    return int(git.code)


def _readings(name: str) -> list[tuple[str, str | None]]:
    """Return the ways to read a name: a model's may have an `@` in it, and on old servers a `/`."""
    model, slash, rest = name.rpartition("/")
    if slash and model:
        return [(model, rest), (name, None)]
    model, at, alias = name.rpartition("@")
    return [(name, None), *([(model, f"@{alias}")] if at and model else [])]


def _serving(live: Live, rules: Rules) -> int | None:
    found = rules.serving.versions(live.fields) & set(live.versions)
    return max(found, default=None)


def _known(session: Session, live: Live, version: int | None) -> Side | None:
    if version is None:
        return None
    facts = read_facts(session.registry, [(live, version)], parallelism=1)[live.model]
    return side(live, version, facts)


def _file(session: Session, model: str) -> str | None:
    declaration = session.desired.declarations.get(model)
    return declaration.file if declaration else None


def _git(session: Session, live: Live) -> Git:
    """Compare with what is declared, and read who merged it; outside of git neither."""
    found = Git({})
    if live.model in session.desired.declarations or live.owner == session.owner:
        reading = session.read(replace(session.question(), models=frozenset({live.model})))
        # Guards judge what would be written; here nothing is.
        plan = replace(reading.plan, violations=())
        rows = status.rows(plan, reading.live, session.desired)
        sync = {row.version: row.sync for row in rows if row.version is not None}
        found = Git(sync, plan.changes, problems=plan.problems, code=plan.exit_code())
    try:
        merged = open_merged(session, quiet=True)
    except (OutOfStep, UsageError) as error:
        return replace(found, silent=error.message)
    steps = merged.steps.get(live.model, ())
    entries = evidence.entries(steps, merged.rules, merged.records())
    if not entries:
        return replace(found, silent=f"the merged history of `{merged.line}` never declared it")
    return replace(found, history=_live_part(entries, live, merged.log))


def _live_part(entries: tuple[Entry, ...], live: Live, log: Log) -> tuple[Entry, ...]:
    """Return the entries up to the commit that is recorded as live; all where none is known."""
    recorded = live.recorded[-1] if live.recorded else ""
    place = {commit: at for at, commit in enumerate(log.line)}
    end = place.get(log.landed.get(recorded, recorded))
    if end is None:
        return entries
    return tuple(entry for entry in entries if place[entry.step.commit.id] <= end)


def _brought(
    history: Sequence[Entry], shown: Side, rules: Rules, registry: str
) -> Mapping[str, Entry]:
    """Return the merged change that brought the stage and each alias, where git put it there."""
    declaration = history[-1].step.after if history else None
    if declaration is None:
        return {}
    found: dict[str, Entry] = {}
    if declaration.fields.get(Field("stage", shown.version)) == shown.stage:
        since = tenure.entered(history, shown.version, shown.stage, registry)
        by_id = {one.step.commit.id: one for one in history}
        if since is not None and since.commit is not None:
            found[shown.stage] = by_id[since.commit]
    forever = datetime.max.replace(tzinfo=timezone.utc)
    held = {one.name: one for one in evidence.answer(history, forever, rules).held}
    for alias in (f"@{alias}" for alias in shown.aliases):
        if alias in held and held[alias].version == shown.version:
            found[alias] = held[alias].since
    return found


def _text(portrait: Portrait, session: Session) -> Iterator[str]:
    live, shown = portrait.live, portrait.side
    yield visible(live.model) + (f" v{shown.version}" if shown else "")
    if shown is None:
        yield f"  nothing serves ({visible(str(portrait.rules.serving))})"
    rows = [*_model_rows(portrait)] if not portrait.alone else []
    if shown is not None:
        rows += [*_place_rows(portrait, shown), *_own_rows(portrait, shown), *_run_rows(shown)]
    yield from _block(rows)
    if shown is not None:
        yield from _outcomes(shown)
    others = [] if portrait.alone else [*_others(portrait)]
    if others:
        lines = table(("VERSION", "STAGE", "ALIASES", "GIT", "AGE"), others[:_MOST_VERSIONS])
        yield from ("", "other versions" if shown else "versions", *(f"  {x}" for x in lines))
        if others[_MOST_VERSIONS:]:
            yield f"  and {len(others) - _MOST_VERSIONS} more, all in `--format json`"
    yield ""
    effort = session.options.effort(session.registry.requests)
    yield f"show: 1 model, {effort.requests} requests, {effort.seconds:.2f} s"


def _block(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield labels and values below each other, a label once; the values are harmless already."""
    width = max((len(label) for label, _ in rows), default=0)
    before = ""
    for label, value in rows:
        yield f"  {('' if label == before else label).ljust(width)}  {value}"
        before = label


def _model_rows(portrait: Portrait) -> Iterator[tuple[str, str]]:
    fields = portrait.live.fields
    if Field("description") in fields:
        yield "model", quoted(str(fields[Field("description")]))
    for address, value in sorted(fields.items(), key=lambda item: item[0].sort_key):
        if address.name == "tag" and address.version is None:
            yield "model's tags", f"{visible(address.key or '')} {quoted(str(value))}"


def _place_rows(portrait: Portrait, shown: Side) -> Iterator[tuple[str, str]]:
    names = [("stage", shown.stage), *(("aliases", f"@{alias}") for alias in shown.aliases)]
    for label, name in names:
        entry = portrait.places.get(name)
        yield label, visible(name) + (f"  by {entry.step.commit.id[:12]}" if entry else "")
    for entry in {entry.step.commit.id: entry for entry in portrait.places.values()}.values():
        yield "commit", visible(_credit(entry))
    file = f" ({portrait.file})" if portrait.file else ""
    yield "git", visible(f"{_sync(portrait, shown.version)}{file}")
    for change in portrait.git.changes:
        if shown.version in change.versions:
            what = f"{words.mark(change)} {words.subject(change.field)}  {words.move(change)}"
            yield "git", f"{what}  {words.cause(change)}".rstrip()
    if portrait.git.silent:
        yield "git", visible(portrait.git.silent)


def _sync(portrait: Portrait, version: int) -> str:
    return portrait.git.sync.get(version, "unmanaged")


def _credit(entry: Entry) -> str:
    """Return a merged commit: who made it, when it was merged, and the evidence for it."""
    commit = entry.step.commit
    said = [f"{commit.id[:12]} {quoted(commit.subject)} by {people.author(commit)}"]
    said.append(f"merged {_when(entry.time)}")
    said += [f"approved by {one.name} ({one.kind})" for one in entry.approvals]
    if entry.applied:
        said.append(f"applied {_when(min(one.time for one in entry.applied))}")
    return ", ".join(said)


def _own_rows(portrait: Portrait, shown: Side) -> Iterator[tuple[str, str]]:
    if shown.description:
        yield "description", quoted(shown.description)
    for key, value in sorted(shown.tags.items()):
        yield "tags", f"{visible(key)} {quoted(value)}"
    created = shown.identity.created
    by = f" by {shown.registered_by}" if shown.registered_by else ""
    if created is not None:
        since = f"{moment(created)}{by}, {age(created, portrait.now)} ago"
        yield "registered", visible(since)
    if shown.identity.source:
        yield "source", visible(safe_uri(shown.identity.source))


def _run_rows(shown: Side) -> Iterator[tuple[str, str]]:
    run = shown.facts.run
    if run is not None:
        started = f", started {moment(run.started)}" if run.started is not None else ""
        state = "deleted" if run.deleted else run.status or "of unknown status"
        yield "run", visible(f"{run.name or ''} {run.id}, {state}{started}".strip())
        for key, value in sorted(run.tags.items()):
            if not key.startswith("mlflow."):
                yield "run's tags", f"{visible(key)} {quoted(value)}"
    elif shown.identity.run_id:
        yield "run", visible(shown.identity.run_id)
    if shown.source_commit:
        yield "source commit", visible(shown.source_commit)
    if shown.data_version:
        yield "data version", visible(shown.data_version)
    for sentence in shown.facts.missing:
        yield "not known", visible(sentence)


def _outcomes(shown: Side) -> Iterator[str]:
    """Yield all metrics and params, and the signature, each under its heading."""
    facts = shown.facts
    metrics = [(visible(key), number(value)) for key, value in sorted(facts.metrics.items())]
    digits = max((len(value) for _, value in metrics), default=0)
    signature = facts.signature
    columns = [
        (part, visible(beside.column(one)))
        for part in ("inputs", "outputs", "params")
        for one in (getattr(signature, part) if signature else ())
    ]
    for heading, rows in (
        ("metrics", [(key, value.rjust(digits)) for key, value in metrics]),
        ("params", [(visible(k), quoted(v)) for k, v in sorted(facts.params.items())]),
        ("signature", columns),
    ):
        if rows:
            yield from ("", heading, *_block(rows))


def _others(portrait: Portrait) -> Iterator[tuple[str, ...]]:
    live, shown = portrait.live, portrait.side
    for row in _versions(portrait):
        if shown is None or row["version"] != shown.version:
            created = live.versions[row["version"]].identity.created
            held = " ".join(f"@{alias}" for alias in row["aliases"]) or "-"
            yield (
                f"v{row['version']}",
                row["stage"],
                held,
                row["sync"],
                age(created, portrait.now) or "-",
            )


def _versions(portrait: Portrait) -> Iterator[Document]:
    """Yield every version with what can be said of it in a line, the newest first."""
    live = portrait.live
    where, named = stages(live.fields), aliases(live.fields)
    for version in sorted(live.versions, reverse=True):
        yield {
            "version": version,
            "stage": where.get(version, "None"),
            "aliases": sorted(alias for alias, at in named.items() if at == version),
            "created": moment(live.versions[version].identity.created),
            "status": live.versions[version].status,
            "sync": _sync(portrait, version),
        }


def _document(portrait: Portrait, session: Session) -> Document:
    live, shown = portrait.live, portrait.side
    own = {a: v for a, v in live.fields.items() if a.version is None}
    return {
        "format_version": documents.FORMAT_VERSION,
        "registry": {"uri": session.ref.uri, "name": session.ref.name},
        "model": {
            "name": live.model,
            "description": str(own.get(Field("description"), "")),
            "tags": {a.key: v for a, v in sorted(own.items()) if a.name == "tag"},
            "file": portrait.file,
            "commits": list(live.recorded),
            "owner": live.owner,
        },
        "version": None if shown is None else _version_document(portrait, shown),
        "versions": [*_versions(portrait)],
        "errors": [documents.error(problem) for problem in portrait.git.problems],
        "exit": documents.ending(portrait.git.code),
    }


def _version_document(portrait: Portrait, shown: Side) -> Document:
    source, run = shown.identity.source, shown.facts.run
    names = (shown.stage, *(f"@{alias}" for alias in shown.aliases))
    entries = [(name, portrait.places.get(name)) for name in names]
    return {
        **beside.side_document(shown),
        "source": safe_uri(source) if source else source,
        "run_tags": {} if run is None else _own_tags(run.tags),
        "sync": _sync(portrait, shown.version),
        "places": [
            {"name": name, "brought_by": None if entry is None else _credit_document(entry)}
            for name, entry in entries
        ],
    }


def _own_tags(tags: Mapping[str, str]) -> Document:
    return {key: value for key, value in sorted(tags.items()) if not key.startswith("mlflow.")}


def _credit_document(entry: Entry) -> Document:
    commit = entry.step.commit
    return {
        "commit": commit.id,
        "subject": commit.subject,
        "merged": _when(entry.time),
        "author": commit.author,
        "authors": people.authors(commit),
        "pull_request": entry.pull_request,
        "approvals": [{"name": one.name, "kind": one.kind} for one in entry.approvals],
        "applied": [
            {"time": _when(one.time), "registry": one.registry, "commit": one.commit}
            for one in entry.applied
        ],
    }


def _when(time: datetime) -> str:
    return f"{time.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
