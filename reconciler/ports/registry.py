"""The port to a model registry: reads, and one method per kind of change.

Adapters translate and decide nothing; they do not retry writes. Every method may raise a
`RegistryError`, whose class says whether the request was executed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from reconciler.core.facts import Facts
from reconciler.core.state import Identity, Live
from reconciler.ports.artifacts import Artifacts
from reconciler.ports.measurements import LoggedRuns


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The features of a backend; `why` names the backend in messages."""

    stages: bool = True
    aliases: bool = True
    why: str = ""


@dataclass(frozen=True, slots=True)
class UserAccess:
    """Who the registry takes us for, and the permission on each model that was asked for.

    A permission is None where the registry does not tell it. `is_managed` is false for a registry
    that knows no users: everybody may do everything there.
    """

    user: str | None
    is_managed: bool = True
    permissions: Mapping[str, str | None] = field(default_factory=dict)


class Placed(NamedTuple):
    """A version's stage after a write, and the model's `updated` then, None where not certain."""

    stage: str
    updated: int | None = None


class Registry(Protocol):
    """A live model registry. Thread-safe."""

    @property
    def uri(self) -> str:
        """The registry's URI without credentials."""
        ...

    @property
    def user(self) -> str | None:
        """The name in the credentials, None where they have none; not asked of the registry."""
        ...

    @property
    def requests(self) -> int:
        """The number of requests sent so far."""
        ...

    @property
    def pace(self) -> float | None:
        """The seconds of the fastest request so far, None where it does not matter."""
        ...

    def close(self) -> None:
        """Give back connections; a later request opens them again."""
        ...

    def capabilities(self, *, has_aliases: bool = False) -> Capabilities:
        """Return the features of this backend; `has_aliases`: an alias was seen, no need to ask."""
        ...

    def read(self, names: Collection[str] | None = None) -> Mapping[str, Live]:
        """Return the models that a search finds, by name; all of them when `names` is None.

        A search hides models that the user may not read, and can skip rows during other writes:
        only `confirm` proves that a model or version does not exist.
        """
        ...

    def confirm(self, model: str, versions: Collection[int]) -> Live | None:
        """Return one model by direct reads, with each of `versions` that exists.

        Return None when the model does not exist. Raises `Forbidden` when these credentials may
        not read it.
        """
        ...

    def get(self, model: str, versions: Collection[int]) -> Live | None:
        """Return one model by direct reads, with few of its versions; None when it does not exist.

        The versions are the latest of each stage, in the same request as the model, and each of
        `versions` that exists.
        """
        ...

    def updated_since(self, model: str, moment: int) -> Live | None:
        """Return the versions that were created or changed stage after `moment`, and maybe more.

        `moment` is an earlier `updated` of the model. The result has nothing that belongs to the
        model itself. Return None where one request does not tell.
        """
        ...

    def facts(self, model: str, version: int, identity: Identity) -> Facts:
        """Return the facts that the tracking server has about a version.

        Does not raise `RegistryError`: `missing` names each part that could not be read.
        """
        ...

    def runs(self, run_ids: Collection[str]) -> Mapping[str, Facts]:
        """Return what the tracking server has about runs, by id, with few requests.

        Without what a version has besides its run: a logged model's metrics and the signature. A
        run that a search does not find is left out, as are all of a server that cannot search.
        """
        ...

    def logged_runs(self) -> LoggedRuns:
        """Return the runs of the tracking server; sends no request before one is asked for."""
        ...

    def artifacts(self, model: str, version: int) -> Artifacts:
        """Return the files of a version; sends no request before they are asked for."""
        ...

    def known_user(self) -> str | None:
        """Return the registry's own name for the user, None where it does not tell one."""
        ...

    def access(self, models: Collection[str]) -> UserAccess:
        """Return what the user may do to these models."""
        ...

    def set_stage(self, model: str, version: int, stage: str) -> Placed:
        """Move a version to a stage without archiving others; return its stage afterwards."""
        ...

    def set_alias(self, model: str, alias: str, version: int) -> None:
        """Point an alias at a version in one request, so that the alias always exists."""
        ...

    def delete_alias(self, model: str, alias: str) -> None:
        """Remove an alias; an absent one is not an error."""
        ...

    def set_tag(self, model: str, version: int | None, key: str, value: str) -> None:
        """Set a tag of the model (`version` None) or of a version."""
        ...

    def delete_tag(self, model: str, version: int | None, key: str) -> None:
        """Remove a tag of the model (`version` None) or of a version; absent is not an error."""
        ...

    def set_description(self, model: str, version: int | None, text: str) -> None:
        """Set the description of the model (`version` None) or of a version; "" clears it."""
        ...
