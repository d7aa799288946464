"""What was measured of a version that serves, look by look, and what was proposed because of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

LookOutcome: TypeAlias = Literal["passing", "failing", "unknown"]
WatchVerdict: TypeAlias = Literal["healthy", "failed", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a source told; `value` is None, or NaN, where it told none, and `why` says why.

    `time` is when the value was measured, in UTC; None where the source does not tell.
    """

    value: float | None = None
    samples: float | None = None
    time: datetime | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One look by one rule at the version of a model that served.

    `source` identifies the rule's source and condition: another one begins anew. `time` is when it
    was looked, in UTC. `is_usable` is whether the value itself counts, also for the baseline of a
    later version. `outcome` is `unknown` where nothing can be said, and `why` says why.
    """

    model: str
    rule: str
    source: str
    version: int
    time: datetime
    measurement: Measurement
    baseline: float | None
    is_usable: bool
    outcome: LookOutcome
    why: str | None = None

    @property
    def place(self) -> tuple[datetime, str, str, str, int]:
        """What tells it from the other looks, in the order of time."""
        return self.time, self.model, self.rule, self.source, self.version


@dataclass(frozen=True, slots=True)
class Proposed:
    """A rollback that was proposed: away from `version`, to `target`.

    `number` and `url` are those of the pull request, `time` is when it was opened, in UTC.
    """

    model: str
    version: int
    target: int
    time: datetime
    branch: str
    number: int
    url: str

    @property
    def place(self) -> tuple[datetime, str, int]:
        """Where it stands among the other proposals, in the order of time."""
        return self.time, self.model, self.number


@dataclass(frozen=True, slots=True)
class WatchMemory:
    """What earlier looks saw and proposed, each oldest first.

    `unreadable` counts what was written down and cannot be read.
    """

    looks: tuple[Look, ...] = ()
    proposals: tuple[Proposed, ...] = ()
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """The verdict of one rule: `failing` of its last `looks` failed, and `why` is a sentence.

    `look` is the latest one.
    """

    rule: str
    verdict: WatchVerdict
    why: str
    failing: int
    looks: tuple[Look, ...]

    @property
    def look(self) -> Look:
        """The latest look."""
        return self.looks[-1]
