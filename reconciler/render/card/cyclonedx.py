"""Renders a card as a CycloneDX 1.6 document with one machine-learning model.

What the standard has no place for is a property in the namespace `reconciler`. The digest is one of
those: it is over all files of the version, and `hashes` are of one file.
"""

import uuid
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from reconciler.audit.dates import iso_moment
from reconciler.core.facts import Column
from reconciler.render import json_documents
from reconciler.render.card.contents import CardContents, CardPlace, unknown
from reconciler.render.inspection.comparison import column, moment, side_document
from reconciler.render.inspection.version_details import bytes_of
from reconciler.render.json_documents import Document

_SCHEMA: Final = "http://cyclonedx.org/schema/bom-1.6.schema.json"
_Pair = tuple[str, str | None]


def cyclonedx(card: CardContents) -> str:
    """Return the document as JSON; the same card gives the same bytes, its serial number too."""
    content = _content(card)
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json_documents.dumps(content))
    head = {"$schema": _SCHEMA, "bomFormat": "CycloneDX", "specVersion": "1.6"}
    return json_documents.dumps({**head, "serialNumber": serial.urn, "version": 1, **content})


def package_url(card: CardContents) -> str:
    """Return the package URL of the version: its type is `mlflow`, its registry a qualifier."""
    name, uri = card.details.live.model, card.details.registry.address
    if "databricks" in uri.lower():  # names there have no case, and the standard wants the lower
        name = name.lower()
    qualifiers = {"repository_url": uri, "run_id": card.side.identity.run_id}
    given = "&".join(f"{key}={_quoted(value, '/')}" for key, value in qualifiers.items() if value)
    return f"pkg:mlflow/{_quoted(name)}@{card.side.version}?{given}"


def _quoted(text: str, kept: str = "") -> str:
    """Return a text percent-encoded as a package URL writes it: a colon stays."""
    return quote(text, safe=f":{kept}", errors="replace")


def _content(card: CardContents) -> Document:
    tool = {"type": "application", "name": "mlflow-reconciler", "version": card.generator}
    return {"metadata": {"tools": {"components": [tool]}}, "components": [_component(card)]}


def _component(card: CardContents) -> Document:
    address = package_url(card)
    described = {"description": card.description} if card.description else {}
    pairs = (*_where(card), *_about(card), *_origin(card), *_recorded(card))
    return {
        "type": "machine-learning-model",
        "bom-ref": address,
        "name": card.details.live.model,
        "version": str(card.side.version),
        **described,
        "purl": address,
        "modelCard": _model_card(card),
        "properties": [
            {"name": f"reconciler:{name}", "value": value}
            for name, value in pairs
            if value is not None
        ],
    }


def _model_card(card: CardContents) -> Document:
    signature = card.side.facts.signature
    parts = {
        "modelParameters": {
            part: [_parameter(spec) for spec in specs]
            for part in ("inputs", "outputs")
            if (specs := getattr(signature, part, ()))
        },
        "quantitativeAnalysis": {
            "performanceMetrics": [
                {"type": name, "value": str(value)}  # NaN is no number in JSON, and text here
                for name, value in side_document(card.side)["metrics"].items()
            ]
        },
        "considerations": _considerations(card),
    }
    return {name: part for name, part in parts.items() if any(part.values())}


def _parameter(spec: Column) -> Document:
    return {"format": column(spec)}


def _considerations(card: CardContents) -> Document:
    users = [one.name for one in card.consumers]
    purpose = card.inventory.purpose if card.inventory else None
    return {
        **({"users": users} if users else {}),
        **({"useCases": [purpose]} if purpose else {}),
    }


def _where(card: CardContents) -> Iterator[_Pair]:
    ref = card.details.registry
    yield "registry:uri", ref.uri
    yield "registry:name", ref.name
    yield "registry:workspace", ref.workspace
    yield "serves", "true" if card.serves else "false"
    yield "sync", card.details.git.sync.get(card.side.version, "unmanaged")
    for place in card.places:
        yield from ((f"place:{name}", value) for name, value in _place(place))


def _place(place: CardPlace) -> Iterator[_Pair]:
    """Yield the name, and what belongs to it with the name in front."""
    yield "name", place.name
    said: list[_Pair] = []
    if place.entry is not None:
        commit, pull = place.entry.step.commit, place.entry.pull_request
        said += [
            ("commit", commit.id),
            ("author", commit.author),
            ("merged", iso_moment(place.entry.time)),
        ]
        said += [("pull_request", str(pull) if pull else None)]
        said += [(f"approved_by:{one.kind}", one.name) for one in place.entry.approvals]
    said += [("applied", iso_moment(place.applied) if place.applied else None)]
    said += [(f"policy:{one.enforce}", one.name) for one in place.policies]
    said += [("consent", consent) for consent in place.consents]
    yield from ((f"{place.name}:{name}", value) for name, value in said)


def _about(card: CardContents) -> Iterator[_Pair]:
    entry = card.inventory
    if entry is not None:
        yield "inventory:owner", entry.owner
        yield "inventory:purpose", entry.purpose
        yield "inventory:tier", entry.tier
        yield "inventory:review_by", entry.review_by.isoformat() if entry.review_by else None
        yield from (("inventory:contact", contact) for contact in entry.contacts)
    yield from (("consumer", f"{one.name} loads {one.loads}") for one in card.consumers)


def _origin(card: CardContents) -> Iterator[_Pair]:
    side = card.side
    declared, read = bytes_of(card.details, side)
    yield "semver", side.semver
    yield "digest:declared", declared
    yield "digest:read", read.row.digest if read else None
    yield "digest:read_at", iso_moment(read.time) if read else None
    yield "source", card.details.source
    yield "run_id", side.identity.run_id
    yield "source_commit", side.source_commit
    yield "data_version", side.data_version
    yield "registered", moment(side.identity.created)
    yield "registered_by", side.registered_by


def _recorded(card: CardContents) -> Iterator[_Pair]:
    facts = card.side.facts
    yield from ((f"param:{key}", value) for key, value in sorted(facts.params.items()))
    yield from ((f"tag:{key}", value) for key, value in sorted(card.side.tags.items()))
    if facts.signature is not None:
        yield from (("signature:param", column(spec)) for spec in facts.signature.params)
    yield from (("not_known", sentence) for sentence in unknown(card))
