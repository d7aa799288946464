"""How a model file is laid out, and new entries written in the same way."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, TypeVar

from reconciler.edits import Path
from reconciler.yaml_nodes import Node, literal, scalar

# What to do inside a mapping or a list, by key: remove it (None), write a text, or go further in.
Tree: TypeAlias = dict[str, "Part | None"]
Part: TypeAlias = "str | Tree"
Kind: TypeAlias = Literal["file", "versions", "entry", "tags", "aliases", "text"]
K = TypeVar("K")
V = TypeVar("V")

_FILE = ("model", "retired", "hold", "description", "tags", "versions")
_ENTRY = ("stage", "aliases", "tags", "description", "run_id", "source", "blocked")
_STEP = 2


def kind(path: Path) -> Kind:
    """Return what stands at a path of a model file."""
    match path:
        case ():
            return "file"
        case ("versions",):
            return "versions"
        case ("versions", _):
            return "entry"
        case ("tags",) | ("versions", _, "tags"):
            return "tags"
        case ("versions", _, "aliases"):
            return "aliases"
        case _:
            return "text"


def new_part(change: Part | None) -> Part | None:
    """Return what a change writes where nothing is yet; None when it only removes."""
    if not isinstance(change, dict):
        return change
    kept: Tree = {}
    for key, inner in change.items():
        part = new_part(inner)
        if part is not None:
            kept[key] = part
    return kept if kept or not change else None


def new_parts(node: Node, changes: Tree) -> Tree:
    """Return what changes add to a mapping or a list that is there."""
    present = {(key or value).text for key, value in node.items}
    return {
        name: part
        for name, change in changes.items()
        if name not in present and (part := new_part(change)) is not None
    }


def in_order(path: Path, names: Sequence[str], new: Sequence[str]) -> list[tuple[str, int]]:
    """Return new keys in the order of the file, each with the index of the one it comes after.

    `names` are those that are there; -1 stands for the beginning.
    """
    if kind(path) == "versions":
        return _by_number([int(name) for name in names], [int(name) for name in new])
    order = {"file": _FILE, "entry": _ENTRY}.get(kind(path))
    if order is None:
        return [(name, len(names) - 1) for name in new]
    ranks = {order.index(name): index for index, name in enumerate(names) if name in order}
    placed = []
    for name in sorted(new, key=order.index):
        before = [rank for rank in ranks if rank < order.index(name)]
        placed.append((name, ranks[max(before)] if before else -1))
    return placed


def _by_number(names: Sequence[int], new: Sequence[int]) -> list[tuple[str, int]]:
    """Versions go down, unless the file counts up."""
    sign = 1 if len(names) > 1 and list(names) == sorted(names) else -1
    return [
        (str(number), max((i for i, v in enumerate(names) if sign * v < sign * number), default=-1))
        for number in sorted(new, key=lambda number: sign * number)
    ]


@dataclass(frozen=True, slots=True)
class Layout:
    """The habits of a file, each as its first example shows it.

    `steps` are indentations by depth, `styles` say which kinds are in flow style, `dash` is how
    far the dashes of a list are indented, `quote` what version numbers are quoted with.
    `is_open` says that the last line has no end.
    """

    newline: str
    is_open: bool
    steps: Mapping[int, int]
    styles: Mapping[Kind, str]
    dash: int
    quote: str

    def step(self, path: Path) -> int:
        """Return how far what belongs to the key at a path is indented."""
        return self.steps.get(len(path)) or next(iter(self.steps.values()), _STEP)

    def literal(self, text: str, column: int) -> tuple[str, str] | None:
        """Return a text as a literal block, None when it cannot be one in this file."""
        # Without an end of the last line, a block there has no last line feed either.
        if self.is_open and text.endswith("\n"):
            return None
        return literal(text, self.newline, column)

    def key(self, path: Path, *, flow: bool) -> str:
        """Return how the last key of a path is written."""
        if kind(path) == "entry":
            return f"{self.quote}{path[-1]}{self.quote}"
        return scalar(path[-1], flow=flow)

    def flow(self, path: Path, part: Part) -> str:
        """Return a new part in flow style."""
        if isinstance(part, str):
            return part if path == ("retired",) else scalar(part, flow=True)
        inside = ", ".join(self.flow_items(path, part))
        return f"[{inside}]" if kind(path) == "aliases" else f"{{{inside}}}"

    def flow_items(self, path: Path, parts: Tree) -> Iterator[str]:
        """Return what stands between the commas of a new part in flow style."""
        for name, inner in _present(path, parts):
            within = (*path, name)
            if kind(path) == "aliases":
                yield scalar(name, flow=True)
            else:
                yield f"{self.key(within, flow=True)}: {self.flow(within, inner)}"

    def block(self, path: Path, part: Part, column: int) -> str:
        """Return the lines of a new key and its part."""
        name = " " * column + self.key(path, flow=False) + ":"
        within = column + self.step(path)
        if isinstance(part, str):
            return f"{name} {self._text(path, part, within)}"
        if not part or self._in_flow(path):
            return f"{name} {self.flow(path, part)}{self.newline}"
        if kind(path) == "aliases":
            return f"{name}{self.newline}{self.dashed(part, column + self.dash)}"
        return f"{name}{self.newline}{self.blocks(path, part, within)}"

    def blocks(self, path: Path, parts: Tree, column: int) -> str:
        """Return the lines of new keys."""
        return "".join(
            self.block((*path, name), part, column) for name, part in _present(path, parts)
        )

    def dashed(self, names: Tree, column: int) -> str:
        """Return the lines of new items of a list."""
        return "".join(f"{' ' * column}- {scalar(name)}{self.newline}" for name in names)

    def _text(self, path: Path, text: str, column: int) -> str:
        block = self.literal(text, column) if "\n" in text else None
        if block is not None:
            header, lines = block
            return f"{header}{self.newline}{lines}"
        return (text if path == ("retired",) else scalar(text)) + self.newline

    def _in_flow(self, path: Path) -> bool:
        default = "flow" if kind(path) == "aliases" else "block"
        return self.styles.get(kind(path), default) == "flow"


def layout_of(root: Node, text: str) -> Layout:
    """Return the habits of a file."""
    parts = list(_parts(root, ()))
    blocks = [part for part in parts if part.value.style == "block"]
    return Layout(
        newline="\r\n" if "\r\n" in text else "\n",
        is_open=not text.endswith("\n"),
        steps=_first((len(p.path), p.indent) for p in blocks if kind(p.path) != "aliases"),
        styles=_first((kind(part.path), part.value.style) for part in parts if part.value.items),
        dash=next((part.indent for part in blocks if kind(part.path) == "aliases"), _STEP),
        quote=next((part.key.style for part in parts if kind(part.path) == "entry"), ""),
    )


class _Part(NamedTuple):
    path: Path
    key: Node
    value: Node

    @property
    def indent(self) -> int:
        return self.value.column - self.key.column


def _parts(node: Node, path: Path) -> Iterator[_Part]:
    for key, value in node.items:
        if key is not None:
            within = (*path, key.text)
            yield _Part(within, key, value)
            yield from _parts(value, within)


def _first(pairs: Iterable[tuple[K, V]]) -> dict[K, V]:
    """Return the first value of every key."""
    found: dict[K, V] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found


def _present(path: Path, parts: Tree) -> Iterator[tuple[str, Part]]:
    for name, _ in in_order(path, (), tuple(parts)):
        part = parts[name]
        if part is not None:
            yield name, part
