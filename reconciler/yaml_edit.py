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


class _Splice(NamedTuple):
    start: int
    end: int
    text: str


class _Editor:
    """Collects what to cut out of a text and what to put in."""

    def __init__(self, text: str) -> None:
        self._root = compose(text)
        self._layout = layout_of(self._root, text)
        self._text = text + self._layout.newline * self._layout.is_open
        self._splices: list[_Splice] = []

    def apply(self, tree: Tree) -> str:
        """Return the text after the edits in `tree`."""
        if self._root.style == "flow":
            self._flow(self._root, tree, ())
        else:
            self._block(self._root, tree, (), front=self._line_start(self._root.start))
        pieces, position = [], 0
        for splice in sorted(self._splices, key=lambda splice: splice.start):
            pieces += [self._text[position : splice.start], splice.text]
            position = max(position, splice.end)
        text = "".join(pieces) + self._text[position:]
        return text.removesuffix(self._layout.newline) if self._layout.is_open else text

    def _block(self, node: Node, tree: Tree, path: Path, front: int) -> None:
        """Edit a block mapping; `front` is where its lines begin."""
        for key, value in _entries(node):
            if self._goes(node, key, value, tree, path):
                self._cut_lines(key.start, value.end)
            elif key.text in tree:
                self._value(node, key, value, tree[key.text], (*path, key.text))
        new = new_parts(node, tree)
        blank = self._layout.newline if self._is_spaced(node, path) else ""
        for name, index in in_order(path, names(node), tuple(new)):
            lines = self._layout.blocks(path, {name: new[name]}, node.column)
            if index < 0:
                self._insert(front, lines + blank)
            else:
                self._insert(self._after(node, node.items[index][1].end), blank + lines)

    def _list(self, node: Node, tree: Tree) -> None:
        """Edit a block list."""
        for _, item in node.items:
            if item.text in tree and tree[item.text] is None:
                self._cut_lines(item.start, item.end)
        lines = self._layout.dashed(new_parts(node, tree), node.column)
        self._insert(self._after(node, node.items[-1][1].end), lines)

    def _value(self, node: Node, key: Node, value: Node, change: Part | None, path: Path) -> None:
        """Edit the value of a key that stays."""
        if isinstance(change, str):
            self._scalar(value, change, path, None if node.style == "flow" else key.column)
        elif change is None or not (change.keys() & set(names(value)) or new_parts(value, change)):
            return
        elif self._is_emptied(value, change, path):
            self._empty(key, value, path)
        elif not value.items and node.style == "block" and self._opens(value, path):
            self._open(key, value, new_parts(value, change), path)
        elif value.style == "flow":
            self._flow(value, change, path)
        elif kind(path) == "aliases":
            self._list(value, change)
        else:
            self._block(value, change, path, front=self._next_line(key.end))

    # removals

    def _goes(self, node: Node, key: Node, value: Node, tree: Tree, path: Path) -> bool:
        """Say whether a key goes: removed, or a part of an entry of which nothing is left."""
        if key.text not in tree:
            return False
        change, within = tree[key.text], (*path, key.text)
        if change is None:
            return True
        if kind(path) != "entry" or not self._is_emptied(value, change, within):
            return False
        end = value.end if node.style == "flow" else self._next_line(value.end)
        return "#" not in self._text[key.start : end]

    def _is_emptied(self, node: Node, change: Part, path: Path) -> bool:
        if isinstance(change, str) or not node.items or new_parts(node, change):
            return False
        if kind(path) == "aliases":
            return all(change.get(name, "") is None for name in names(node))
        return all(self._goes(node, key, value, change, path) for key, value in _entries(node))

    def _empty(self, key: Node, value: Node, path: Path) -> None:
        """Leave an empty mapping or list, with the comments that stood in it."""
        brackets = "[]" if kind(path) == "aliases" else "{}"
        if value.style == "block":
            colon = self._text.index(":", key.end) + 1
            self._splice(colon, colon, f" {brackets}")
            for name, item in value.items:
                self._cut_lines((name or item).start, item.end)
        elif "#" in self._text[value.start : value.end]:
            self._cut_items(value, [True] * len(value.items))
        else:
            self._splice(value.start, value.end, brackets)

    # flow style: `{owner: x, team: y}`

    def _flow(self, node: Node, tree: Tree, path: Path) -> None:
        gone = []
        for key, value in node.items:
            removed = tree.get(value.text, "") is None if key is None else False
            if key is not None:
                removed = self._goes(node, key, value, tree, path)
                if not removed and key.text in tree:
                    self._value(node, key, value, tree[key.text], (*path, key.text))
            gone.append(removed)
        self._cut_items(node, gone)
        self._add_items(node, new_parts(node, tree), path, gone)

    def _cut_items(self, node: Node, gone: Sequence[bool]) -> None:
        spans = _spans(node)
        if "#" in self._text[node.start : node.end]:
            # A comma after the last item is fine, so that nothing else has to move.
            for span in compress(spans, gone):
                comma = re.compile(r"\s*,").match(self._text, span.end)
                self._splice(span.start, comma.end() if comma else span.end)
            return
        for removed, run in groupby(range(len(spans)), key=gone.__getitem__):
            first, *_, last = (*run, -1)[:1], 0
