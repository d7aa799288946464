"""Edits to a model file in place: every line that is not edited stays as it is, byte for byte.

The text is never written anew. Positions of its parts say where to cut and what to put there.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.edits import Edit, edited
from reconciler.errors import DeclarationError, ExitCode, Problem
from reconciler.yaml_files import parse_declaration
from reconciler.yaml_layout import Layout, Tree, additions, layout_of, rank
from reconciler.yaml_nodes import Node, Unreadable, compose, literal, scalar

_BOM = "\ufeff"


def apply_edits(data: bytes, edits: Sequence[Edit], file: str) -> bytes:
    """Return a model file after edits: its meaning is exactly theirs, and the rest is untouched.

    Raises `DeclarationError` when the file is wrong before or after, or written in a way that
    this cannot edit.
    """
    before = parse_declaration(data, file)
    text = data.decode().removeprefix(_BOM)
    try:
        changed = _Editor(text).apply(_tree(edits))
    except Unreadable as error:
        raise _by_hand(file, str(error)) from error
    result = (_BOM * data.decode().startswith(_BOM) + changed).encode()
    if parse_declaration(result, file) != edited(before, edits):
        raise _by_hand(file, "its layout is not understood")
    return result


def _by_hand(file: str, why: str) -> DeclarationError:
    message = f"the file cannot be edited in place: {why}"
    hint = "make the change by hand"
    return DeclarationError([Problem(message, ExitCode.DECLARATION, file=file, hint=hint)])


def _tree(edits: Sequence[Edit]) -> Tree:
    """Return edits as one mapping that is nested like the file; a later edit wins."""
    tree: Tree = {}
    for edit in edits:
        inner = tree
        for part in edit.path[:-1]:
            within = inner.get(part)
            if not isinstance(within, dict):
                within = inner[part] = {}
            inner = within
        is_entry = edit.path[:1] == ("versions",) and len(edit.path) == 2
        if is_entry and edit.value is not None:
            inner.setdefault(edit.path[-1], {})
        else:
            inner[edit.path[-1]] = edit.value
    return tree


@dataclass(frozen=True, slots=True)
class _Splice:
    start: int
    end: int
    text: str


class _Editor:
    """Collects what to cut out of a text and what to put in."""

    def __init__(self, text: str) -> None:
        self._root = compose(text)
        self._layout = layout_of(self._root, text)
        self._is_open = not text.endswith("\n")
        self._text = text + self._layout.newline * self._is_open
        self._splices: list[_Splice] = []

    def apply(self, tree: Tree) -> str:
        """Return the text after the edits in `tree`."""
        self._mapping(self._root, tree, (), front=self._line_start(self._root.start))
        text, position = "", 0
        pieces = []
        for splice in sorted(self._splices, key=lambda splice: splice.start):
            pieces += [self._text[position : splice.start], splice.text]
            position = max(position, splice.end)
        text = "".join(pieces) + self._text[position:]
        return text.removesuffix(self._layout.newline) if self._is_open else text
