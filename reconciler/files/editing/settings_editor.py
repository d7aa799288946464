"""Edits `reconciler.yaml` in place: every byte that is not edited stays the same.

Positions say where to cut and insert, as for model files; here an edit names a place by its keys
and indices, because settings are nested in more ways than models are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.core.settings import Settings
from reconciler.errors import DeclarationError, ExitCode, Problem, without_places
from reconciler.files.editing.text_edits import SplicedText
from reconciler.files.editing.yaml_nodes import Node, NoMapping, compose, scalar
from reconciler.files.loader import parse_settings

SettingsPath: TypeAlias = tuple[str | int, ...]

_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class AddKey:
    """Add a key to the mapping at `within`; `text` is its value as it is written in YAML."""

    within: SettingsPath
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class AddItem:
    """Add a text to the end of the list at `within`."""

    within: SettingsPath
    item: str


@dataclass(frozen=True, slots=True)
class RenameKey:
    """Rename the key at `path`, and replace the texts of its value: one, or those of a list."""

    path: SettingsPath
    key: str
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cut:
    """Remove the key or the item at `path`."""

    path: SettingsPath


SettingsEdit: TypeAlias = AddKey | AddItem | RenameKey | Cut


def edit_settings(data: bytes, edits: Sequence[SettingsEdit], after: Settings, file: str) -> bytes:
    """Return a settings file after edits; what it says then is exactly `after`.

    Raises `DeclarationError` where the layout of the file cannot be edited in place, or what is
    asked for would be wrong.
    """
    text = data.decode()
    bom = _BOM * text.startswith(_BOM)
    text = text.removeprefix(bom)
    try:
        result = (bom + _edited(text, edits)).encode()
        is_right = parse_settings(result, file) == after
    except (NoMapping, LookupError) as error:
        raise _by_hand(file) from error
    except DeclarationError as error:
        raise without_places(error) from error
    if not is_right:
        raise _by_hand(file)
    return result


def written(data: bytes) -> frozenset[SettingsPath]:
    """Return every place that a settings file has, by its keys and indices."""
    try:
        return frozenset(_places(_root(data.decode().removeprefix(_BOM)), ()))
    except NoMapping:
        return frozenset()


def _places(node: Node, path: SettingsPath) -> Iterator[SettingsPath]:
    for index, (key, value) in enumerate(node.items):
        place = (*path, index if key is None else key.text)
        yield place
        yield from _places(value, place)


def _edited(text: str, edits: Sequence[SettingsEdit]) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    if text and not text.endswith("\n"):
        text += newline
    root = _root(text)
    spliced = SplicedText(text)
    for edit in edits:
        match edit:
            case AddKey(within, key, value):
                line = f"{scalar(key, flow=True)}: {value}"
                _add(spliced, _at(root, within), line, line, newline)
            case AddItem(within, item):
                flow, block = scalar(item, flow=True), f"- {scalar(item)}"
                _add(spliced, _at(root, within), flow, block, newline)
            case RenameKey(path, key, texts):
                _rename(spliced, root, path, key, texts)
            case Cut(path):
                _cut(spliced, _at(root, path[:-1]), path[-1])
    return spliced.result()


def _root(text: str) -> Node:
    """Return the mapping that a text is; a text without any value is an empty one."""
    lines = (line.strip() for line in text.splitlines())
    if all(not line or line.startswith("#") for line in lines):
        return Node(len(text), len(text), 0, "block")
    return compose(text)


def _at(root: Node, path: SettingsPath) -> Node:
    """Return what is at a path; raises `LookupError` where nothing is."""
    node = root
    for part in path:
        node = node.items[_index(node, part)][1]
    return node


def _index(node: Node, part: str | int) -> int:
    if isinstance(part, int):
        return part
    keys = [key.text if key is not None else "" for key, _ in node.items]
    if part not in keys:
        raise LookupError(part)
    return keys.index(part)


def _add(spliced: SplicedText, node: Node, flow: str, block: str, newline: str) -> None:
    """Add an entry to the end of a mapping or a list, in the style that it has."""
    if node.style == "block":
        at = spliced.below(node.end, node.column) if node.items else node.end
        spliced.insert(at, " " * node.column + block + newline)
    elif node.items:
        spliced.insert(node.items[-1][1].end, f", {flow}")
    else:
        spliced.replace(node.start + 1, node.end - 1, flow)


def _rename(
    spliced: SplicedText, root: Node, path: SettingsPath, name: str, texts: Mapping[str, str]
) -> None:
    parent = _at(root, path[:-1])
    key, value = parent.items[_index(parent, path[-1])]
    if key is None:
        raise LookupError(path)
    spliced.replace(key.start, key.end, name)
    for node in [item for _, item in value.items] or [value]:
        style = node.style if node.style in ("'", '"') else ""
        written = scalar(texts[node.text], flow=True, style=style)
        spliced.replace(node.start, node.end, written)


def _cut(spliced: SplicedText, parent: Node, part: str | int) -> None:
    spans = [((key or value).start, value.end) for key, value in parent.items]
    index = _index(parent, part)
    start, end = spans[index]
    if parent.style == "block":
        spliced.cut_lines(start, end)
    elif index + 1 < len(spans):
        spliced.cut(start, spans[index + 1][0])
    else:
        spliced.cut(spans[index - 1][1] if index else start, end)


def _by_hand(file: str) -> DeclarationError:
    message = "the layout of this file cannot be edited in place"
    hint = "write each setting on a line of its own, as `serving: {stage: Production}`"
    return DeclarationError([Problem(message, ExitCode.DECLARATION, file=file, hint=hint)])
