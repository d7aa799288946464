"""What `reconciler.yaml` says: registry, exclusive and serving stages, guards, policies."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from reconciler.policies import Policy
from reconciler.state import Field, Fields, Value, aliases, stages


@dataclass(frozen=True, slots=True)
class RegistryPin:
    """The registry a state folder belongs to: equivalent URIs, and the name it goes by."""

    uris: tuple[str, ...]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Serving:
    """What "serving" means: a version in `stage`, or the one that `alias` names."""

    stage: str | None = "Production"
    alias: str | None = None

    def versions(self, fields: Fields) -> frozenset[int]:
        """Return the serving versions of a model in that state."""
        if self.alias is not None:
            version = aliases(fields).get(self.alias)
            return frozenset() if version is None else frozenset({version})
        return frozenset(v for v, stage in stages(fields).items() if stage == self.stage)

    def __str__(self) -> str:
        return f"@{self.alias}" if self.alias is not None else str(self.stage)


@dataclass(frozen=True, slots=True)
class Ignore:
    """Globs for what is never read, imported, compared or removed; case counts."""

    models: tuple[str, ...] = ()
    tags: tuple[str, ...] = ("mlflow.*", "reconciler.*")
    aliases: tuple[str, ...] = ()

    def model(self, name: str) -> bool:
        """Say whether a model is none of our business."""
        return any(fnmatchcase(name, glob) for glob in self.models)

    def field(self, address: Field) -> bool:
        """Say whether a tag or an alias is none of our business."""
        globs = {"tag": self.tags, "alias": self.aliases}.get(address.name, ())
        return any(fnmatchcase(address.key or "", glob) for glob in globs)

    def without(self, fields: Fields) -> Mapping[Field, Value]:
        """Return `fields` less what is ignored."""
        return {address: value for address, value in fields.items() if not self.field(address)}


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings of a state folder; the defaults are those of a folder without the file."""

    registry: RegistryPin | None = None
    branch: str | None = None
    exclusive: tuple[str, ...] = ("Production",)
    serving: Serving = Serving()
    guarded_aliases: tuple[str, ...] = ("champion",)
    ignore: Ignore = Ignore()
    policies: tuple[Policy, ...] = ()
