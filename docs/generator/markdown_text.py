"""Markdown that GitHub and the site show alike: anchors, tables, and text that is not markup."""

import re
from collections.abc import Iterable, Sequence

_CODE_OR_MARKUP = re.compile(r"(`[^`]*`)|([*<\[\]])")


def github_anchor(title: str, _separator: str = "-") -> str:
    """Return the anchor that GitHub gives to a heading; MkDocs passes a separator, too."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def prose(text: str) -> str:
    """Return text whose code spans stay code, and in which nothing else is markup."""
    return _CODE_OR_MARKUP.sub(lambda found: found[1] or "\\" + found[2], text)


def either(words: Sequence[str]) -> str:
    """Return words as a sentence names the alternatives."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table without what is empty: its columns, or all; a cell is Markdown in one line."""
    lines = list(rows)
    if not lines:
        return ""
    filled = [number for number in range(len(header)) if any(line[number] for line in lines)]
    shown = [header, ["---"] * len(header), *lines]
    return "\n".join(_line([cells[number] for number in filled]) for cells in shown)


def _line(cells: Sequence[str]) -> str:
    texts = (" ".join(cell.split()).replace("|", r"\|") for cell in cells)
    return "| " + " | ".join(texts) + " |"


def page(*blocks: str) -> str:
    """Return a page of blocks with an empty line between them; an empty block is left out."""
    return "\n\n".join(block for block in blocks if block) + "\n"
