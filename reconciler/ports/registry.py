"""The port to a model registry: reading, and one method per kind of change.

Adapters translate; they neither retry a write nor decide anything. Every method raises the
`RegistryError` that says whether the request was executed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from reconciler.core.facts import Facts
from reconciler.core.state import Identity, Live


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the backend can hold; `why` names the backend for messages."""

    stages: bool = True
    aliases: bool = True
    why: str = ""


class Registry(Protocol):
    """A live model registry; safe to use from several threads."""

    @property
    def uri(self) -> str:
        """Where it is, without credentials."""
        ...

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        ...

    def capabilities(self) -> Capabilities:
        """Return what this backend can hold."""
        ...

    def read(self, names: Collection[str] | None = None) -> Mapping[str, Live]:
        """Return what a search finds, by model name: all models, or those named.

        A search hides what the user may not read, and can skip rows while others write: what is
        absent here is not known to be missing until `confirm` says so.
        """
        ...

    def confirm(self, model: str, versions: Collection[int]) -> Live | None:
        """Return one model by direct reads, with each of `versions` that exists; None: no model.

        Raises `Forbidden` when these credentials may not read it.
        """
        ...

    def facts(self, model: str, version: int, identity: Identity) -> Facts:
        """Return what the tracking server tells of a version, and in `missing` what it does not.

        Never raises `RegistryError`: a part that is absent, deleted or not readable is left out.
        """
        ...

    def set_stage(self, model: str, version: int, stage: str) -> str:
        """Move a version into a stage, touch no other version, and return where it is now."""
        ...

    def set_alias(self, model: str, alias: str, version: int) -> None:
        """Point an alias at a version: one upsert, never a moment without it."""
        ...

    def delete_alias(self, model: str, alias: str) -> None:
        """Remove an alias; one that is not there is fine."""
        ...

    def set_tag(self, model: str, version: int | None, key: str, value: str) -> None:
        """Set a tag of the model (`version` None) or of a version."""
        ...

    def delete_tag(self, model: str, version: int | None, key: str) -> None:
        """Remove a tag of the model (`version` None) or of a version; absent is fine."""
        ...

    def set_description(self, model: str, version: int | None, text: str) -> None:
        """Set the description of the model (`version` None) or of a version; "" clears it."""
        ...
