"""A freeze window is closed by the wall clock of its zone, also when that clock is changed."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.parse_error import ParseError
from reconciler.core.policies import DatedFreeze, WeeklyFreeze
from reconciler.policy.freeze_windows import closed, freeze_text, frozen_until, parse_freeze

UTC = timezone.utc
BERLIN = "Europe/Berlin"
Window = tuple[datetime, datetime]
MINUTE = timedelta(minutes=1)
WEEK = timedelta(weeks=1)

# Where the clock goes forward or back, by an hour or half of one, at night or at midnight.
CHANGES = [
    (BERLIN, date(2026, 10, 25)),
    (BERLIN, date(2027, 3, 28)),
    ("America/Havana", date(2026, 11, 1)),
    ("America/Havana", date(2026, 3, 8)),
    ("Africa/Cairo", date(2025, 10, 31)),
    ("Africa/Cairo", date(2025, 4, 25)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("UTC", date(2026, 11, 1)),
]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize(
    ("text", "freeze"),
    [
        ("Fri 16:00 - Mon 08:00 Europe/Berlin", WeeklyFreeze((4, 960), (0, 480), BERLIN)),
        ("friday 16:00 – MONDAY 8:00 Europe/Berlin", WeeklyFreeze((4, 960), (0, 480), BERLIN)),
        ("Sat - Sun Europe/Berlin", WeeklyFreeze((5, 0), (0, 0), BERLIN)),
        ("Sat-Sun UTC", WeeklyFreeze((5, 0), (0, 0), "UTC")),
        ("Sat 00:00 - Sun 24:00 UTC", WeeklyFreeze((5, 0), (0, 0), "UTC")),
        ("Wed - Wed UTC", WeeklyFreeze((2, 0), (3, 0), "UTC")),
        ("Fri 16:00 - Fri 20:00 UTC", WeeklyFreeze((4, 960), (4, 1200), "UTC")),
        ("Fri 16:00 - Sun UTC", WeeklyFreeze((4, 960), (0, 0), "UTC")),
        (
            "2026-12-20 - 2027-01-03 Europe/Berlin",
            DatedFreeze(datetime(2026, 12, 20), datetime(2027, 1, 4), BERLIN),  # noqa: DTZ001  a wall clock's
        ),
        (
            " 2026-12-20 12:00 - 2027-01-03T08:00 Europe/Berlin ",
            DatedFreeze(datetime(2026, 12, 20, 12), datetime(2027, 1, 3, 8), BERLIN),  # noqa: DTZ001  a wall clock's
        ),
    ],
)
def test_a_window_is_read_from_one_line(text: str, freeze: WeeklyFreeze | DatedFreeze) -> None:
    assert parse_freeze(text) == freeze


@pytest.mark.parametrize(
    ("text", "rule", "hint"),
    [
        ("", "not a freeze window", "Fri 16:00 - Mon 08:00 Europe/Berlin"),
        ("weekends", "not a freeze window", "Fri 16:00 - Mon 08:00 Europe/Berlin"),
        ("Fri 4pm - Mon 8am UTC", "not a freeze window", "Fri 16:00 - Mon 08:00 Europe/Berlin"),
        ("Fri - 2026-01-01 UTC", "not a freeze window", "every week"),
        ("Fri 16:00 - Mon 08:00", "needs its time zone", "Europe/Berlin"),
        ("Sat - Sun", "needs its time zone", "Europe/Berlin"),
        ("Fri 16:00 - Mon 08:00 Europe/Berln", "`Europe/Berln` is not", "`Europe/Berlin`?"),
        ("Fri 16:00 - Mon 08:00 berlin", "`berlin` is not a time zone", "`Europe/Berlin`?"),
        ("Fri 16:00 - Mon 08:00 Europe", "`Europe` is not a time zone", "did you mean"),
        ("Fri 16:00 - Mon 08:00 ../etc/passwd", "is not a time zone", "Europe/Berlin"),
        ("Fri 16:00 - Mon 08:00 localtime", "`localtime` is not a time zone", "IANA"),
        ("Fri 16:00 - Mon 08:00 posix/Europe/Berlin", "is not a time zone", "`Europe/Berlin`?"),
        ("Fri 16:00 - Mon 08:00 +02:00", "`+02:00` is not a time zone", "Europe/Berlin"),
        ("Fry 16:00 - Mon 08:00 UTC", "`Fry` is not a weekday", "did you mean `Fri"),
        ("Xyz - Mon UTC", "`Xyz` is not a weekday", "Mon, Tue, Wed"),
        ("Fri 25:00 - Mon UTC", "`25:00` is not a time of day", "08:00"),
        ("Fri 24:01 - Mon UTC", "`24:01` is not a time of day", "08:00"),
        ("Fri 16:60 - Mon UTC", "`16:60` is not a time of day", "08:00"),
        ("Fri 16:00 - Fri 16:00 UTC", "same time of the week", "hold"),
        ("Mon - Sun UTC", "same time of the week", "hold"),
        ("2027-01-03 - 2026-12-20 UTC", "ends before it begins", "earlier"),
        ("2026-12-20 09:00 - 2026-12-20 09:00 UTC", "ends before it begins", "earlier"),
        ("2026-02-30 - 2026-03-01 UTC", "`2026-02-30` is not a date", "YYYY-MM-DD"),
    ],
)
def test_what_is_no_window_is_refused_with_what_to_write(text: str, rule: str, hint: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_freeze(text)
    assert rule in caught.value.rule
    assert hint in caught.value.hint


minutes_of_day = st.integers(0, 1439)
moments = st.tuples(st.integers(0, 6), minutes_of_day)
zones = st.sampled_from(sorted({zone for zone, _ in CHANGES}))
weekly = st.tuples(moments, moments, zones).filter(lambda w: w[0] != w[1])
dates = st.datetimes(at("2000-01-01"), at("2999-12-30")).map(
    lambda moment: moment.replace(second=0, microsecond=0)
)
dated = st.tuples(dates, dates, zones).filter(lambda d: d[0] < d[1])


@given(
    st.one_of(weekly.map(lambda w: WeeklyFreeze(*w)), dated.map(lambda d: DatedFreeze(*d))),
)
def test_a_window_that_is_said_reads_as_the_same(freeze: WeeklyFreeze | DatedFreeze) -> None:
    assert parse_freeze(freeze_text(freeze)) == freeze


@pytest.mark.parametrize(
    "text",
    [
        "Fri 16:00 - Mon 08:00 Europe/Berlin",
        "Sat - Sun Europe/Berlin",
        "2026-12-20 - 2027-01-03 Europe/Berlin",
        "2026-12-20 12:00 - 2027-01-03 08:00 Europe/Berlin",
    ],
)
def test_a_window_is_said_as_it_was_written(text: str) -> None:
    assert freeze_text(parse_freeze(text)) == text


# ---------------------------------------------------------------- judging


@pytest.mark.parametrize(
    ("window", "now", "opening"),
    [
        ("Fri 16:00 - Mon 08:00 Europe/Berlin", "2026-11-20T14:59+00:00", None),
        (
            "Fri 16:00 - Mon 08:00 Europe/Berlin",
            "2026-11-20T15:00+00:00",
            "2026-11-23T08:00+01:00",
        ),
        (
            "Fri 16:00 - Mon 08:00 Europe/Berlin",
            "2026-11-23T06:59+00:00",
            "2026-11-23T08:00+01:00",
        ),
        ("Fri 16:00 - Mon 08:00 Europe/Berlin", "2026-11-23T07:00+00:00", None),
        # Friday evening before the clock goes back, and before it goes forward
        (
            "Fri 16:00 - Mon 08:00 Europe/Berlin",
            "2026-10-23T18:00+00:00",
            "2026-10-26T08:00+01:00",
        ),
        (
            "Fri 16:00 - Mon 08:00 Europe/Berlin",
            "2027-03-26T18:00+00:00",
            "2027-03-29T08:00+02:00",
        ),
        # the end is shown twice, and never
        ("Sat - Sun 02:30 Europe/Berlin", "2026-10-25T00:45+00:00", "2026-10-25T02:30+01:00"),
        ("Sat - Sun 02:30 Europe/Berlin", "2027-03-28T01:15+00:00", "2027-03-28T03:30+02:00"),
        # the start is shown twice, and never
        ("Sun 02:30 - Sun 12:00 Europe/Berlin", "2026-10-25T01:15+00:00", "2026-10-25T12:00+01:00"),
        ("Sun 02:30 - Sun 12:00 Europe/Berlin", "2027-03-28T01:00+00:00", "2027-03-28T12:00+02:00"),
        ("Sun 02:30 - Sun 12:00 Europe/Berlin", "2027-03-28T00:59+00:00", None),
        # the clock jumps over the hour in which it would have been open
        (
            "Sun 03:00 - Sun 02:30 Europe/Berlin",
            "2027-03-27T12:00+00:00",
            "2027-04-04T02:30+02:00",
        ),
        ("Sat - Sun Europe/Berlin", "2026-11-22T22:59+00:00", "2026-11-23T00:00+01:00"),
        (
            "2026-12-20 - 2027-01-03 Europe/Berlin",
            "2027-01-03T22:59+00:00",
            "2027-01-04T00:00+01:00",
        ),
        ("2026-12-20 - 2027-01-03 Europe/Berlin", "2027-01-03T23:00+00:00", None),
        ("2026-12-20 - 2027-01-03 Europe/Berlin", "2026-12-19T22:59+00:00", None),
        (
            "2026-10-24 - 2026-10-25 02:30 Europe/Berlin",
            "2026-10-25T00:45+00:00",
            "2026-10-25T02:30+01:00",
        ),
    ],
)
def test_a_closed_window_tells_its_opening(window: str, now: str, opening: str | None) -> None:
    found = closed(parse_freeze(window), at(now))
    assert utc(found) == utc(at(opening) if opening else None)
    assert found is None or found.utcoffset() == at(opening or now).utcoffset()


@lru_cache
def walk(zone: str, change: date) -> dict[datetime, list[datetime]]:
    """Return what the wall clock shows in the three weeks around a change, minute by minute."""
    clock = ZoneInfo(zone)
    now = datetime.combine(change, time(), UTC) - 2 * WEEK
    shown: dict[datetime, list[datetime]] = {}
    for _ in range(4 * 7 * 24 * 60):
        shown.setdefault(now.astimezone(clock).replace(tzinfo=None), []).append(now)
        now += MINUTE
    return shown


Spans = list[tuple[datetime, datetime]]


def closed_spans(shown: dict[datetime, list[datetime]], windows: Iterable[Window]) -> Spans:
    """Return from when to when it is closed, as a person tells who watched that clock."""
    found: Spans = []
    for window in windows:
        start = next(wall for wall in minutes_from(window[0], MINUTE) if wall in shown)
        end = next(wall for wall in minutes_from(window[1], -MINUTE) if wall in shown)
        opening = shown[end][-1] + (window[1] - end)
        if found and shown[start][0] <= found[-1][1]:
            found[-1] = found[-1][0], max(opening, found[-1][1])
        else:
            found.append((shown[start][0], opening))
    return found


def minutes_from(moment: datetime, step: timedelta) -> Iterator[datetime]:
    while True:
        yield moment
        moment += step


def weekly_windows(freeze: WeeklyFreeze, change: date) -> Iterator[Window]:
    for days in range(-13, 8):
        day = change + timedelta(days=days)
        if day.weekday() == freeze.start[0]:
            start = datetime.combine(day, time()) + freeze.start[1] * MINUTE
            end = datetime.combine(day, time()) + freeze.end[1] * MINUTE
            while end <= start or end.weekday() != freeze.end[0]:
                end += timedelta(days=1)
            if end.date() < change + timedelta(days=13):
                yield start, end


def assert_as_walked(
    freeze: WeeklyFreeze | DatedFreeze, spans: Spans, midnight: datetime, near: timedelta
) -> None:
    edges = [edge for span in spans for edge in span if abs(edge - midnight) < near]
    moments = [midnight + hours * timedelta(hours=1) for hours in range(-30, 30)]
    for edge in edges:
        moments += [edge + minutes * MINUTE for minutes in (-60, -31, -30, -1, 0, 1, 29, 30, 60)]
    for now in moments:
        opening = next((end for start, end in spans if start <= now < end), None)
        assert utc(closed(freeze, now)) == opening, now


def utc(moment: datetime | None) -> datetime | None:
    # Python holds a time that a clock shows twice for unequal to any other zone's.
    return None if moment is None else moment.astimezone(UTC)


# times around which clocks change, and any other
odd_minutes = st.one_of(
    st.sampled_from([0, 30, 59, 60, 90, 120, 135, 150, 180, 1410]), minutes_of_day
)


@settings(max_examples=200)
@given(st.sampled_from(CHANGES), st.data())
def test_a_weekly_window_agrees_with_a_walk_over_every_minute(
    place: tuple[str, date], data: st.DataObject
) -> None:
    zone, change = place
    day = st.sampled_from([change.weekday(), (change.weekday() - 1) % 7, 0, 6])
    start, end = data.draw(
        st.lists(st.tuples(day, odd_minutes), min_size=2, max_size=2, unique=True)
    )
    freeze = WeeklyFreeze(start, end, zone)
    spans = closed_spans(walk(zone, change), weekly_windows(freeze, change))
    midnight = datetime.combine(change, time(), UTC)
    # Only where the walk knows every window that may be open: not at its ends.
    assert_as_walked(freeze, spans, midnight, 0.4 * WEEK)


@settings(max_examples=100)
@given(st.sampled_from(CHANGES), st.data())
def test_a_dated_window_agrees_with_a_walk_over_every_minute(
    place: tuple[str, date], data: st.DataObject
) -> None:
    zone, change = place
    midnight = datetime.combine(change, time())
    sides = st.builds(
        lambda day, minutes: midnight + timedelta(days=day, minutes=minutes),
        st.sampled_from([-1, 0]),
        odd_minutes,
    )
    start, end = sorted(data.draw(st.lists(sides, min_size=2, max_size=2, unique=True)))
    spans = closed_spans(walk(zone, change), [(start, end)])
    assert_as_walked(DatedFreeze(start, end, zone), spans, midnight.replace(tzinfo=UTC), WEEK)


# ---------------------------------------------------------------- saying


@pytest.mark.parametrize(
    ("window", "now", "said"),
    [
        (
            "Fri 16:00 - Mon 08:00 Europe/Berlin",
            "2026-11-21T09:00+00:00",
            (
                "frozen (Fri 16:00 - Mon 08:00 Europe/Berlin) "
                "until Mon 2026-11-23 08:00 CET (07:00 UTC)"
            ),
        ),
        (
            "Fri - Sun Asia/Tokyo",
            "2026-11-21T09:00+00:00",
            (
                "frozen (Fri - Sun Asia/Tokyo) "
                "until Mon 2026-11-23 00:00 JST (Sun 2026-11-22 15:00 UTC)"
            ),
        ),
        (
            "Fri 16:00 - Mon 08:00 UTC",
            "2026-11-21T09:00+00:00",
            "frozen (Fri 16:00 - Mon 08:00 UTC) until Mon 2026-11-23 08:00 UTC",
        ),
    ],
)
def test_a_frozen_window_says_when_it_opens_here_and_in_utc(
    window: str, now: str, said: str
) -> None:
    freeze = parse_freeze(window)
    opening = closed(freeze, at(now))
    assert opening is not None
    assert frozen_until(freeze, opening) == said
