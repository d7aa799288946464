"""What a watch remembers, as lines: all of it comes back, and a broken line hides no other."""

import json
import math
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.policy.watching.looks import Measurement, WatchMemory
from reconciler.policy.watching.memory_lines import (
    NewerFormatError,
    in_note,
    memory_in,
    memory_lines,
)
from reconciler.policy.watching.merging import merged
from tests.support.plans.watch_values import LOOK, MEASURED, NOON, PROPOSED

_SILENT = Measurement(why="the query has no `é`\nvalue")


def again(memory: WatchMemory) -> WatchMemory:
    """Return a memory after it was written down and read."""
    return memory_in(in_note(memory_lines(memory)).removesuffix("\n").split("\n"))


def test_a_memory_is_read_as_it_was_written_oldest_first() -> None:
    late = replace(LOOK, time=NOON + timedelta(microseconds=1))
    unknown = replace(
        late, measurement=_SILENT, baseline=None, is_usable=False, outcome="unknown", why="none: é"
    )
    other = replace(unknown, model="churn\u2028", measurement=replace(_SILENT, value=math.inf))

    found = again(WatchMemory((unknown, other, LOOK), (PROPOSED,)))

    assert found == WatchMemory((LOOK, other, unknown), (PROPOSED,))


def test_what_is_not_a_number_is_remembered_as_json_that_others_can_read() -> None:
    (line,) = memory_lines(
        WatchMemory((replace(LOOK, measurement=replace(MEASURED, value=math.nan)),))
    )
    (found,) = again(memory_in([line])).looks

    assert json.loads(line, parse_constant=pytest.fail)["value"] == "nan"
    assert found.measurement.value is not None
    assert math.isnan(found.measurement.value)


@pytest.mark.parametrize(
    "broken",
    [
        "{",
        "[1]",
        "looks good to me",
        "[" * 100_000,
        '{"kind":"look","time":"2026-11-30T12:00:00.000000Z"}',
        '{"kind":"proposed","time":"2026-11-30T12:00:00.000000Z","number":"7"}',
        '{"kind":"something new"}',
    ],
)
def test_a_line_that_cannot_be_read_is_counted_and_hides_no_other(broken: str) -> None:
    lines = in_note(memory_lines(WatchMemory((LOOK,), (PROPOSED,)))).splitlines()

    assert memory_in([broken, *lines, broken]) == WatchMemory((LOOK,), (PROPOSED,), 2)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", True),
        ("version", "3"),
        ("outcome", "well"),
        ("time", "noon"),
        ("time", "2026-11-30T12:00:00+01:00"),
        ("value", "many"),
        ("baseline", [1]),
        ("model", None),
    ],
)
def test_a_look_with_a_wrong_value_is_not_taken_for_one(key: str, value: object) -> None:
    (line,) = memory_lines(WatchMemory((LOOK,)))

    assert memory_in([json.dumps({**json.loads(line), key: value})]) == WatchMemory(unreadable=1)


def test_a_key_of_a_later_release_is_ignored_and_its_next_format_refused() -> None:
    (line,) = memory_lines(WatchMemory((LOOK,)))

    assert memory_in([json.dumps({**json.loads(line), "later": {}})]) == WatchMemory((LOOK,))
    with pytest.raises(NewerFormatError, match="2"):
        memory_in(['{"format_version": "2"}', line])


def test_two_memories_become_one_and_each_look_is_there_once() -> None:
    later = replace(LOOK, time=NOON + timedelta(minutes=5))
    other = replace(LOOK, model="churn", time=NOON + timedelta(minutes=1))
    one, two = WatchMemory((LOOK, later)), WatchMemory((other, LOOK), (PROPOSED,))

    assert merged(one, two) == WatchMemory((LOOK, other, later), (PROPOSED,))
    assert merged(two, one) == merged(one, two)
    assert merged(one, one) == one
    passing = WatchMemory((replace(LOOK, outcome="passing"),), unreadable=1)
    assert merged(passing, one) == WatchMemory((*passing.looks, later), unreadable=1)
    assert merged(one, passing) == replace(one, unreadable=1)
