"""Reads one number of a JSON document, at a URL or in a file below the repository's root."""

import re
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

from reconciler.core.declaring.watch import JsonValue
from reconciler.policy.watching.looks import Measurement
from reconciler.transport.measurements.exchange import LARGEST, Exchange
from reconciler.transport.measurements.json_text import parse_json
from reconciler.transport.measurements.moments import of_iso, of_seconds
from reconciler.transport.measurements.unmeasured import Unmeasured
from reconciler.transport.measurements.watched_version import WatchedVersion

_INDEX: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


def read_json(
    source: JsonValue, watched: WatchedVersion, exchange: Exchange, root: Path
) -> Measurement:
    """Return the value in a document, how many samples it is made of, and when that was."""
    document = _document(source, watched, exchange, root)
    value = _number(document, source.value)
    time = None if source.time is None else _time(document, source.time)
    samples, why = None, None
    if source.samples is not None:
        try:
            samples = _number(document, source.samples)
        except Unmeasured as error:
            why = f"samples: {error.why}"
    return Measurement(value, samples, time, why)


def _document(source: JsonValue, watched: WatchedVersion, exchange: Exchange, root: Path) -> object:
    if "://" not in source.place:
        path = watched.in_path(source.place)
        return parse_json(_content(root, path), f"`{path}`")
    answer = exchange.ask(watched.in_url(source.place), exchange.token(source.token))
    if answer.status != HTTPStatus.OK:
        raise Unmeasured(f"{answer.where} answered {answer.status}")
    return parse_json(answer.body, f"the answer of {answer.where}")


def _content(root: Path, path: str) -> bytes:
    try:
        file = (root / path).resolve(strict=True)
        if not file.is_relative_to(root.resolve()):
            raise Unmeasured(f"`{path}` leads out of the repository")
        if not file.is_file():
            raise Unmeasured(f"`{path}` is not a file")
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except FileNotFoundError:
        raise Unmeasured(f"there is no file `{path}`") from None
    except (OSError, RuntimeError, ValueError) as error:
        # Python 3.12 tells of a link to itself by a RuntimeError, and of NUL by a ValueError.
        why = getattr(error, "strerror", None) or "no file can be there"
        raise Unmeasured(f"`{path}` cannot be read: {why.lower()}") from None
    if len(content) > LARGEST:
        raise Unmeasured(f"`{path}` has more than {LARGEST:,} bytes")
    return content


def _number(document: object, keys: str) -> float:
    value = _at(document, keys)
    # `true` is a number to Python only; a text that looks like one may have been cut off.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unmeasured(f"`{keys}` is {_kind(value)}, not a number")
    try:
        return float(value)
    except OverflowError:
        raise Unmeasured(f"`{keys}` is too large a number") from None


def _time(document: object, keys: str) -> datetime:
    value = _at(document, keys)
    if isinstance(value, str):
        return of_iso(value)
    return of_seconds(_number(document, keys))


def _at(document: object, keys: str) -> object:
    value = document
    for key in keys.split("."):
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and _INDEX.fullmatch(key) and int(key) < len(value):
            value = value[int(key)]
        else:
            raise Unmeasured(f"there is no `{keys}`")
    if value is None:
        raise Unmeasured(f"`{keys}` is null")
    return value


def _kind(value: object) -> str:
    match value:
        case bool():
            return "a value that is true or false"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "an object"
