"""Edits a model file in place: every line that is not edited stays the same, byte for byte.

The text is never written anew: the positions of its parts say where to cut and insert. A comment
after an alias belongs to the alias: it moves along to a new line, and is removed with the alias or
in a list on one line. A list that becomes empty is removed too, unless it has a comment on the line
of its key or on a line of its own.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import compress, groupby, pairwise
from typing import TypeAlias

from reconciler.core.state import Declaration
from reconciler.errors import DeclarationError, ExitCode, Problem, without_places
from reconciler.files.editing.edits import KeyPath, YamlEdit, edited, edits_between
from reconciler.files.editing.text_edits import SplicedText
from reconciler.files.editing.yaml_layout import (
    NewTree,
    Tree,
    in_order,
    is_bare,
    kind,
    layout_of,
    names,
    new_parts,
)
from reconciler.files.editing.yaml_nodes import Node, NoMapping, compose, scalar
from reconciler.files.loader import dump_declaration, parse_declaration

_Change: TypeAlias = str | Tree | None

_BOM = "\ufeff"
# Line breaks of YAML 1.1 that the cuts made here do not know.
_OTHER_BREAK = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
_COMMA = re.compile(r"\s*,")
_HEADER = re.compile(r"[|>][-+\d]*")
_REMARK = re.compile(r"[ \t]+#[^\r\n]*")
_MARGIN = re.compile(r"(?:[ \t]*\r?\n)*( *)\S")


def apply_edits(data: bytes, edits: Sequence[YamlEdit], file: str) -> bytes:
    """Return a model file after edits: its meaning is exactly theirs, the rest is unchanged.

    Raises `DeclarationError` when the file is not valid before or after, or has a layout that
    cannot be edited in place.
    """
    before = parse_declaration(data, file)
    after = edited(before, edits)
    _check(after, file)
    steps = edits_between(before, after)
    if not steps:
        return data
    text = data.decode()
    if _OTHER_BREAK.search(text):
        raise _by_hand(file)
    bom = _BOM * text.startswith(_BOM)
    try:
        result = (bom + _Editor(text.removeprefix(bom)).apply(_tree(steps))).encode()
        read = parse_declaration(result, file)
    except (NoMapping, DeclarationError) as error:
        raise _by_hand(file) from error
    if (read, read.consumers) != (after, after.consumers):
        raise _by_hand(file)
    return result


def _check(declaration: Declaration, file: str) -> None:
    """Raise `DeclarationError` when a declaration is not valid, however it is written."""
    try:
        parse_declaration(dump_declaration(declaration).encode(), file)
    except DeclarationError as error:
        raise without_places(error) from error


def _by_hand(file: str) -> DeclarationError:
    message = "the layout of this file cannot be edited in place"
    hint = "make the change by hand, or use the layout that `reconciler import` writes"
    return DeclarationError([Problem(message, ExitCode.DECLARATION, file=file, hint=hint)])


def _tree(edits: Sequence[YamlEdit]) -> Tree:
    """Return edits as one mapping that is nested like the file."""
    tree: Tree = {}
    # A version comes before its parts, so that its removal includes theirs.
    for edit in sorted(edits, key=lambda edit: len(edit.path)):
        inner = tree
        for part in edit.path[:-1]:
            within = inner.setdefault(part, {})
            if not isinstance(within, dict):
                break
            inner = within
        else:
            is_entry = kind(edit.path) in ("entry", "consumer") and edit.value is not None
            inner[edit.path[-1]] = {} if is_entry else edit.value
    return tree


class _Editor:
    """Walks a file's nodes together with the changes to them."""

    def __init__(self, text: str) -> None:
        self._root = compose(text)
        self._layout = replace(layout_of(self._root, text), remarks=dict(self._remarks(text)))
        self._text = SplicedText(text + self._layout.newline * self._layout.is_open)

    def _remarks(self, text: str) -> Iterator[tuple[str, str]]:
        """Yield the aliases that are alone on a line or in a list, with the comment after them."""
        versions = self._root.get("versions")
        for _, entry in _entries(versions) if versions is not None else ():
            held = entry.get("aliases") if entry.style == "block" else None
            if held is None or (held.style == "flow" and len(held.items) != 1):
                continue
            for _, item in held.items:
                found = _REMARK.match(text, held.end if held.style == "flow" else item.end)
                if found is not None:
                    yield item.text, found[0]

    def apply(self, tree: Tree) -> str:
        """Return the text after the changes in `tree`."""
        if self._root.style == "flow":
            self._flow(self._root, tree, ())
        else:
            self._block(self._root, tree, (), front=self._text.line_start(self._root.start))
        if not self._layout.is_open:
            return self._text.result()
        self._close_last_block()
        return self._text.result().rstrip("\r\n")

    def _block(self, node: Node, tree: Tree, path: KeyPath, front: int) -> None:
        """Edit a block mapping; `front` is where its lines begin."""
        is_spaced, floor = self._is_spaced(node, path), front
        for key, value in _entries(node):
            if self._goes(node, key, value, tree, path):
                if is_spaced:
                    self._text.cut_paragraph(key.start, value.end, floor)
                else:
                    self._text.cut_lines(key.start, value.end)
            elif key.text in tree:
                self._value(node, key, value, tree[key.text], (*path, key.text))
            floor = self._text.next_line(value.end)
        new, blank = new_parts(node, tree), self._layout.newline * is_spaced
        for name, index in in_order(path, names(node), tuple(new)):
            lines = self._layout.block((*path, name), new[name], node.column)
            if index < 0:
                self._text.insert(front, lines + blank)
            else:
                end = node.items[index][1].end
                self._text.insert(self._text.below(end, node.column), blank + lines)

    def _is_spaced(self, node: Node, path: KeyPath) -> bool:
        """Return whether empty lines separate the versions."""
        return kind(path) == "versions" and any(
            self._text.has_empty_line(above.end, key.start)
            for (_, above), (key, _) in pairwise(_entries(node))
        )

    def _list(self, node: Node, tree: Tree) -> None:
        """Edit a block list."""
        for _, item in node.items:
            if tree.get(item.text, "") is None:
                self._text.cut_lines(item.start, item.end)
        lines = self._layout.dashed(new_parts(node, tree), node.column)
        self._text.insert(self._text.below(node.end, node.column), lines)

    def _consumers(self, node: Node, tree: Tree) -> None:
        """Add consumers to a list of them, each as the last one is written."""
        new = new_parts(node, tree)
        if node.style == "flow":
            at = node.items[-1][1].end if node.items else node.start + 1
            items = ", ".join(self._layout.consumers(new))
            self._text.insert(at, f", {items}" if node.items else items)
            return
        last = node.items[-1][1]
        lines = self._layout.dashed_consumers(
            new, node.column, gap=last.column - node.column - 1, flow=last.style == "flow"
        )
        self._text.insert(self._text.below(node.end, node.column), lines)

    def _value(self, node: Node, key: Node, value: Node, change: _Change, path: KeyPath) -> None:
        """Edit the value of a key that stays."""
        if isinstance(change, str):
            self._scalar(value, change, path, None if node.style == "flow" else key.column)
        elif change is None or not (change.keys() & set(names(value)) or new_parts(value, change)):
            return
        elif self._is_emptied(value, change, path):
            self._empty(key, value, path)
        elif kind(path) == "consumers":
            self._consumers(value, change)
        elif node.style == "block" and self._opens(value, path):
            self._text.cut(self._colon(key), value.end)
            lines = self._layout.lines(path, new_parts(value, change), key.column)
            self._text.insert(self._text.next_line(value.end), lines)
        elif value.style == "flow":
            self._flow(value, change, path)
        elif kind(path) == "aliases":
            self._list(value, change)
        else:
            self._block(value, change, path, front=self._text.next_line(key.end))

    def _opens(self, value: Node, path: KeyPath) -> bool:
        """Return whether an empty `{}` should be replaced by lines."""
        if value.items or not self._is_tight(value):
            return False
        opens = kind(path) == "entry" and not self._layout.is_flow(path)
        return opens or kind(path) == "versions"

    def _colon(self, key: Node) -> int:
        return self._text.text.index(":", key.end) + 1

    # removals

    def _goes(self, node: Node, key: Node, value: Node, tree: Tree, path: KeyPath) -> bool:
        """Return whether a key is removed, alone or because its entry becomes empty."""
        if key.text not in tree:
            return False
        change = tree[key.text]
        if change is None:
            return True
        if kind(path) != "entry" or not self._is_emptied(value, change, (*path, key.text)):
            return False
        return not self._has_comment(node, key, value)

    def _has_comment(self, node: Node, key: Node, value: Node) -> bool:
        """Return whether removing a key would lose a comment that belongs to no item of it."""
        if value.style == "flow":
            # After a list of one alias, the comment belongs to that alias.
            is_own = len(value.items) == 1 and value.items[0][0] is None
            is_inside = is_own or node.style == "flow"
            end = value.end if is_inside else self._text.next_line(value.end)
            return "#" in self._text.text[key.end : end]
        spans = _spans(value)
        begins = [key.end, *(self._text.next_line(end) for _, end in spans)]
        ends = [self._text.line_start(start) for start, _ in spans]
        return any("#" in self._text.text[b:e] for b, e in zip(begins, ends, strict=False))

    def _is_emptied(self, node: Node, change: _Change, path: KeyPath) -> bool:
        if not isinstance(change, dict) or not node.items or new_parts(node, change):
            return False
        if kind(path) == "aliases":
            return all(change.get(name, "") is None for name in names(node))
        return all(self._goes(node, key, value, change, path) for key, value in _entries(node))

    def _empty(self, key: Node, value: Node, path: KeyPath) -> None:
        """Leave an empty mapping or list, with the comments inside it."""
        brackets = "[]" if kind(path) == "aliases" else "{}"
        if value.style == "block":
            self._text.insert(self._colon(key), f" {brackets}")
            for start, end in _spans(value):
                self._text.cut_lines(start, end)
        elif self._is_tight(value):
            self._text.replace(value.start, value.end, brackets)
        else:
            self._cut_items(value, [True] * len(value.items))

    # flow style: `{owner: x, team: y}` and `[champion, canary]`

    def _flow(self, node: Node, tree: Tree, path: KeyPath) -> None:
        if kind(path) == "aliases":
            gone = [tree.get(name, "") is None for name in names(node)]
        else:
            gone = [self._goes(node, key, value, tree, path) for key, value in _entries(node)]
            for (key, value), is_gone in zip(_entries(node), gone, strict=True):
                if key.text in tree and not is_gone:
                    self._value(node, key, value, tree[key.text], (*path, key.text))
        self._cut_items(node, gone)
        self._add_items(node, new_parts(node, tree), path, gone)

    def _cut_items(self, node: Node, gone: Sequence[bool]) -> None:
        spans = _spans(node)
        if not self._is_tight(node):
            for start, end in compress(spans, gone):
                self._cut_item(start, end)
            return
        for is_gone, run in groupby(range(len(spans)), key=gone.__getitem__):
            indexes = list(run)
            first, last = indexes[0], indexes[-1]
            if is_gone and last + 1 < len(spans):
                self._text.cut(spans[first][0], spans[last + 1][0])
            elif is_gone:
                self._text.cut(spans[first - 1][1] if first else spans[0][0], spans[last][1])

    def _cut_item(self, start: int, end: int) -> None:
        """Remove an item and its comma; a trailing comma may stay."""
        comma = _COMMA.match(self._text.text, end)
        end = comma.end() if comma else end
        head, tail = self._text.line_start(start), self._text.next_line(end)
        rest = self._text.text[head:start].strip(), self._text.text[end:tail].strip()
        is_alone = not rest[0] and (not rest[1] or rest[1].startswith("#"))
        self._text.cut(head if is_alone else start, tail if is_alone else end)

    def _add_items(self, node: Node, new: NewTree, path: KeyPath, gone: Sequence[bool]) -> None:
        after: dict[int, list[str]] = {}
        for name, before in in_order(path, names(node), tuple(new)):
            index = next((i for i in range(before, -1, -1) if not gone[i]), -1)
            after.setdefault(index, []).append(self._layout.item((*path, name), new[name]))
        spans, separator = _spans(node), self._separator(node)
        for index, items in after.items():
            text = separator.join(items)
            if index >= 0:
                self._text.insert(spans[index][1], separator + text)
            elif spans:
                is_tight = self._is_tight(node)
                at = node.start + 1 if gone[0] and not is_tight else spans[0][0]
                self._text.insert(at, text + separator * (not (all(gone) and is_tight)))
            else:
                is_bare = not self._text.text[node.start + 1 : node.end - 1].strip()
                self._text.replace(
                    node.start + 1, node.end - 1 if is_bare else node.start + 1, text
                )

    def _separator(self, node: Node) -> str:
        spans = _spans(node)
        if self._is_tight(node) and len(spans) > 1:
            return self._text.text[spans[-2][1] : spans[-1][0]]
        head = self._text.text[node.start + 1 : spans[0][0]] if spans else ""
        return f",{head}" if "\n" in head and self._is_tight(node) else ", "

    def _is_tight(self, node: Node) -> bool:
        """Return whether no comment can be between the items."""
        return "#" not in self._text.text[node.start : node.end]

    # texts

    def _scalar(self, value: Node, new: str, path: KeyPath, column: int | None) -> None:
        """Replace a text; `column` is that of its key, None within flow style."""
        if value.text == new:
            return
        below = self._text.next_line(value.end)
        if column is not None and value.is_block_scalar:
            self._block_scalar(value, new, column + self._layout.step(path))
        # A comment below would become part of the block.
        elif column is not None and "\n" in new and self._text.below(value.end, column) == below:
            header, lines = self._layout.text(path, new, column)
            self._text.replace(value.start, value.end, header)
            self._text.insert(below, lines)
        elif is_bare(path):
            self._text.replace(value.start, value.end, new)
        else:
            written = scalar(new, flow=column is None, style=value.style)
            self._text.replace(value.start, value.end, written)

    def _block_scalar(self, value: Node, new: str, column: int) -> None:
        lines = self._text.next_line(value.start)
        end = self._text.next_line(value.end) if value.end > lines else lines
        margin = _MARGIN.match(self._text.text, lines, end)
        block = self._layout.literal(new, len(margin[1]) if margin else column)
        if block is None:
            block = scalar(new), ""
        elif value.style == ">" and "\n" not in new.removesuffix("\n"):
            block = block[0].replace("|", ">"), block[1]
        self._text.replace(value.start, self._end_of_header(value), block[0])
        self._text.replace(lines, end, block[1])

    def _end_of_header(self, value: Node) -> int:
        header = _HEADER.match(self._text.text, value.start)
        return header.end() if header else value.start

    def _close_last_block(self) -> None:
        """Preserve the value of a block that ends the file without a line feed."""
        last = self._root
        while last.items:
            last = last.items[-1][1]
        is_touched = self._text.touches(last.start)
        if last.is_block_scalar and not is_touched and self._text.grows_at_end():
            self._text.replace(last.start + 1, self._end_of_header(last), "-")


def _entries(node: Node) -> Iterator[tuple[Node, Node]]:
    """Return the keys and values of a mapping."""
    return ((key, value) for key, value in node.items if key is not None)


def _spans(node: Node) -> list[tuple[int, int]]:
    """Return where every item begins and ends."""
    return [((key or value).start, value.end) for key, value in node.items]
