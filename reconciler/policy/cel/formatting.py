"""How values and the ways to them are written in a sentence."""

import json
from collections.abc import Iterable, Mapping, Sized
from datetime import datetime, timedelta
from typing import Final

from reconciler.policy.cel.references import PathStep

_MOST_NAMES: Final = 10
_LONGEST_TEXT: Final = 60


def shown(value: object) -> str:
    """Return a value as the language writes it, long ones shortened."""
    match value:
        case str():
            return json.dumps(_short(value), ensure_ascii=False)
        case bool() | None:
            return json.dumps(value)
        case datetime():
            return value.isoformat(timespec="seconds")
        case timedelta():
            return str(value - timedelta(microseconds=value.microseconds))
        case list() if all(isinstance(one, str) for one in value):
            return f"[{names(value)}]"
        case list():
            return f"a list of {count(value, 'element')}"
        case Mapping():
            return f"a map with {names(sorted(map(str, value)))}" if value else "an empty map"
        case _:
            return str(value)


def spelled(path: tuple[PathStep, ...]) -> str:
    """Return a path as the language writes it: `version.tags["a b"]`."""
    text = str(path[0])
    for step in path[1:]:
        if isinstance(step, str) and step.isidentifier() and step.isascii():
            text += f".{step}"
        else:
            text += "[…]" if step is None else f"[{json.dumps(step, ensure_ascii=False)}]"
    return text


def kind(value: object) -> str:
    """Return of what type a value is, in words."""
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
            return "a moment"
        case timedelta():
            return "a length of time"
        case list():
            return "a list"
        case None:
            return "null"
        case _:
            return "a map"


def names(every: Iterable[str]) -> str:
    """Return names with commas between them, the first ten and how many more there are."""
    found = [_short(name) for name in every]
    more = len(found) - _MOST_NAMES
    return ", ".join(found[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def count(items: Sized, what: str) -> str:
    """Return how many of something there are, with its plural."""
    return f"{len(items)} {what}{'' if len(items) == 1 else 's'}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
