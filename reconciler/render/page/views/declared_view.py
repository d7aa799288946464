"""What a model's file says besides its versions: the file itself, consumers, the inventory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from reconciler.audit.overview.model_overview import ModelOverview
from reconciler.core.declaring.consumers import declared_version, loaded_version, phrase
from reconciler.core.declaring.inventory import Inventory
from reconciler.core.state import Consumer
from reconciler.render.page import excerpts, links
from reconciler.render.page.excerpts import NAME, REASON, Excerpt, excerpt, optional
from reconciler.render.page.limits import Limits
from reconciler.render.page.links import Link

_MOST_CONTACTS: Final = 10


@dataclass(frozen=True, slots=True)
class ConsumerRow:
    """A program that loads the model: what it loads, and which version that is.

    `is_live` is false where the version is what git declares, because the registry was not read.
    """

    name: str
    owner: str | None
    loads: str
    version: int | None
    is_live: bool
    code: Link | None


@dataclass(frozen=True, slots=True)
class InventoryView:
    """Who answers for the model; `missing` are keys that its file lacks."""

    owner: str | None
    purpose: str | None
    tier: str | None
    review_by: str | None
    is_due: bool
    contacts: tuple[str, ...]
    missing: tuple[str, ...]


def declared_file(model: ModelOverview, limits: Limits) -> Excerpt | None:
    """Return the declared file, None where git declares no such model."""
    if model.text is None:
        return None
    return excerpts.lines(model.text, limits.lines, limits.characters)


def consumer_rows(model: ModelOverview, limits: Limits) -> Sequence[ConsumerRow]:
    """Return the consumers that the file declares, in its order."""
    return [*_consumers(model)][: limits.rows]


def inventory_view(model: ModelOverview, today: date) -> InventoryView | None:
    """Return the inventory, None where the file has none."""
    inventory: Inventory | None = model.declaration.inventory if model.declaration else None
    if inventory is None:
        return None
    return InventoryView(
        owner=optional(inventory.owner, NAME),
        purpose=optional(inventory.purpose, REASON),
        tier=optional(inventory.tier, NAME),
        review_by=inventory.review_by.isoformat() if inventory.review_by else None,
        is_due=inventory.is_due(today),
        contacts=tuple(excerpt(one, NAME) for one in inventory.contacts[:_MOST_CONTACTS]),
        missing=inventory.missing,
    )


def _consumers(model: ModelOverview) -> Iterator[ConsumerRow]:
    declared, live = model.declaration, model.live
    for consumer in declared.consumers if declared else ():
        version = None
        if live is not None:
            version = loaded_version(consumer.loads, live.fields, live.versions)
        elif declared is not None:
            version = declared_version(consumer.loads, declared)
        yield ConsumerRow(
            excerpt(consumer.name, NAME),
            optional(consumer.owner, NAME),
            excerpt(phrase(consumer.loads), NAME),
            version,
            live is not None,
            _code(consumer),
        )


def _code(consumer: Consumer) -> Link | None:
    if not consumer.code:
        return None
    return Link(excerpt(consumer.code, NAME), links.web(consumer.code))
