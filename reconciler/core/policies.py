"""What a policy is: when it is asked, what it requires, and whether it denies."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from reconciler.core.violations import Enforce


@dataclass(frozen=True, slots=True)
class On:
    """The moves that a policy is asked about: into one of the stages, or onto one of the aliases.

    `models` are globs for the models' names; case counts.
    """

    stages: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    models: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition in CEL, as it is written."""

    source: str


@dataclass(frozen=True, slots=True)
class Transitions:
    """An active stage is entered from the one before it in `order` only."""

    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Soak:
    """A version stayed in the stage before for at least so long."""

    at_least: timedelta


@dataclass(frozen=True, slots=True)
class WeeklyFreeze:
    """Closed from a weekday and time to another, every week, in a time zone.

    Weekdays count from 0, Monday; minutes from midnight on the wall clock of `zone`, an IANA name.
    """

    start: tuple[int, int]
    end: tuple[int, int]
    zone: str


@dataclass(frozen=True, slots=True)
class DatedFreeze:
    """Closed from one moment to another on the wall clock of a time zone; both without a zone."""

    start: datetime
    end: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """Names that must have a value that is not empty: `params.X`, `tags.X` or `run.tags.X`."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SignatureRule:
    """A signature is `required`, or must also be `compatible` with the incumbent's."""

    level: Literal["required", "compatible"]


MAX_APPROVALS: Final = 20


@dataclass(frozen=True, slots=True)
class Approvals:
    """So many people whom the forge vouches for approved; who wrote the change does not count."""

    at_least: int


Requirement: TypeAlias = (
    Expression
    | Transitions
    | Soak
    | WeeklyFreeze
    | DatedFreeze
    | Lineage
    | SignatureRule
    | Approvals
)


@dataclass(frozen=True, slots=True)
class Policy:
    """One rule of `policies:`; equal when it asks the same, wherever it stands.

    `message` is the user's own sentence on what to do; `line` is where it is in the file.
    """

    name: str
    on: On
    requires: Requirement
    enforce: Enforce = "deny"
    message: str | None = None
    line: int | None = field(default=None, compare=False)
