"""Renders a card as Markdown; nothing from outside can become markup."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.audit.dates import iso_moment
from reconciler.audit.evidence import Entry
from reconciler.core.comparison import Side
from reconciler.core.declaring.consumers import phrase
from reconciler.render import authors, phrases
from reconciler.render.artifacts import approved_bytes
from reconciler.render.card.contents import CardContents, CardPlace, unknown
from reconciler.render.escape import code, prose
from reconciler.render.inspection.comparison import column, moment, number
from reconciler.render.inspection.version_details import bytes_of
from reconciler.render.page.excerpts import excerpt
from reconciler.render.table import markdown_row

_LONGEST = 1_000  # characters of one text; a registry sets no limit
_MOST_ROWS = 200
_PARTS = (("input", "inputs"), ("output", "outputs"), ("param", "params"))


def markdown(card: CardContents) -> str:
    """Return the card; the same card gives the same bytes."""
    semver = f" ({code(card.side.semver)})" if card.side.semver else ""
    lines = [
        f"# Model card: {code(_cut(card.details.live.model))} v{card.side.version}{semver}",
        "",
    ]
    if card.description:
        lines += [f"> {prose(_cut(card.description))}", ""]
    lines += [_serving(card), "", *_rows(("", ""), _about(card))]
    for heading, header, rows in _sections(card):
        if rows:
            lines += [f"## {heading}", "", *_rows(header, rows)]
    gaps = [f"- {prose(_cut(sentence))}" for sentence in unknown(card)]
    lines += ["## Not known", "", *(gaps or ["Nothing that this card asks for."])]
    return "\n".join(lines) + "\n"


def _serving(card: CardContents) -> str:
    serving = [place for place in card.places if place.serves]
    if not serving:
        return f"**Does not serve**: it is not what {code(str(card.details.serving))} names."
    since = f" since {iso_moment(serving[0].since)}" if serving[0].since else ""
    return f"**Serves** as {', '.join(code(place.name) for place in card.places)}{since}."


def _about(card: CardContents) -> Iterator[tuple[str, str]]:
    """Yield what the model is, and where it is declared."""
    entry, details = card.inventory, card.details
    if entry is not None:
        named = (("owner", entry.owner), ("purpose", entry.purpose), ("tier", entry.tier))
        yield from ((label, prose(_cut(value))) for label, value in named if value)
        if entry.review_by:
            yield "review by", entry.review_by.isoformat()
        if entry.contacts:
            yield "contacts", ", ".join(code(_cut(contact)) for contact in entry.contacts)
    ref = details.registry
    yield "registry", code(ref.address) + (f" ({code(ref.name)})" if ref.name else "")
    sync = details.git.sync.get(card.side.version, "unmanaged")
    yield "git", prose(sync) + (f", {code(details.file)}" if details.file else "")


def _sections(
    card: CardContents,
) -> Iterator[tuple[str, tuple[str, ...], Sequence[Sequence[str]]]]:
    """Yield each section: its heading, the header of its table, and the rows."""
    side, facts = card.side, card.side.facts
    header = ("name", "since", "commit", "pull request", "approved by")
    yield "Where it is, and who put it there", header, [*map(_place, card.places)]
    yield "What let it pass", ("name", "policies", "consents"), [*_passed(card.places)]
    metrics = [(code(_cut(key)), number(value)) for key, value in sorted(facts.metrics.items())]
    yield "Metrics", ("metric", "value"), metrics
    yield "Params", ("param", "value"), _texts(facts.params)
    yield "Signature", ("", "column"), [*_signature(side)]
    yield "Origin", ("", ""), [*_origin(card)]
    yield "Tags", ("tag", "value"), _texts(side.tags)
    consumers = [
        (
            prose(_cut(one.name)),
            code(phrase(one.loads)),
            prose(_cut(one.owner or "")),
            code(_cut(one.code)) if one.code else "",
        )
        for one in card.consumers
    ]
    yield "Who loads it", ("consumer", "loads", "owner", "where"), consumers


def _place(place: CardPlace) -> tuple[str, ...]:
    entry = place.entry
    if entry is None or place.since is None:
        return (code(place.name), "not known", "", "", "")
    what = "applied" if place.applied else "merged"
    pull = f"#{entry.pull_request}" if entry.pull_request else ""
    return (
        code(place.name),
        f"{what} {iso_moment(place.since)}",
        _commit(entry),
        prose(pull),
        _approved(entry),
    )


def _commit(entry: Entry) -> str:
    commit = entry.step.commit
    author = prose(_cut(authors.author(commit)))
    return f"{code(commit.id[:12])} {prose(_cut(commit.subject))}, by {author}"


def _approved(entry: Entry) -> str:
    named = (f"{prose(_cut(one.name))} ({one.kind})" for one in entry.approvals)
    return ", ".join(named) or "nobody is named"


def _passed(places: Sequence[CardPlace]) -> Iterator[tuple[str, ...]]:
    for place in places:
        if place.policies or place.consents:
            policies = ", ".join(
                code(one.name) + (" (warns)" if one.enforce == "warn" else "")
                for one in place.policies
            )
            yield code(place.name), policies, ", ".join(map(code, place.consents))


def _signature(side: Side) -> Iterator[tuple[str, str]]:
    for label, part in _PARTS:
        for spec in getattr(side.facts.signature, part, ()):
            yield label, code(_cut(column(spec)))


def _origin(card: CardContents) -> Iterator[tuple[str, str]]:
    side = card.side
    created = moment(side.identity.created)
    if created:
        by = f", by {prose(_cut(side.registered_by))}" if side.registered_by else ""
        yield "registered", created + by
    named = (
        ("source", card.details.source),
        ("run", side.identity.run_id),
        ("commit of its code", side.source_commit),
        ("version of its data", side.data_version),
    )
    yield from ((label, code(_cut(value))) for label, value in named if value)
    for label, value in approved_bytes.labelled(*bytes_of(card.details, side)):
        yield label, prose(value)


def _texts(held: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(code(_cut(key)), code(_cut(value))) for key, value in sorted(held.items())]


def _rows(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table of safe cells; of very many rows it says how many more there are."""
    listed = [*rows]
    lines = [markdown_row(header), "|---" * len(header) + "|"]
    lines += [markdown_row(row) for row in listed[:_MOST_ROWS]]
    more = len(listed) - _MOST_ROWS
    if more > 0:
        lines += ["", f"and {phrases.count(more, 'row')} more, all in `--format json`"]
    return [*lines, ""]


def _cut(text: str) -> str:
    return excerpt(text, _LONGEST)
