"""What `watch` remembers as lines of JSON, as a git note keeps it: a line for each look.

The first line says the format's version. Keys that are not known are ignored; a line that cannot be
read is counted, and hides no other.
"""

import json
import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from operator import attrgetter
from typing import Any, Final, get_args

from reconciler.policy.watching.looks import Look, LookOutcome, Measurement, Proposed, WatchMemory

FORMAT_VERSION: Final = "1"
_TIME: Final = "%Y-%m-%dT%H:%M:%S.%fZ"  # fixed width: sorting the texts sorts the times
_OUTCOMES: Final = get_args(LookOutcome)


class NewerFormatError(Exception):
    """The lines are of a format that a newer release wrote."""


def memory_lines(memory: WatchMemory) -> list[str]:
    """Return the memory as lines in the order of their time; `in_note` adds the first one."""
    rows = [*map(_look_row, memory.looks), *map(_proposed_row, memory.proposals)]
    return sorted(json.dumps(row, separators=(",", ":"), ensure_ascii=False) for row in rows)


def in_note(lines: Iterable[str]) -> str:
    """Return lines as the text of a note."""
    head = json.dumps({"format_version": FORMAT_VERSION})
    return "".join(f"{line}\n" for line in (head, *lines))


def memory_in(lines: Iterable[str]) -> WatchMemory:
    """Return the memory in lines; raises `NewerFormatError` where a newer release wrote them."""
    looks: list[Look] = []
    proposals: list[Proposed] = []
    unreadable = 0
    for line in lines:
        row = _row(line)
        version = row.get("format_version")
        if isinstance(version, str) and version != FORMAT_VERSION:
            raise NewerFormatError(version)
        if version is not None:
            continue
        try:
            if row.get("kind") == "proposed":
                proposals.append(_proposed(row))
            else:
                looks.append(_look(row))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            unreadable += 1
    return WatchMemory(
        tuple(sorted(looks, key=attrgetter("place"))),
        tuple(sorted(proposals, key=attrgetter("place"))),
        unreadable,
    )


def _row(line: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def _look_row(look: Look) -> Mapping[str, object]:
    measured = look.measurement
    row = {
        "time": _time_text(look.time),
        "kind": "look",
        "model": look.model,
        "rule": look.rule,
        "source": look.source,
        "version": look.version,
        "usable": look.is_usable or None,
        "outcome": look.outcome,
        "value": _number_row(measured.value),
        "samples": _number_row(measured.samples),
        "measured": None if measured.time is None else _time_text(measured.time),
        "measured_why": measured.why,
        "baseline": _number_row(look.baseline),
        "why": look.why,
    }
    return {key: value for key, value in row.items() if value is not None}


def _look(row: Mapping[str, Any]) -> Look:
    measured = row.get("measured")
    return Look(
        model=_text(row["model"]),
        rule=_text(row["rule"]),
        source=_text(row["source"]),
        version=_whole(row["version"]),
        time=_time(row["time"]),
        measurement=Measurement(
            value=_number(row.get("value")),
            samples=_number(row.get("samples")),
            time=None if measured is None else _time(measured),
            why=_optional(row.get("measured_why")),
        ),
        baseline=_number(row.get("baseline")),
        is_usable=row.get("usable") is True,
        outcome=_outcome(row["outcome"]),
        why=_optional(row.get("why")),
    )


def _proposed_row(proposed: Proposed) -> Mapping[str, object]:
    return {
        "time": _time_text(proposed.time),
        "kind": "proposed",
        "model": proposed.model,
        "version": proposed.version,
        "target": proposed.target,
        "branch": proposed.branch,
        "number": proposed.number,
        "url": proposed.url,
    }


def _proposed(row: Mapping[str, Any]) -> Proposed:
    return Proposed(
        model=_text(row["model"]),
        version=_whole(row["version"]),
        target=_whole(row["target"]),
        time=_time(row["time"]),
        branch=_text(row["branch"]),
        number=_whole(row["number"]),
        url=_text(row["url"]),
    )


def _time_text(time: datetime) -> str:
    return time.astimezone(timezone.utc).strftime(_TIME)


def _time(value: object) -> datetime:
    # `strptime` takes ten times as long, and a memory has thousands of times.
    time = datetime.fromisoformat(_text(value).removesuffix("Z"))
    if time.tzinfo is not None:
        raise ValueError(value)
    return time.replace(tzinfo=timezone.utc)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(value)
    return value


def _number_row(value: float | None) -> float | str | None:
    """Return a number as JSON has it, which knows no NaN and nothing infinite."""
    return value if value is None or math.isfinite(value) else str(float(value))


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, str) and value in ("nan", "inf", "-inf"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(value)
    return float(value)


def _outcome(value: object) -> LookOutcome:
    if value not in _OUTCOMES:
        raise ValueError(value)
    return value  # type: ignore[return-value]  # one of the literals
