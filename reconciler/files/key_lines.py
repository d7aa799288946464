"""Finds the lines of keys in a file that was read before: for what is said about single keys."""

from collections.abc import Callable
from typing import TypeAlias

from reconciler.files.messages import Within
from reconciler.files.yaml_reader import Source

KeyLines: TypeAlias = Callable[[Within], int | None]


def key_lines(data: bytes, file: str) -> KeyLines:
    """Return what tells the line of the key at a path, None where the file does not have it."""
    source = Source(file)
    source.content(lambda _: (None, ()), data)
    return source.line_of
