"""Lengths of time are read as people write them, and said so that they can be written again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.durations import in_words, parse_duration
from reconciler.core.parse_error import ParseError


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        ("90m", timedelta(minutes=90)),
        ("45s", timedelta(seconds=45)),
        ("2w", timedelta(weeks=2)),
        ("1d12h", timedelta(days=1, hours=12)),
        (" 1 d 12 h ", timedelta(days=1, hours=12)),
        ("1w2d3h4m5s", timedelta(weeks=1, days=2, hours=3, minutes=4, seconds=5)),
    ],
)
def test_a_length_of_time_is_read_as_written(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "not a duration"),
        ("24", "not a duration"),
        ("h", "not a duration"),
        ("1M", "not a duration"),
        ("12h1d", "not a duration"),
        ("1h1h", "not a duration"),
        ("-1h", "not a duration"),
        ("1.5h", "not a duration"),
        ("٣h", "not a duration"),
        ("0h", "is zero"),
        ("11000d", "longer than ten years"),
        ("999999999w", "longer than ten years"),
    ],
)
def test_what_is_no_length_of_time_is_refused_with_what_to_write(text: str, rule: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_duration(text)
    assert rule in caught.value.rule
    assert f"`{text}`" in caught.value.rule
    assert caught.value.hint


@given(st.integers(1, 3_000 * 86_400))
def test_a_length_of_time_that_is_said_reads_as_the_same(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse_duration(in_words(duration)) == duration


@given(st.integers(0, 3_000 * 86_400), st.integers(1, 4))
def test_what_is_cut_from_a_length_of_time_never_makes_it_longer(seconds: int, parts: int) -> None:
    said = in_words(timedelta(seconds=seconds), parts=parts)
    assert len(said.split()) <= 2 * parts
    assert said == "0 s" or parse_duration(said) <= timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("duration", "said"),
    [
        (timedelta(days=2, hours=3), "2 d 3 h"),
        (timedelta(hours=24), "24 h"),
        (timedelta(hours=48), "2 d"),
        (timedelta(hours=23, minutes=59, seconds=59), "23 h 59 m"),
        (timedelta(seconds=0.9), "0 s"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_a_message_says_a_length_of_time_in_two_units(duration: timedelta, said: str) -> None:
    assert in_words(duration, parts=2) == said
