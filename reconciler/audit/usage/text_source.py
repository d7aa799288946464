"""Finds loads in text that is no Python: YAML, shell, Dockerfiles, settings, other languages."""

import re
from bisect import bisect_left
from typing import Final

from reconciler.audit.usage.file_kinds import SourceKind
from reconciler.audit.usage.loads import Load
from reconciler.audit.usage.model_uri import FoundUri, find_uris
from reconciler.audit.usage.prose import without_prose
from reconciler.audit.usage.source_text import SourceText

_FILLED_IN: Final = "a part of it is filled in only when the program runs"
_ESCAPED_SLASH: Final = re.compile(r"\\/")


def text_loads(kind: SourceKind, source: SourceText) -> tuple[Load, ...]:
    """Return the loads that a text names outside of comments and messages."""
    text = source.text
    if "\r" in text:  # the patterns know one end of a line; the length stays
        text = text.replace("\r\n", " \n").replace("\r", "\n")
    # where a slash stands in the unescaped text that has a backslash before it in the file
    escaped = [] if kind != "json" else [found.start() for found in _ESCAPED_SLASH.finditer(text)]
    slashes = [at - before for before, at in enumerate(escaped)]
    plain = without_prose(kind, text.replace("\\/", "/") if escaped else text)
    loads = []
    for uri in find_uris(plain):
        ahead = bisect_left(slashes, uri.start)
        is_plain = bisect_left(slashes, uri.end) == ahead
        loads.append(_load(source, uri, uri.start + ahead, is_plain=is_plain))
    return tuple(loads)


def _load(source: SourceText, uri: FoundUri, offset: int, *, is_plain: bool) -> Load:
    line, column = source.place(offset)
    is_known = uri.model is not None
    return Load(
        *(source.file, line, column, "uri", uri.text, uri.model, uri.loads),
        why=None if is_known else _FILLED_IN,
        is_literal=is_plain and uri.is_usual and source.is_exact,
    )
