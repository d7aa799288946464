"""A moment as somebody types it: a date, a time of day, or how long ago."""

from datetime import date, datetime, timedelta, timezone

import pytest

from reconciler.audit.dates import as_moment, parse_moment
from reconciler.errors import UsageError

_NOW = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
_UTC = timezone.utc


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=_UTC), "2026-01-31T23:59:59.999999+00:00"),
        ("today", datetime(2026, 2, 28, tzinfo=_UTC), "2026-02-28T23:59:59.999999+00:00"),
        ("Yesterday ", datetime(2026, 2, 27, tzinfo=_UTC), "2026-02-27T23:59:59.999999+00:00"),
    ],
)
def test_a_day_is_all_of_it_in_utc(text: str, first: datetime, last: str) -> None:
    assert parse_moment(text, is_end=False, now=_NOW) == first
    assert parse_moment(text, is_end=True, now=_NOW).isoformat() == last


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("now", timedelta()),
        ("2w", timedelta(weeks=2)),
        ("1d12h", timedelta(hours=36)),
        ("36 hours", timedelta(hours=36)),
        ("3 days ago", timedelta(days=3)),
        ("1 week 2 days ago", timedelta(days=9)),
        ("90 Minutes Ago", timedelta(minutes=90)),
        ("15min", timedelta(minutes=15)),
    ],
)
@pytest.mark.parametrize("is_end", [True, False])
def test_how_long_ago_is_a_moment_and_not_a_day(text: str, ago: timedelta, *, is_end: bool) -> None:
    assert parse_moment(text, is_end=is_end, now=_NOW) == _NOW - ago


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-01-31T17:00", "2026-01-31T17:00:00+00:00"),
        ("2026-01-31T17:00+01:00", "2026-01-31T16:00:00+00:00"),
        ("2026-01-31T17:00:00Z", "2026-01-31T17:00:00+00:00"),
    ],
)
def test_a_time_of_day_is_utc_unless_it_says_otherwise(text: str, shown: str) -> None:
    assert parse_moment(text, is_end=True, now=_NOW).isoformat() == shown


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2 months", "2026-02-30", "w", "0d", "11y", "9999w", "ago", "-2w"]
)
def test_what_is_no_date_is_told_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_moment(text, is_end=False, now=_NOW)
    assert "`yesterday`" in (caught.value.hint or "")
    assert "`2w`" in (caught.value.hint or "")


def test_a_program_hands_in_dates_and_moments() -> None:
    for value in (date(2026, 1, 31), "2026-01-31", datetime(2026, 1, 31, tzinfo=_UTC)):
        moment = as_moment(value, is_end=False, now=_NOW)
        assert moment == datetime(2026, 1, 31, tzinfo=_UTC)
    assert as_moment(None, is_end=False, now=_NOW) is None
    for wrong in (5, datetime(2026, 1, 31)):  # noqa: DTZ001  what is refused
        with pytest.raises(UsageError):
            as_moment(wrong, is_end=False, now=_NOW)  # type: ignore[arg-type]
