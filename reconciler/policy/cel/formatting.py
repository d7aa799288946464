"""Formats values, their types and their paths for sentences."""

import json
from collections.abc import Iterable, Mapping, Sized
from datetime import datetime, timedelta
from typing import Final

from reconciler.policy.cel.references import PathStep

_MOST_NAMES: Final = 10
_LONGEST_TEXT: Final = 60


def shown(value: object) -> str:
    """Return a value in CEL notation, shortened when it is long."""
    match value:
        case str():
            return json.dumps(_short(value), ensure_ascii=False)
        case bool() | None:
            return json.dumps(value)
        case datetime():
            return value.isoformat(timespec="seconds")
        case timedelta():
            return str(value - timedelta(microseconds=value.microseconds))
        case list() if all(isinstance(element, str) for element in value):
            return f"[{names(value)}]"
        case list():
            return f"a list of {count(value, 'element')}"
        case Mapping():
            return f"a map with {names(sorted(map(str, value)))}" if value else "an empty map"
        case _:
            return str(value)


def spelled(path: tuple[PathStep, ...]) -> str:
    """Return a path in CEL notation: `version.tags["a b"]`."""
    text = str(path[0])
    for step in path[1:]:
        if isinstance(step, str) and step.isidentifier() and step.isascii():
            text += f".{step}"
        else:
            text += "[…]" if step is None else f"[{json.dumps(step, ensure_ascii=False)}]"
    return text


def kind(value: object) -> str:
    """Return the type of a value, in words."""
    match value:
        case bool():
            return "true or false"
        case str():
            return "text"
        case int():
            return "a whole number"
        case float():
            return "a number"
        case datetime():
            return "a timestamp"
        case timedelta():
            return "a duration"
        case list():
            return "a list"
        case None:
            return "null"
        case _:
            return "a map"


def names(listed: Iterable[str]) -> str:
    """Return the first ten names, separated by commas, and how many more there are."""
    shortened = [_short(name) for name in listed]
    more = len(shortened) - _MOST_NAMES
    return ", ".join(shortened[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def count(items: Sized, noun: str) -> str:
    """Return the number of items with the noun, in the plural where needed."""
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
