"""A recorded series is CSV or JSON lines; what is wrong with it is told by line."""

from datetime import datetime, timezone

import pytest

from reconciler.errors import UsageError
from reconciler.files.recorded_series import parse_series
from reconciler.policy.watching.replay import RecordedRow

NINE = datetime(2026, 1, 31, 9, 0, tzinfo=timezone.utc)


def told(text: str) -> list[str]:
    with pytest.raises(UsageError) as wrong:
        parse_series(text, "errors.csv")
    assert {problem.file for problem in wrong.value.problems} == {"errors.csv"}
    return [f"{p.line or ''}: {p.message} ({p.hint})" for p in wrong.value.problems]


@pytest.mark.parametrize(
    "text",
    [
        "time,value,samples,version\n2026-01-31T09:00:00Z,0.02,400,4\n",
        "\ufeffvalue, time ,version,samples\r\n0.02,2026-01-31 09:00,4,4e2\r\n\r\n",
        "time,value,samples,version\n1769850000,0.02,400,4",
        'time,value,samples,version\n"2026-01-31T10:00:00+01:00","0.02",400,4\n',
        '{"time": "2026-01-31T09:00:00Z", "value": 0.02, "samples": 400, "version": 4}',
        '\n{"version": 4, "value": "0.02", "time": 1769850000.0, "samples": 400.0}\n\n',
    ],
)
def test_a_row_is_the_same_in_every_form(text: str) -> None:
    (row,) = parse_series(text, "errors.csv")
    assert (row.time, row.value, row.samples, row.version) == (NINE, 0.02, 400.0, 4)


@pytest.mark.parametrize("value", ["", " ", "NaN", "nan", "null", "None"])
def test_a_row_may_have_no_value(value: str) -> None:
    assert parse_series(f"time,value\n1769850000,{value}\n", "e") == (RecordedRow(NINE, None),)


def test_a_number_in_json_may_be_null_or_missing() -> None:
    text = '{"time": 1769850000, "value": null, "samples": null}\n{"time": 0, "value": NaN}\n'
    assert [row.value for row in parse_series(text, "e")] == [None, None]
    assert parse_series('{"time": 0, "value": Infinity}', "e")[0].value == float("inf")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", ": there are no rows (write `time,value` as the first line"),
        ("time,value\n", ": there are no rows"),
        ("time,vaule\n1,2\n", "1: there is no column `vaule` (did you mean `value`?)"),
        ("time,model\n1,2\n", "1: there is no column `model` (there are time, value, samples, v"),
        ("time,time,value\n1,2,3\n", "1: there are two columns `time` (take one out)"),
        ("1769850000,0.02\n", "1: there is no column `1769850000`"),
        ("time,samples\n1,2\n", "1: `value` is missing (write `time,value` as the first line"),
        ("time,value\n\n1,2,3\n", "3: the line has 3 cells, and the header 2"),
        ("time,value\nyesterday,2\n", "2: `yesterday` is not a time (write it like `2026-01-31T0"),
        ("time,value\n1e300,2\n", "2: `1e300` is not a time"),
        ("time,value\nnan,2\n", "2: `nan` is not a time"),
        ("time,value\n1,high\n", "2: `value` is `high`, and not a number"),
        ("time,value,version\n1,2,0\n", "2: `version` is 0, and not a whole number from 1"),
        ("time,value,version\n1,2,1.5\n", "2: `version` is 1.5, and not a whole number from 1"),
        ("time,value,version\n1,2,inf\n", "2: `version` is inf, and not a whole number from 1"),
        ('time,value\n1,"2\n', "2: the line is not CSV: unexpected end of data"),
        ('{"time": 1, "value": true}', "1: `value` is `true`, and not a number"),
        ('{"time": 1, "value": [1]}', "1: `value` is `[1]`, and not a number"),
        ('{"time": true, "value": 1}', "1: `true` is not a time"),
        ('{"time": 1}', "1: `value` is missing"),
        ('{"time": 1, "value": 1, "auc": 2}', "1: there is no column `auc`"),
        ('{"time": 1, "value": 1}\n[1]', "2: the line is not an object"),
        ('{"time": 1, "value": 1}\ntime', "2: the line is not JSON"),
        ('{"time": ' + "[" * 100_000, "1: the line is not JSON"),
        ('{"time": 1, "value": 1' + "0" * 5_000 + "}", "1: "),
    ],
)
def test_what_is_wrong_is_told_by_line(text: str, complaint: str) -> None:
    (found,) = told(text)
    assert found.startswith(complaint)


def test_all_that_is_wrong_is_told_at_once_up_to_fifty() -> None:
    assert len(told("time,value\n1,a\n1,2\n1,b\n")) == 2
    assert len(told("time,value\n" + "1,a\n" * 999)) == 50


def test_a_series_has_an_end() -> None:
    rows = "time,value\n" + "1,2\n" * 100_000
    assert len(parse_series(rows, "e")) == 100_000
    assert told(rows + "1,2\n") == ["100002: the series has more than 100,000 rows (cut it)"]
