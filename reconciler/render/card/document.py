"""Renders a card as the JSON document of `card --format json`."""

from reconciler.audit.dates import iso_moment
from reconciler.core.declaring.inventory import Inventory
from reconciler.render.card.contents import CardContents, CardPlace, unknown
from reconciler.render.inspection import version_details
from reconciler.render.json_documents import Document


def document(card: CardContents) -> Document:
    """Return the document of `show` for this version alone, with what only a card has."""
    shown = version_details.document(card.details)
    places = {place.name: _place(place) for place in card.places}
    version = shown["version"] | {
        "serves": card.serves,
        "places": [
            row | places[row["name"]] for row in shown["version"]["places"] if row["name"] in places
        ],
    }
    return {
        "format_version": shown["format_version"],
        "registry": shown["registry"],
        "model": shown["model"] | {"inventory": inventory(card.inventory)},
        "version": version,
        "not_known": [*unknown(card)],
        "errors": shown["errors"],
        "exit": shown["exit"],
    }


def inventory(entry: Inventory | None) -> Document | None:
    """Return the `inventory:` of a file; null where there is none."""
    if entry is None:
        return None
    return {
        "owner": entry.owner,
        "purpose": entry.purpose,
        "tier": entry.tier,
        "review_by": entry.review_by.isoformat() if entry.review_by else None,
        "contacts": list(entry.contacts),
    }


def _place(place: CardPlace) -> Document:
    return {
        "serves": place.serves,
        "since": iso_moment(place.since) if place.since else None,
        "is_applied": place.applied is not None,
        "policies": [{"name": one.name, "enforce": one.enforce} for one in place.policies],
        "consents": list(place.consents),
    }
