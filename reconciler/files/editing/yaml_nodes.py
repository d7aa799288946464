"""Parses a YAML text into nodes with positions, and writes texts as YAML scalars."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, ScalarNode
from ruamel.yaml.nodes import Node as RuamelNode

_FAR = 1 << 30  # columns, so that nothing is ever folded
_BYTE = 0xFF
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
# The printable characters of YAML 1.1, without line breaks and the byte order mark.
_LINE = re.compile("[ -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]+")


class NoMapping(ValueError):
    """The text is not a mapping, or cannot be parsed; the message says why."""


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a text from `start` up to, not including, `end`.

    `style` is `block` or `flow` for a mapping or a sequence, and for a scalar its first character
    if that is a quote, `|` or `>`. `items` are the entries of a mapping, or of a sequence with None
    as their key. `text` is the value of a scalar.
    """

    start: int
    end: int
    column: int
    style: str
    text: str = ""
    items: tuple[tuple["Node | None", "Node"], ...] = ()

    @property
    def is_block_scalar(self) -> bool:
        """Return whether this is a literal or a folded text."""
        return self.style in ("|", ">")

    def get(self, key: str) -> "Node | None":
        """Return the value of a key of a mapping, None where it has no such key."""
        return next((value for name, value in self.items if name and name.text == key), None)


def compose(text: str) -> Node:
    """Return the mapping that is the whole text; raises `NoMapping`."""
    try:
        root = _parser().compose(text)
    except YAMLError as error:
        raise NoMapping(str(error)) from error
    if not isinstance(root, MappingNode):
        raise NoMapping("it is not a mapping")
    return _node(root, text)


def scalar(text: str, *, flow: bool = False, style: str = "") -> str:
    """Return a text as a scalar on one line that every YAML 1.1 reader reads as this text.

    It is quoted only where it must be, or where `style` is a quote.
    """
    if not _LINE.fullmatch(text) or style == '"':
        return '"' + "".join(_escaped(character) for character in text) + '"'
    if style != "'" and _is_plain(text, flow=flow):
        return text
    return "'" + text.replace("'", "''") + "'"


def literal(text: str, newline: str, indent: int) -> tuple[str, str] | None:
    """Return the header and lines of a literal block, None when the text cannot be one."""
    lines = text.removesuffix("\n").split("\n")
    # Leading space would be read as indentation, and empty lines at the end as layout.
    if lines[0][:1] in ("", " ", "\t") or not lines[-1].strip():
        return None
    if not all(_LINE.fullmatch(line.replace("\t", " ")) for line in lines if line):
        return None
    written = "".join(" " * indent * bool(line) + line + newline for line in lines)
    return ("|" if text.endswith("\n") else "|-"), written


def _parser() -> YAML:
    parser = YAML(typ="safe", pure=True)
    parser.version = (1, 1)
    return parser


def _is_plain(text: str, *, flow: bool) -> bool:
    """Return whether a writer of YAML 1.1 would write a text without quotes."""
    writer, written = _parser(), io.StringIO()
    writer.width, writer.allow_unicode, writer.default_flow_style = _FAR, True, flow
    writer.dump({"key": text}, written)
    return (
        written.getvalue().rstrip("\n").endswith(f"{{key: {text}}}" if flow else f"\nkey: {text}")
    )


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if _LINE.fullmatch(character):
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code <= _BYTE else f"\\u{code:04x}"


def _node(node: RuamelNode, text: str) -> Node:
    start, end, column = node.start_mark.index, node.end_mark.index, node.start_mark.column
    if isinstance(node, ScalarNode):
        end = _end_of_block_scalar(node, text) if node.style in ("|", ">") else end
        return Node(start, end, column, node.style or "", text=node.value)
    items = tuple(_items(node, text))
    if isinstance(node, CollectionNode) and node.flow_style:
        return Node(start, end, column, "flow", items=items)
    # The parser lets a block collection end at the next token, after comments.
    return Node(start, items[-1][1].end if items else end, column, "block", items=items)


def _items(node: RuamelNode, text: str) -> Iterator[tuple[Node | None, Node]]:
    for item in node.value:
        if isinstance(node, MappingNode):
            yield _node(item[0], text), _node(item[1], text)
        else:
            yield None, _node(item, text)


def _end_of_block_scalar(node: ScalarNode, text: str) -> int:
    """Return where the last line of a block scalar ends, with empty lines of its text."""
    span = text[node.start_mark.index : node.end_mark.index]
    keeps = "+" in span.partition("\n")[0].partition("#")[0]
    blank_is_text = keeps or node.value.rstrip("\n")[-1:] in ("", " ", "\t")
    kept = span.removesuffix("\n").removesuffix("\r") if blank_is_text else span.rstrip()
    return int(node.start_mark.index) + len(kept)
