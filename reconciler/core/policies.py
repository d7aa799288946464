"""A policy: the transitions it covers, what it requires, and whether it denies."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from reconciler.core.violations import Enforce


@dataclass(frozen=True, slots=True)
class On:
    """The transitions that a policy covers: into one of the stages, or to one of the aliases.

    With `serving`, to where a version of the model starts to serve instead. `models` are globs for
    model names, case-sensitive.
    """

    stages: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    models: tuple[str, ...] = ("*",)
    serving: bool = False


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition in CEL, as text."""

    source: str


@dataclass(frozen=True, slots=True)
class Transitions:
    """A version enters an active stage only from the stage before it in `order`."""

    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Soak:
    """A version was in the stage it leaves for at least this long."""

    at_least: timedelta


@dataclass(frozen=True, slots=True)
class WeeklyFreeze:
    """Closed every week from one weekday and time to another, in a time zone.

    `start` and `end` are a weekday (0 is Monday) and minutes since midnight on the wall clock of
    `zone`, an IANA name.
    """

    start: tuple[int, int]
    end: tuple[int, int]
    zone: str


@dataclass(frozen=True, slots=True)
class DatedFreeze:
    """Closed once from `start` to `end`: naive wall-clock times in `zone`, an IANA name."""

    start: datetime
    end: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """Names that must have a non-empty value: `params.X`, `tags.X` or `run.tags.X`."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SignatureRule:
    """A signature is `required`, or must also be `compatible` with the incumbent's."""

    level: Literal["required", "compatible"]


@dataclass(frozen=True, slots=True)
class DigestRule:
    """A version's entry declares the digest of its files, with which plan and apply compare."""


@dataclass(frozen=True, slots=True)
class SemverRule:
    """A version's entry declares a semantic version, which rises as its signature needs it to."""


@dataclass(frozen=True, slots=True)
class InventoryRule:
    """A model's file declares a complete `inventory`, and the day of its review has not passed."""


MAX_APPROVALS: Final = 20


@dataclass(frozen=True, slots=True)
class Approvals:
    """At least this many people approved, as the forge confirms; authors do not count."""

    at_least: int


BuiltinRule: TypeAlias = (
    Transitions
    | Soak
    | WeeklyFreeze
    | DatedFreeze
    | Lineage
    | SignatureRule
    | DigestRule
    | SemverRule
    | InventoryRule
    | Approvals
)
Requirement: TypeAlias = Expression | BuiltinRule


@dataclass(frozen=True, slots=True)
class Policy:
    """One rule of `policies:`; two are equal when they require the same, whatever their lines.

    `message` is the user's own hint; `line` is its line in the file, from 1.
    """

    name: str
    on: On
    requires: Requirement
    enforce: Enforce = "deny"
    message: str | None = None
    line: int | None = field(default=None, compare=False)
