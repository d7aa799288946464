"""Builds search filters by names and tags; MLflow's filter language has quotes but no escapes."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import quote_plus

_LONGEST: Final = 5000  # bytes in the URL; proxies allow 8 KiB
_ESCAPING: Final = re.compile(r"[\\\x00-\x1f\x7f]")
_NOT_QUOTABLE: Final = re.compile(r"['\"\\\x00-\x1f\x7f]")


def is_plain(name: str) -> bool:
    """Return whether a name may be in a list, which the server parses as Python literals."""
    return not _NOT_QUOTABLE.search(name)


def name_filter(name: str) -> str:
    """Return a filter for one model; it also finds others when the name cannot be quoted."""
    return equals("name", name)


def equals(field: str, text: str) -> str:
    """Return a filter for a field's text; it also finds others when that cannot be quoted."""
    quote = '"' if "'" in text else "'"
    if quote not in text and not _ESCAPING.search(text):
        return f"{field} = {quote}{text}{quote}"
    return f"{field} LIKE '{_NOT_QUOTABLE.sub('_', text)}'"


def filters_of(names: Sequence[str], can_list: Callable[[], bool]) -> tuple[list[str], list[str]]:
    """Return filters for single names, and filters for lists of names where those can be."""
    plain = [name for name in names if is_plain(name)]
    if len(plain) <= 1 or not can_list():
        return [name_filter(name) for name in names], []
    odd = [name_filter(name) for name in names if not is_plain(name)]
    return odd, list(list_filters(plain))


def list_filters(names: Iterable[str]) -> Iterator[str]:
    """Yield filters for lists of plain names, each short enough for a URL."""
    chunk: list[str] = []
    size = 0
    for name in names:
        cost = len(quote_plus(f"'{name}', "))
        if chunk and size + cost > _LONGEST:
            yield f"name IN ({', '.join(chunk)})"
            chunk, size = [], 0
        chunk.append(f"'{name}'")
        size += cost
    if chunk:
        yield f"name IN ({', '.join(chunk)})"
