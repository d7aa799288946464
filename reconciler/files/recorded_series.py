"""Reads a recorded series for a replay: CSV with a header, or a JSON object on each line."""

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from math import isnan
from typing import Final, NamedTuple

from reconciler.core.matching import nearest
from reconciler.errors import ExitCode, Problem, UsageError
from reconciler.files.schema.name_rules import quoted
from reconciler.policy.watching.replay import RecordedRow

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_COLUMNS: Final = ("time", "value", "samples", "version")
_NEEDED: Final = ("time", "value")
_MOST_ROWS: Final = 100_000
_MOST_PROBLEMS: Final = 50
_NO_VALUE: Final = ("", "null", "none")
_FORMS: Final = 'write `time,value` as the first line, or an object like `{"time": …, "value": …}`'
_TIME: Final = "write it like `2026-01-31T09:00:00Z`, or as seconds since 1970"


class _Wrong(NamedTuple):
    """What is wrong with a line, and what to do about it."""

    message: str
    hint: str | None = None


def parse_series(text: str, file: str) -> tuple[RecordedRow, ...]:
    """Return the rows of a recorded series; raises `UsageError` with all problems at once.

    Columns are `time` and `value`, and may be `samples` and `version`. A value that is empty or NaN
    is none. A time without a zone is in UTC.
    """
    rows: list[RecordedRow] = []
    problems: list[Problem] = []
    for line, cells in _lines(text.removeprefix("\ufeff")):
        found = cells if isinstance(cells, _Wrong) else _row(cells)
        if isinstance(found, _Wrong):
            wrong = Problem(found.message, ExitCode.USAGE, file, line, hint=found.hint)
            problems.append(wrong)
        else:
            rows.append(found)
        if len(problems) == _MOST_PROBLEMS:
            break
    if not rows and not problems:
        problems.append(Problem("there are no rows", ExitCode.USAGE, file, hint=_FORMS))
    if problems:
        raise UsageError(problems[0].message, hint=problems[0].hint, problems=problems)
    return tuple(rows)


def _lines(text: str) -> Iterator[tuple[int, Mapping[str, object] | _Wrong]]:
    """Yield the cells of each line by name, or what is wrong with it."""
    read = _json_lines(text) if text.lstrip().startswith("{") else _csv_lines(text)
    for count, (line, cells) in enumerate(read):
        if count == _MOST_ROWS:
            yield line, _Wrong(f"the series has more than {_MOST_ROWS:,} rows", "cut it")
            return
        yield line, cells


def _json_lines(text: str) -> Iterator[tuple[int, Mapping[str, object] | _Wrong]]:
    for line, content in enumerate(text.splitlines(), start=1):
        if content.strip():
            yield line, _object(content)


def _object(content: str) -> Mapping[str, object] | _Wrong:
    try:
        cells = json.loads(content)
    except (ValueError, RecursionError):
        return _Wrong("the line is not JSON", 'write an object like `{"time": …, "value": …}`')
    if not isinstance(cells, dict):
        return _Wrong("the line is not an object", 'write it like `{"time": …, "value": …}`')
    return _misnamed(list(cells)) or cells


def _csv_lines(text: str) -> Iterator[tuple[int, Mapping[str, object] | _Wrong]]:
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if header and (wrong := _misnamed(header)):
            yield 1, wrong
            return
        for cells in reader:
            if len(cells) == len(header):
                yield reader.line_num, dict(zip(header, cells, strict=True))
            elif cells:
                message = f"the line has {len(cells)} cells, and the header {len(header)}"
                yield reader.line_num, _Wrong(message)
    except csv.Error as error:
        yield reader.line_num, _Wrong(f"the line is not CSV: {error}")


def _misnamed(names: list[str]) -> _Wrong | None:
    for name in names:
        if name not in _COLUMNS:
            hint = nearest(name, _COLUMNS) or f"there are {', '.join(_COLUMNS)}"
            return _Wrong(f"there is no column {quoted(name)}", hint)
        if names.count(name) > 1:
            return _Wrong(f"there are two columns `{name}`", "take one out")
    missing = [name for name in _NEEDED if name not in names]
    return _Wrong(f"`{missing[0]}` is missing", _FORMS) if missing else None


def _row(cells: Mapping[str, object]) -> RecordedRow | _Wrong:
    time = _time(cells["time"])
    if time is None:
        return _Wrong(f"{_shown(cells['time'])} is not a time", _TIME)
    numbers: dict[str, float | None] = {}
    for name in ("value", "samples", "version"):
        number = _number(cells.get(name))
        if isinstance(number, str):
            return _Wrong(f"`{name}` is {number}, and not a number")
        numbers[name] = number
    version = numbers["version"]
    if version is not None and (version < 1 or version % 1):
        return _Wrong(f"`version` is {version:g}, and not a whole number from 1")
    whole = None if version is None else int(version)
    return RecordedRow(time, numbers["value"], numbers["samples"], whole)


def _time(cell: object) -> datetime | None:
    seconds = _float(cell)
    try:
        if seconds is not None:
            return _EPOCH + timedelta(seconds=seconds)
        time = datetime.fromisoformat(str(cell).strip().replace("Z", "+00:00"))
        return time.replace(tzinfo=time.tzinfo or timezone.utc).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def _number(cell: object) -> float | str | None:
    """Return the number of a cell, None where it has none, or the cell as it is shown."""
    if cell is None or (isinstance(cell, str) and cell.strip().lower() in _NO_VALUE):
        return None
    number = _float(cell)
    if number is None:
        return _shown(cell)
    return None if isnan(number) else number


def _float(cell: object) -> float | None:
    if isinstance(cell, bool) or not isinstance(cell, (str, int, float)):
        return None
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return None


def _shown(cell: object) -> str:
    return quoted(cell if isinstance(cell, str) else json.dumps(cell))
