"""The lanes of a model's timeline: the versions that each of its names had, over time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias, get_args

from reconciler.audit.apply_record import ApplyRecord
from reconciler.audit.evidence import Entry

SpanKind: TypeAlias = Literal[
    "applied", "merged", "undeclared", "by hand", "pending", "never applied"
]
SPAN_KINDS: Final[tuple[SpanKind, ...]] = get_args(SpanKind)


@dataclass(frozen=True, slots=True)
class LaneSpan:
    """One version under one name, from `start` to `end`.

    `start` is None where nothing tells when it began, `end` where it has not ended as far as is
    known. The kinds that were live:

    `applied` begins with the first recorded write or apply; `was_there` means that this apply found
    it there already, so that it may have begun earlier. `merged` begins with the merge, because no
    record tells when it was applied. `undeclared` was declared before and stayed when git dropped
    it. `by hand` is what git did not declare: it was put there at some time after `start`, and was
    there at `end`; `found` is the apply that found it, None for what is live now, and then `end` is
    None too. What it displaced is not cut, because nobody knows when that was.

    The others never were: `pending` is merged and not applied yet; `never applied` was replaced by
    a later merge before it was. `version` is None where a name was to be taken away, or was by
    hand.

    `entry` is the merged change that declared the version, or dropped it; None by hand. What an
    apply of a commit off the main line brought is `applied` without an entry, and `found` is that
    apply. `consents` are those that the apply at `start` used. A span that was live until the
    reading, and was not found then, ends with the reading.
    """

    version: int | None
    start: datetime | None
    end: datetime | None
    kind: SpanKind
    entry: Entry | None = None
    found: ApplyRecord | None = None
    was_there: bool = False
    consents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lane:
    """The spans of one name, in order of time; `name` is a stage or `@ALIAS`."""

    name: str
    spans: tuple[LaneSpan, ...]
