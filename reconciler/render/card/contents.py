"""What a card says of a version: its names with their evidence, and what is not known."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from reconciler.audit.evidence import Applied, Entry
from reconciler.core.comparison import Side
from reconciler.core.declaring.inventory import Inventory
from reconciler.core.policies import Policy
from reconciler.core.state import Consumer, Field
from reconciler.core.transitions import Transition
from reconciler.policy.evaluation import covers
from reconciler.render.inspection.version_details import VersionDetails, loading


@dataclass(frozen=True)
class CardContents:
    """One version, `side`, with the details of its model and what its file has for an inventory.

    `generator` is the version of this program.
    """

    details: VersionDetails
    side: Side
    inventory: Inventory | None
    generator: str

    @property
    def description(self) -> str:
        """The version's description, else that of the model; empty where neither has one."""
        return self.side.description or str(self.details.live.fields.get(Field("description"), ""))

    @property
    def digest(self) -> str | None:
        """The digest of its files: as declared, else as the last apply read them."""
        return self.side.digest

    @property
    def consumers(self) -> tuple[Consumer, ...]:
        """The declared consumers that load this version."""
        return tuple(loading(self.details, self.side))

    @property
    def places(self) -> tuple["CardPlace", ...]:
        """The stage and the aliases of the version, the stage `None` left out."""
        stage = [self.side.stage] if self.side.stage != "None" else []
        return tuple(self._place(name) for name in (*stage, *(f"@{a}" for a in self.side.aliases)))

    @property
    def serves(self) -> bool:
        """Return whether it is the version that serves."""
        return any(place.serves for place in self.places)

    def _place(self, name: str) -> "CardPlace":
        entry = self.details.places.get(name)
        here = [one for one in _applied(entry) if one.registry == self.details.registry.key]
        accepted = {consent for one in here for consent in one.accepted}
        return CardPlace(
            name=name,
            serves=name == str(self.details.serving),
            entry=entry,
            applied=min((one.time for one in here), default=None),
            policies=tuple(self._policies(name, entry)),
            consents=tuple(sorted(filter(self._is_meant, accepted))),
        )

    def _policies(self, name: str, entry: Entry | None) -> Iterator[Policy]:
        """Yield the policies that cover a name by the settings before and after its commit."""
        if entry is None or entry.step.settings is None:
            return
        stage, alias = (None, name[1:]) if name.startswith("@") else (name, None)
        moved = Transition(self.details.live.model, self.side.version, stage=stage, alias=alias)
        before, after = entry.step.settings
        for policy in dict.fromkeys((*after.policies, *before.policies)):
            if covers(policy, moved, (self.details.serving,)):
                yield policy

    def _is_meant(self, consent: str) -> bool:
        """Return whether a consent is about this model, or about the whole apply."""
        _, mark, model = consent.partition("=")
        return not mark or model == self.details.live.model


@dataclass(frozen=True, slots=True)
class CardPlace:
    """One name of the version, and the merged change that gave it that, None where git has none.

    `applied` is the first recorded apply of that change to this registry. `policies` are those that
    its settings had for this name, `consents` what was accepted when it was applied.
    """

    name: str
    serves: bool
    entry: Entry | None
    applied: datetime | None
    policies: tuple[Policy, ...]
    consents: tuple[str, ...]

    @property
    def since(self) -> datetime | None:
        """The first recorded apply, else the merge; None where git has neither."""
        return self.applied or (self.entry.time if self.entry else None)


def unknown(card: CardContents) -> Iterator[str]:
    """Yield a sentence for each thing that a card should say, and that nobody recorded."""
    if not card.description:
        yield "what it is: neither the version nor the model has a description"
    yield from _no_inventory(card.inventory)
    if card.details.git.silent:
        yield f"who put it where it is: {card.details.git.silent}"
    else:
        for place in card.places:
            yield from _no_evidence(place)
    yield from card.side.facts.missing
    if not card.side.facts.metrics:
        yield "how good it is: no metric is known"
    if card.side.source_commit is None:
        yield "the commit of the code that trained it"
    if card.side.data_version is None:
        yield "the version of the data that trained it"
    if card.digest is None:
        yield "the digest of its files: git declares none, and no recorded apply read one"
    if not card.details.consumers:
        yield "who loads it: its file declares no consumers"


def _no_inventory(inventory: Inventory | None) -> Iterator[str]:
    if inventory is None:
        yield "owner, purpose, tier and next review: its file has no `inventory`"
    elif inventory.missing:
        yield f"{', '.join(inventory.missing)}: not in the `inventory` of its file"


def _no_evidence(place: CardPlace) -> Iterator[str]:
    if place.entry is None:
        yield f"who gave it `{place.name}`: no merged change that is live did"
        return
    if place.applied is None:
        yield f"when `{place.name}` was applied: no apply record of this registry has it"
    if not place.entry.approvals:
        yield f"who approved `{place.name}`: no apply record and no trailer names anybody"


def _applied(entry: Entry | None) -> tuple[Applied, ...]:
    return entry.applied if entry is not None else ()
