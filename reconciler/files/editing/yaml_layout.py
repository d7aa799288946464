"""Detects the layout of a model file, and writes new entries in the same layout."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias, TypeVar

from reconciler.files.editing.edits import KeyPath
from reconciler.files.editing.yaml_nodes import Node, literal, scalar

# Changes inside a mapping or a list, by key: remove it (None), write a text, or change its parts.
Tree: TypeAlias = dict[str, "str | Tree | None"]
NewTree: TypeAlias = dict[str, "NewPart"]
NewPart: TypeAlias = "str | NewTree"
PartKind: TypeAlias = Literal[
    "file", "accept", "consumers", "consumer", "versions", "entry", "tags", "aliases", "text"
]
K = TypeVar("K")
V = TypeVar("V")

_FILE = (
    *("model", "renamed_from", "retired", "hold", "serving", "accept"),
    *("consumers", "inventory", "description", "tags", "versions"),
)
_ENTRY = (
    *("blocked", "traffic", "stage", "aliases", "tags", "description"),
    *("run_id", "source", "digest", "semver"),
)
_CONSUMER = ("name", "owner", "loads", "code")
_LISTS = ("aliases", "accept", "consumers")  # their dashes may be indented or not
_STEP = 2


def kind(path: KeyPath) -> PartKind:
    """Return the kind of the part at a path of a model file."""
    match path:
        case ():
            return "file"
        case ("accept",):
            return "accept"
        case ("consumers",):
            return "consumers"
        case ("consumers", _, _):
            return "consumer"
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


def is_bare(path: KeyPath) -> bool:
    """Return whether the part at a path is not text, and is never quoted."""
    return path == ("retired",) or (kind(path[:-1]) == "entry" and path[-1] == "traffic")


def names(node: Node) -> list[str]:
    """Return the keys of a mapping, or the texts of a list."""
    return [(key or value).text for key, value in node.items]


def new_parts(node: Node, changes: Tree) -> NewTree:
    """Return what changes add to a mapping or a list that exists."""
    present = set(names(node))
    return _new({name: change for name, change in changes.items() if name not in present})


def _new(changes: Tree) -> NewTree:
    """Return changes without removals."""
    return {
        name: change if isinstance(change, str) else _new(change)
        for name, change in changes.items()
        if change is not None
    }


def in_order(path: KeyPath, names: Sequence[str], new: Sequence[str]) -> list[tuple[str, int]]:
    """Return new keys in the file's order, each with the index of the key before it.

    `names` are the keys that exist; -1 stands for the beginning.
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
    """Return versions in descending order, or in ascending order if the file counts up."""
    sign = 1 if len(names) > 1 and list(names) == sorted(names) else -1
    return [
        (str(number), max((i for i, v in enumerate(names) if sign * v < sign * number), default=-1))
        for number in sorted(new, key=lambda number: sign * number)
    ]


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of a file, each property as its first example shows it.

    `steps` are indentations by depth, `styles` are those of each kind at each depth, `dash` is the
    indentation of a list's dashes, `quote` the quote around version numbers. `is_open` means that
    the last line has no line feed; `remarks` are the comments that belong to aliases.
    """

    newline: str
    is_open: bool
    steps: Mapping[int, int]
    styles: Mapping[tuple[PartKind, int], str]
    dash: int
    quote: str
    remarks: Mapping[str, str] = field(default_factory=dict)

    def step(self, path: KeyPath) -> int:
        """Return the indentation of the parts below the key at a path."""
        return self.steps.get(len(path)) or next(iter(self.steps.values()), _STEP)

    def literal(self, text: str, column: int) -> tuple[str, str] | None:
        """Return a text as a literal block, None when it cannot be one in this file."""
        # Without a line feed at the end of the file, a block there has none either.
        if self.is_open and text.endswith("\n"):
            return None
        return literal(text, self.newline, column)

    def key(self, path: KeyPath, *, flow: bool) -> str:
        """Return the text of the last key of a path."""
        if kind(path) == "entry":
            return f"{self.quote}{path[-1]}{self.quote}"
        return scalar(path[-1], flow=flow)

    def flow(self, path: KeyPath, part: NewPart) -> str:
        """Return a new part in flow style."""
        if isinstance(part, str):
            return part if is_bare(path) else scalar(part, flow=True)
        if kind(path) == "consumers":
            return f"[{', '.join(self.consumers(part))}]"
        inside = ", ".join(self.item((*path, name), inner) for name, inner in _present(path, part))
        return f"[{inside}]" if kind(path) == "aliases" else f"{{{inside}}}"

    def item(self, path: KeyPath, part: NewPart) -> str:
        """Return the text between two commas for a new key or a new item of a list."""
        if kind(path[:-1]) == "aliases":
            return scalar(path[-1], flow=True)
        return f"{self.key(path, flow=True)}: {self.flow(path, part)}"

    def block(self, path: KeyPath, part: NewPart, column: int) -> str:
        """Return the lines of a new key and its part."""
        name = " " * column + self.key(path, flow=False) + ":"
        if isinstance(part, str):
            header, lines = self.text(path, part, column)
            return f"{name} {header}{self.newline}{lines}"
        if kind(path) == "consumers":
            return f"{name}{self.newline}{self.dashed_consumers(part, column + self.dash)}"
        if not part or self.is_flow(path):
            return f"{name} {self.flow(path, part)}{self._remark(path, part)}{self.newline}"
        if kind(path) == "aliases":
            return f"{name}{self.newline}{self.dashed(part, column + self.dash)}"
        return f"{name}{self.newline}{self.lines(path, part, column)}"

    def lines(self, path: KeyPath, parts: NewTree, column: int) -> str:
        """Return the lines of new keys below a key in `column`."""
        within = column + self.step(path)
        return "".join(
            self.block((*path, name), part, within) for name, part in _present(path, parts)
        )

    def dashed(self, names: NewTree, column: int) -> str:
        """Return the lines of new items of a list."""
        return "".join(
            f"{' ' * column}- {scalar(name)}{self.remarks.get(name, '')}{self.newline}"
            for name in names
        )

    def consumers(self, names: NewTree) -> list[str]:
        """Return new consumers, each as a mapping in flow style."""
        return [
            f"{{{', '.join(f'{key}: {text}' for key, text in pairs)}}}"
            for pairs in _consumers(names, flow=True)
        ]

    def dashed_consumers(
        self, names: NewTree, column: int, *, gap: int = 1, flow: bool = False
    ) -> str:
        """Return the lines of new consumers in a list; `gap` spaces are after a dash."""
        dash = f"{' ' * column}-{' ' * gap}"
        if flow:
            return "".join(f"{dash}{item}{self.newline}" for item in self.consumers(names))
        return "".join(
            f"{' ' * len(dash) if number else dash}{key}: {text}{self.newline}"
            for pairs in _consumers(names, flow=False)
            for number, (key, text) in enumerate(pairs)
        )

    def _remark(self, path: KeyPath, part: NewTree) -> str:
        """Return the comment after a new list, which is that of its only alias."""
        only = next(iter(part)) if kind(path) == "aliases" and len(part) == 1 else None
        return self.remarks.get(only, "") if only is not None else ""

    def text(self, path: KeyPath, text: str, column: int) -> tuple[str, str]:
        """Return the text after a key in `column`, and the lines below it."""
        block = self.literal(text, column + self.step(path)) if "\n" in text else None
        if block is not None:
            return block
        return (text if is_bare(path) else scalar(text)), ""

    def is_flow(self, path: KeyPath) -> bool:
        """Return whether the part at such a path is in flow style."""
        default = "flow" if kind(path) == "aliases" else "block"
        return self.styles.get((kind(path), len(path)), default) == "flow"


def layout_of(root: Node, text: str) -> Layout:
    """Return the layout of a file."""
    parts = list(_parts(root, ()))
    blocks = [part for part in parts if part.value.style == "block"]
    return Layout(
        newline="\r\n" if "\r\n" in text else "\n",
        is_open=not text.endswith("\n"),
        steps=_first((len(p.path), p.indent) for p in blocks if kind(p.path) not in _LISTS),
        styles=_first(((kind(p.path), len(p.path)), p.value.style) for p in parts if p.value.items),
        dash=next((part.indent for part in blocks if kind(part.path) == "aliases"), _STEP),
        quote=next((part.key.style for part in parts if kind(part.path) == "entry"), ""),
    )


class _Part(NamedTuple):
    path: KeyPath
    key: Node
    value: Node

    @property
    def indent(self) -> int:
        return self.value.column - self.key.column


def _parts(node: Node, path: KeyPath) -> Iterator[_Part]:
    for key, value in node.items:
        if key is not None:
            within = (*path, key.text)
            yield _Part(within, key, value)
            yield from _parts(value, within)


def _consumers(names: NewTree, *, flow: bool) -> Iterator[list[tuple[str, str]]]:
    """Yield the keys and written values of each new consumer, in the usual order."""
    for name, loaded in names.items():
        for loads, rest in loaded.items() if isinstance(loaded, dict) else ():
            texts = {"name": name, "loads": loads, **(rest if isinstance(rest, dict) else {})}
            yield [
                (key, _consumer_text(str(texts[key]), flow=flow))
                for key in _CONSUMER
                if key in texts
            ]


def _consumer_text(text: str, *, flow: bool) -> str:
    # A number is read as it is written, and an alias has to be quoted.
    return text if text.isdecimal() else scalar(text, flow=flow, style='"' * text.startswith("@"))


def _first(pairs: Iterable[tuple[K, V]]) -> dict[K, V]:
    """Return the first value of every key."""
    found: dict[K, V] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found


def _present(path: KeyPath, parts: NewTree) -> Iterator[tuple[str, NewPart]]:
    """Return new parts in the file's order."""
    return ((name, parts[name]) for name, _ in in_order(path, (), tuple(parts)))
