"""The state of a model: the values that base, desired and live consist of.

A state is a flat mapping from `Field` to value. Base (what git declared before), desired (what it
declares now) and live (what the registry has) share it, so one loop compares any two.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, Literal, NamedTuple, TypeAlias

from reconciler.core.declaring.inventory import Inventory
from reconciler.core.declaring.watch import WatchRule

FieldName: TypeAlias = Literal["stage", "alias", "tag", "description"]
Stage: TypeAlias = Literal["None", "Staging", "Production", "Archived"]
Value: TypeAlias = str | int

STAGES: Final[tuple[Stage, ...]] = ("None", "Staging", "Production", "Archived")
ACTIVE_STAGES: Final[tuple[Stage, ...]] = ("Staging", "Production")

COMMIT_TAG: Final = "reconciler.commit"
OWNER_TAG: Final = "reconciler.owner"
PROMPT_TAG: Final = "mlflow.prompt.is_prompt"


class Field(NamedTuple):
    """The address of one value of a model.

    `version` is None for a value of the model itself: its tags, its description and every alias.
    `key` is a tag's key or an alias' name. The value of an alias is a version number (int), every
    other value is text.
    """

    name: FieldName
    version: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        return " ".join(
            part
            for part in (
                f"v{self.version}" if self.version is not None else "",
                "" if self.name == "alias" else self.name,
                f"@{self.key}" if self.name == "alias" else self.key or "",
            )
            if part
        )

    @property
    def sort_key(self) -> tuple[int, int, str]:
        """Order for reading: the model's own fields first, then by version."""
        order = ("stage", "alias", "description", "tag").index(self.name)
        return (self.version or 0, order, self.key or "")


Fields: TypeAlias = Mapping[Field, Value]


@dataclass(frozen=True, slots=True)
class Identity:
    """What distinguishes versions that had the same number; `created` is in ms since 1970."""

    run_id: str | None
    source: str | None
    created: int | None


@dataclass(frozen=True, slots=True)
class LiveVersion:
    """What the registry knows about a version besides its fields."""

    identity: Identity
    status: str = "READY"


@dataclass(frozen=True, slots=True)
class Live:
    """A registered model as the registry returned it.

    `fields` has every stage (also "None"), alias, tag and non-empty description. `commit` and
    `owner` are the raw texts of the reconciler's own two tags, which are not in `fields`.
    `unreadable` says why the versions cannot be listed; None when they can. `updated` changes with
    every stage change and with every new and deleted version; None where that is not certain.
    """

    model: str
    fields: Fields
    versions: Mapping[int, LiveVersion]
    commit: str | None = None
    owner: str | None = None
    is_prompt: bool = False
    unreadable: str | None = None
    updated: int | None = field(default=None, compare=False)

    @property
    def recorded(self) -> tuple[str, ...]:
        """The recorded commits, oldest first; with several the apply of the last is unfinished."""
        return tuple((self.commit or "").split())

    @property
    def unfinished(self) -> bool:
        """Return whether an apply of the last recorded commit began and was not completed."""
        return len(self.recorded) > 1


@dataclass(frozen=True, slots=True)
class DatedConsent:
    """Consent in a model's file: this model may violate the rule `guard` through `until`."""

    guard: str
    until: date
    reason: str


@dataclass(frozen=True, slots=True)
class Consumer:
    """A program that loads this model, as its file declares it.

    `loads` is `@ALIAS`, a stage or the number of a version, at `line` and `column`; `code` is where
    the program is, a URL or a path.
    """

    name: str
    loads: str
    owner: str | None = None
    code: str | None = None
    line: int | None = field(default=None, compare=False)
    column: int | None = field(default=None, compare=False)

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the other consumers of its model: its name and what it loads."""
        return self.name, self.loads


@dataclass(frozen=True, slots=True)
class DeclaredVersion:
    """The parts of a version's entry that are not fields: pins, block, line, traffic, semver.

    The pin `digest` is `sha256:` and 64 hex digits. The complete declaration has `traffic` (0 to 1)
    and `semver` (MAJOR.MINOR.PATCH) among its fields too, as tags.
    """

    run_id: str | None = None
    source: str | None = None
    digest: str | None = None
    blocked: str | None = None
    line: int | None = field(default=None, compare=False)
    traffic: Decimal | None = None
    semver: str | None = None

    @property
    def has_pin(self) -> bool:
        """Return whether anything tells this version from another one under its number."""
        return (self.run_id, self.source, self.digest) != (None, None, None)

    def is_another(self, other: "DeclaredVersion") -> bool:
        """Return whether two entries of one number pin different versions.

        A digest counts where no other pin does: other files can be approved for the same version.
        """
        pairs = [(self.run_id, other.run_id), (self.source, other.source)]
        pins = [pair for pair in pairs if None not in pair] or [(self.digest, other.digest)]
        return any(None not in pair and pair[0] != pair[1] for pair in pins)


@dataclass(frozen=True, slots=True)
class Serving:
    """What "serving" means: a version in `stage`, or the one that `alias` names."""

    stage: str | None = "Production"
    alias: str | None = None

    def versions(self, fields: Fields) -> frozenset[int]:
        """Return the serving versions among a model's fields."""
        if self.alias is not None:
            version = aliases(fields).get(self.alias)
            return frozenset() if version is None else frozenset({version})
        return frozenset(v for v, stage in stages(fields).items() if stage == self.stage)

    def __str__(self) -> str:
        return f"@{self.alias}" if self.alias is not None else str(self.stage)


