"""Where the parts of a YAML text stand, and how a text is spelled as a YAML scalar."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from ruamel.yaml import YAML
from ruamel.yaml.emitter import Emitter
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, ScalarNode
from ruamel.yaml.nodes import Node as RuamelNode
from ruamel.yaml.resolver import VersionedResolver

_TEXT = "tag:yaml.org,2002:str"
_FAR = 1 << 30  # columns: nothing is ever folded


class Unreadable(ValueError):
    """The text cannot be taken apart; the message says why."""


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a text, from `start` up to and without `end`.

    `style` is `block` or `flow` for a mapping or a sequence, and for a scalar what it begins
    with: a quote, `|`, `>`, or nothing. `items` are the entries of a mapping, or of a sequence
    with None as their key. `text` is what a scalar means.
    """

    start: int
    end: int
    column: int
    style: str
    text: str = ""
    items: tuple[tuple["Node | None", "Node"], ...] = ()

    @property
    def is_block_scalar(self) -> bool:
        """Say whether this is a literal or a folded text."""
        return self.style in ("|", ">")

    def get(self, key: str) -> "Node | None":
        """Return the value of a key of a mapping."""
        return next((value for name, value in self.items if name and name.text == key), None)


def compose(text: str) -> Node:
    """Return the mapping that a text consists of; raises `Unreadable`."""
    try:
        root = _parser().compose(text)
    except YAMLError as error:
        raise Unreadable(str(error)) from error
    if not isinstance(root, MappingNode):
        raise Unreadable("it is not a mapping")
    return _node(root, text)


def scalar(text: str, *, flow: bool = False, style: str = "") -> str:
    """Return how a text is written on one line, so that every YAML 1.1 reader reads this text.

    It is quoted only where it must be, or where `style` is a quote.
    """
    analysis = _emitter(io.StringIO()).analyze_scalar(text)
    plain = analysis.allow_flow_plain if flow else analysis.allow_block_plain
    one_line = not analysis.multiline
    if plain and one_line and style not in ("'", '"') and _means_text(text):
        return text
    if text and one_line and analysis.allow_single_quoted and style != '"':
        return "'" + text.replace("'", "''") + "'"
    written = io.StringIO()
    _emitter(written).write_double_quoted(text, split=False)
    return written.getvalue()


def literal(text: str, newline: str, indent: int) -> tuple[str, str] | None:
    """Return a text as the header and the lines of a literal block; None when it cannot be one."""
    # Breaks that YAML 1.1 knows beside the line feed would come back as line feeds.
    if re.search("[\r\x85\u2028\u2029]", text):
        return None
    lines = text.removesuffix("\n").split("\n")
    if not (lines[0].strip() and lines[0][0] not in " \t" and lines[-1].strip()):
        return None
    if not all(_emitter(io.StringIO()).analyze_scalar(f"x{line}").allow_block for line in lines):
        return None
    written = "".join(" " * indent * bool(line) + line + newline for line in lines)
    return ("|" if text.endswith("\n") else "|-"), written


def _parser() -> YAML:
    parser = YAML(typ="safe", pure=True)
    parser.version = (1, 1)
    return parser


def _emitter(stream: io.StringIO) -> Emitter:
    return Emitter(stream, allow_unicode=True, width=_FAR, dumper=_parser())


@cache
def _resolver() -> VersionedResolver:
    return VersionedResolver(version=(1, 1), loader=_parser())


def _means_text(text: str) -> bool:
    return str(_resolver().resolve(ScalarNode, text, (True, False))) == _TEXT


def _node(node: RuamelNode, text: str) -> Node:
    start, end, column = node.start_mark.index, node.end_mark.index, node.start_mark.column
    if isinstance(node, ScalarNode):
        end = _end_of_block_scalar(node, text) if node.style in ("|", ">") else end
        return Node(start, end, column, node.style or "", text=node.value)
    items = tuple(_items(node, text))
    if isinstance(node, CollectionNode) and node.flow_style:
        return Node(start, end, column, "flow", items=items)
    # A block collection is said to end where the next token begins, beyond comments.
    return Node(start, items[-1][1].end if items else end, column, "block", items=items)


def _items(node: RuamelNode, text: str) -> Iterator[tuple[Node | None, Node]]:
    for item in node.value:
        if isinstance(node, MappingNode):
            yield _node(item[0], text), _node(item[1], text)
        else:
            yield None, _node(item, text)


def _end_of_block_scalar(node: ScalarNode, text: str) -> int:
    """Return where the last line of a block scalar ends; empty lines count where they mean text."""
    span = text[node.start_mark.index : node.end_mark.index]
    keeps = "+" in span.partition("\n")[0].partition("#")[0]
    blank_is_text = keeps or node.value.rstrip("\n")[-1:] in ("", " ", "\t")
    kept = span.removesuffix("\n").removesuffix("\r") if blank_is_text else span.rstrip()
    return int(node.start_mark.index) + len(kept)
