"""Renders everything that is known about one model and one of its versions, as text and JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.audit.dates import iso_moment
from reconciler.audit.evidence import Entry
from reconciler.audit.known_bytes import BytesRead
from reconciler.core.changes import Change
from reconciler.core.comparison import Side
from reconciler.core.declaring.consumers import loaded_version, phrase
from reconciler.core.plan import RegistryRef
from reconciler.core.state import Consumer, Field, Live, Serving, aliases, stages
from reconciler.errors import ExitCode, Problem
from reconciler.render import authors, json_documents, phrases
from reconciler.render.artifacts import approved_bytes
from reconciler.render.escape import quoted, visible
from reconciler.render.inspection import comparison as beside
from reconciler.render.inspection.comparison import age, moment, number
from reconciler.render.json_documents import Document
from reconciler.render.table import TableColumn, folded, padded, table, width
from reconciler.render.text import Effort

_MOST_VERSIONS = 20


@dataclass(frozen=True)
class Git:
    """What git knows about a model: sync state by version, and the merged changes that are live.

    `silent` says why there is no history. `digests` are the declared ones, and `read` what the last
    applies read, both by version.
    """

    sync: Mapping[int, str]
    changes: tuple[Change, ...] = ()
    history: tuple[Entry, ...] = ()
    silent: str | None = None
    problems: tuple[Problem, ...] = ()
    code: ExitCode = ExitCode.OK
    digests: Mapping[int, str] = field(default_factory=dict)
    read: Mapping[int, BytesRead] = field(default_factory=dict)


@dataclass(frozen=True)
class VersionDetails:
    """The facts about a model; `side` is the version that was asked for, or None.

    `source` is the location of that version's files, without credentials. `consumers` are those of
    the model.
    """

    live: Live
    serving: Serving
    git: Git
    side: Side | None
    places: Mapping[str, Entry]
    file: str | None
    source: str | None
    registry: RegistryRef
    alone: bool
    now: datetime
    consumers: tuple[Consumer, ...] = ()


_OTHERS = ("VERSION", "STAGE", TableColumn("ALIASES", 10), "GIT", "AGE")


def text(details: VersionDetails, effort: Effort, columns: int | None = None) -> str:
    """Return everything that is known, with the cost of the command as the last line."""
    return "\n".join(_lines(details, effort, columns)) + "\n"


def _lines(details: VersionDetails, effort: Effort, columns: int | None) -> Iterator[str]:
    live, shown = details.live, details.side
    number = f" ({shown.semver})" if shown and shown.semver else ""
    yield visible(live.model) + (f" v{shown.version}{number}" if shown else "")
    if shown is None:
        yield f"  nothing serves ({visible(str(details.serving))})"
    rows = [*_model_rows(details)] if not details.alone else []
    if shown is not None:
        rows += [*_place_rows(details, shown), *_own_rows(details, shown), *_run_rows(shown)]
    yield from _block(rows, columns)
    if shown is not None:
        yield from _outcomes(shown, columns)
    others = [] if details.alone else [*_others(details)]
    if others:
        room = None if columns is None else columns - 2
        lines = table(_OTHERS, others[:_MOST_VERSIONS], room)
        yield from ("", "other versions" if shown else "versions", *(f"  {x}" for x in lines))
        if others[_MOST_VERSIONS:]:
            yield f"  and {len(others) - _MOST_VERSIONS} more, all in `--format json`"
    yield ""
    yield f"show: 1 model, {effort.requests} requests, {effort.seconds:.2f} s"


def _block(rows: Sequence[tuple[str, str]], columns: int | None) -> Iterator[str]:
    """Yield labels and values in two columns, equal labels once; the values are safe to show."""
    widest = max((width(label) for label, _ in rows), default=0)
    room = None if columns is None else columns - widest - 4
    before = ""
    for label, value in rows:
        first, *rest = folded(value, room)
        yield f"  {padded('' if label == before else label, widest)}  {first}"
        yield from (f"  {' ' * widest}  {line}" for line in rest)
        before = label


def _model_rows(details: VersionDetails) -> Iterator[tuple[str, str]]:
    fields = details.live.fields
    if Field("description") in fields:
        yield "model", quoted(str(fields[Field("description")]))
    for address, value in sorted(fields.items(), key=lambda item: item[0].sort_key):
        if address.name == "tag" and address.version is None:
            yield "model's tags", f"{visible(address.key or '')} {quoted(str(value))}"


def _place_rows(details: VersionDetails, shown: Side) -> Iterator[tuple[str, str]]:
    names = [("stage", shown.stage), *(("aliases", f"@{alias}") for alias in shown.aliases)]
    for label, name in names:
        entry = details.places.get(name)
        yield label, visible(name) + (f"  by {entry.step.commit.id[:12]}" if entry else "")
    for one in loading(details, shown):
        owner = f" ({one.owner})" if one.owner else ""
        yield "consumers", visible(f"{one.name}{owner} loads {phrase(one.loads)}")
    for entry in {entry.step.commit.id: entry for entry in details.places.values()}.values():
        yield "commit", visible(_credit(entry))
    file = f" ({details.file})" if details.file else ""
    yield "git", visible(f"{_sync(details, shown.version)}{file}")
    for change in details.git.changes:
        if shown.version in change.versions:
            what = f"{phrases.mark(change)} {phrases.subject(change.field)}  {phrases.move(change)}"
            yield "git", f"{what}  {phrases.cause(change)}".rstrip()
    if details.git.silent:
        yield "git", visible(details.git.silent)


def loading(details: VersionDetails, shown: Side) -> Iterator[Consumer]:
    """Yield the consumers that load a version now."""
    live = details.live
    for one in details.consumers:
        if loaded_version(one.loads, live.fields, live.versions) == shown.version:
            yield one


def _sync(details: VersionDetails, version: int) -> str:
    return details.git.sync.get(version, "unmanaged")


def _credit(entry: Entry) -> str:
    """Return a merged commit with its author, its merge time, and the evidence for it."""
    commit = entry.step.commit
    parts = [f"{commit.id[:12]} {quoted(commit.subject)} by {authors.author(commit)}"]
    parts.append(f"merged {iso_moment(entry.time)}")
    parts += [f"approved by {approval.name} ({approval.kind})" for approval in entry.approvals]
    if entry.applied:
        parts.append(f"applied {iso_moment(min(applied.time for applied in entry.applied))}")
    return ", ".join(parts)


def _own_rows(details: VersionDetails, shown: Side) -> Iterator[tuple[str, str]]:
    if shown.description:
        yield "description", quoted(shown.description)
    for key, value in sorted(shown.tags.items()):
        yield "tags", f"{visible(key)} {quoted(value)}"
    created = shown.identity.created
    by = f" by {shown.registered_by}" if shown.registered_by else ""
    if created is not None:
        since = f"{moment(created)}{by}, {age(created, details.now)} ago"
        yield "registered", visible(since)
    if details.source:
        yield "source", visible(details.source)
    yield from approved_bytes.labelled(*bytes_of(details, shown))


def bytes_of(details: VersionDetails, shown: Side) -> tuple[str | None, BytesRead | None]:
    """Return the declared digest of a version, and what the last apply read of it."""
    return details.git.digests.get(shown.version), details.git.read.get(shown.version)


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


def _outcomes(shown: Side, columns: int | None) -> Iterator[str]:
    """Yield all metrics, params and the signature, each under its heading."""
    facts = shown.facts
    metrics = [(visible(key), number(value)) for key, value in sorted(facts.metrics.items())]
    digits = max((len(value) for _, value in metrics), default=0)
    signature = facts.signature
    fields = [
        (part, visible(beside.column(one)))
        for part in ("inputs", "outputs", "params")
        for one in (getattr(signature, part) if signature else ())
    ]
    for heading, rows in (
        ("metrics", [(key, value.rjust(digits)) for key, value in metrics]),
        ("params", [(visible(k), quoted(v)) for k, v in sorted(facts.params.items())]),
        ("signature", fields),
    ):
        if rows:
            yield from ("", heading, *_block(rows, columns))


def _others(details: VersionDetails) -> Iterator[tuple[str, ...]]:
    live, shown = details.live, details.side
    for row in _versions(details):
        if shown is None or row["version"] != shown.version:
            created = live.versions[row["version"]].identity.created
            held = " ".join(f"@{alias}" for alias in row["aliases"]) or "-"
            yield (
                f"v{row['version']}",
                row["stage"],
                held,
                row["sync"],
                age(created, details.now) or "-",
            )


def _versions(details: VersionDetails) -> Iterator[Document]:
    """Yield a row for every version, the newest first."""
    live = details.live
    where, named = stages(live.fields), aliases(live.fields)
    for version in sorted(live.versions, reverse=True):
        yield {
            "version": version,
            "stage": where.get(version, "None"),
            "aliases": sorted(alias for alias, at in named.items() if at == version),
            "created": moment(live.versions[version].identity.created),
            "status": live.versions[version].status,
            "sync": _sync(details, version),
        }


def document(details: VersionDetails) -> Document:
    """Return the JSON document."""
    live, shown = details.live, details.side
    own = {a: v for a, v in live.fields.items() if a.version is None}
    return {
        "format_version": json_documents.FORMAT_VERSION,
        "registry": json_documents.registry(details.registry),
        "model": {
            "name": live.model,
            "description": str(own.get(Field("description"), "")),
            "tags": {a.key: v for a, v in sorted(own.items()) if a.name == "tag"},
            "file": details.file,
            "commits": list(live.recorded),
            "owner": live.owner,
        },
        "version": None if shown is None else _version_document(details, shown),
        "versions": [*_versions(details)],
        "errors": [json_documents.error(problem) for problem in details.git.problems],
        "exit": json_documents.ending(details.git.code),
    }


def _version_document(details: VersionDetails, shown: Side) -> Document:
    run = shown.facts.run
    names = (shown.stage, *(f"@{alias}" for alias in shown.aliases))
    entries = [(name, details.places.get(name)) for name in names]
    return {
        **beside.side_document(shown),
        "source": details.source,
        "bytes": approved_bytes.known_document(*bytes_of(details, shown)),
        "run_tags": {} if run is None else _own_tags(run.tags),
        "sync": _sync(details, shown.version),
        "consumers": [
            {"name": one.name, "owner": one.owner, "loads": one.loads, "code": one.code}
            for one in loading(details, shown)
        ],
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
        "merged": iso_moment(entry.time),
        "author": commit.author,
        "authors": authors.authors(commit),
        "pull_request": entry.pull_request,
        "approvals": [{"name": one.name, "kind": one.kind} for one in entry.approvals],
        "applied": [
            {
                "time": iso_moment(one.time),
                "registry": one.registry,
                "commit": one.commit,
                "actor": one.actor,
                "registry_user": one.registry_user,
            }
            for one in entry.applied
        ],
    }