@dataclass(frozen=True, slots=True)
class Declaration:
    """The declaration of one model, from one file; `serving` is None where the settings decide.

    Equality compares the meaning: file name, lines, comments and layout do not count, nor do
    `renamed_from`, the model's former name, the consumers, the inventory and the watch. `implied`
    are those of the fields that the file does not write, with the values that its keys and the
    settings give them: they count, because another value is removed later. `bridged` are the
    pairs of a stage and an alias that the settings make one.
    """

    model: str
    fields: Fields
    versions: Mapping[int, DeclaredVersion]
    retired: bool = False
    hold: str | None = None
    serving: Serving | None = None
    renamed_from: str | None = field(default=None, compare=False)
    accept: tuple[DatedConsent, ...] = field(default=(), compare=False)
    consumers: tuple[Consumer, ...] = field(default=(), compare=False)
    inventory: Inventory | None = field(default=None, compare=False)
    watch: tuple[WatchRule, ...] = field(default=(), compare=False)
    implied: Fields = field(default_factory=dict)
    bridged: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    file: str = field(default="", compare=False)
    line: int | None = field(default=None, compare=False)

    @property
    def digests(self) -> Mapping[int, str]:
        """The digest of each version that has one."""
        return {
            number: entry.digest
            for number, entry in self.versions.items()
            if entry.digest is not None
        }


def stages(fields: Fields) -> dict[int, str]:
    """Return the stage of every version that has one in `fields`."""
    return {
        address.version: str(value)
        for address, value in fields.items()
        if address.name == "stage" and address.version is not None
    }


def aliases(fields: Fields) -> dict[str, int]:
    """Return the version of every alias in `fields`."""
    return {
        address.key: int(value)
        for address, value in fields.items()
        if address.name == "alias" and address.key is not None
    }


def in_use(fields: Fields) -> frozenset[int]:
    """Return the versions in an active stage or under an alias."""
    active = {version for version, stage in stages(fields).items() if stage in ACTIVE_STAGES}
    return frozenset({*active, *aliases(fields).values()})


def occupants(fields: Fields, names: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Return the versions in each of these stages, sorted."""
    where = stages(fields)
    return {name: tuple(sorted(v for v, stage in where.items() if stage == name)) for name in names}


@dataclass(frozen=True, slots=True)
class Base:
    """What the recorded commits declared.

    `first` has the fields of the first commit, which decide the cause of a change. `ever` has
    every value that any commit declared, which decides removals. `entries` have what each commit
    declared for a version besides fields, and `consumers` the keys of all consumers. `later` are
    the declarations of the other commits, without ignored fields, whose applies did not finish.
    `implied` are the fields of `ever` that no commit's file wrote, and
    `bridged` the pairs of a stage and an alias that a commit's settings made one.
    """

    first: Fields = field(default_factory=dict)
    ever: Mapping[Field, frozenset[Value]] = field(default_factory=dict)
    consumers: frozenset[tuple[str, str]] = frozenset()
    entries: Mapping[int, tuple[DeclaredVersion, ...]] = field(default_factory=dict)
    later: tuple[Declaration, ...] = ()
    implied: frozenset[Field] = frozenset()
    bridged: tuple[tuple[str, str], ...] = ()

    @property
    def versions(self) -> AbstractSet[int]:
        """The versions that any commit named."""
        return self.entries.keys()


NO_BASE = Base()
