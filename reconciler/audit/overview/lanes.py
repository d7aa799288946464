"""Which version each name of a model had, over time: the lanes of its timeline."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from reconciler.audit.apply_record import ApplyRecord
from reconciler.audit.evidence import Entry

SpanKind: TypeAlias = Literal["applied", "merged", "pending", "never applied", "by hand"]


@dataclass(frozen=True, slots=True)
class LaneSpan:
    """One version under one name, from `start` to `end`; None is before and after what is known.

    `applied` begins with the first recorded apply, `merged` with the merge, because no record tells
    when it was applied. `pending` is merged and not applied yet, `never applied` was replaced by a
    later merge before it was. `by hand` is what git never declared: between `start` and `end`
    somebody put it there and it was still found at `end`; `found` is the apply that healed it, None
    for what is live now. `entry` is the merged change that declared the version, None by hand.
    """

    version: int | None
    start: datetime | None
    end: datetime | None
    kind: SpanKind
    entry: Entry | None = None
    found: ApplyRecord | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """The spans of one name, in order of time; `name` is a stage or `@ALIAS`."""

    name: str
    spans: tuple[LaneSpan, ...]
