"""Renders the lines to add where versions enter without a digest."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from reconciler.core.artifacts.missing_digest import MissingDigest
from reconciler.render import phrases
from reconciler.render.escape import code, prose, visible
from reconciler.render.json_documents import Document

_MOST: Final = 40  # versions that are shown; each has 80 characters or more


def documents(rows: Sequence[MissingDigest]) -> list[Document]:
    """Return the items of `digests` in the document of `ci plan`."""
    return [
        {
            "model": row.model,
            "version": row.version,
            "file": row.file,
            "line": row.line,
            "digest": row.digest,
            "why": row.why,
        }
        for row in rows
    ]


def text_lines(rows: Sequence[MissingDigest]) -> Iterator[str]:
    """Yield a section of the plan for a terminal; nothing where no digest is missing."""
    if rows:
        yield f"digests: {_headline(rows)}"
    for file, found in _by_file(rows):
        yield f"  {visible(file)}"
        yield from (f"    {line}" for line in _lines(found))
    for row in _unknown(rows):
        yield visible(f"  {row.model} v{row.version}: {row.why}")
    yield from (f"  {sentence}" for sentence in _rest(rows))
    yield from [""] if rows else []


def markdown_lines(rows: Sequence[MissingDigest]) -> Iterator[str]:
    """Yield what a comment shows: each file with the YAML to add; nothing where none is missing."""
    if rows:
        yield from (f"> 🔎 {_headline(rows)}", "")
    for file, found in _by_file(rows):
        yield from (code(file), "", "```yaml", *_lines(found), "```", "")
    unknown = [
        f"- {code(row.model)} v{row.version}: {prose(row.why or '')}" for row in _unknown(rows)
    ]
    yield from (*unknown, *([""] if unknown else []))
    yield from (line for sentence in _rest(rows) for line in (prose(sentence), ""))


def _headline(rows: Sequence[MissingDigest]) -> str:
    count = phrases.count(len(rows), "version")
    what = f"{count} {'enters' if len(rows) == 1 else 'enter'} without a digest"
    known = any(row.digest for row in rows)
    return f"{what}; to approve the files as they are now, add:" if known else what


def _by_file(rows: Sequence[MissingDigest]) -> Iterator[tuple[str, list[MissingDigest]]]:
    known = [row for row in rows[:_MOST] if row.digest is not None]
    for file, found in groupby(known, key=lambda row: row.file):
        yield file, list(found)


def _lines(rows: Sequence[MissingDigest]) -> Iterator[str]:
    yield "versions:"
    for row in rows:
        yield from (f"  {row.version}:", f"    digest: {row.digest}")


def _unknown(rows: Sequence[MissingDigest]) -> Iterator[MissingDigest]:
    return (row for row in rows[:_MOST] if row.digest is None)


def _rest(rows: Sequence[MissingDigest]) -> Iterator[str]:
    left = len(rows) - _MOST
    if left > 0:
        yield f"… and {phrases.count(left, 'version')} more: `--format json` has them all"
