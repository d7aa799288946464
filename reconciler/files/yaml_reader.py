"""Reads one YAML file: its texts, the position of each, and what is wrong."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Final

import yaml

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without its C half: the same nodes, ten times slower
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

from reconciler.core.state import Declaration
from reconciler.errors import ExitCode, Problem
from reconciler.files import familiar_mistakes, messages
from reconciler.files.editing.scalar_positions import Position, WrittenScalar
from reconciler.files.messages import Complaint, Within
from reconciler.files.schema import cross_checks, from_yaml
from reconciler.files.schema.file_schema import Checked, FileT
from reconciler.files.schema.model_schema import MODEL, ModelFile
from reconciler.files.schema.name_rules import quoted

LARGEST: Final = 1_000_000
_DEPTH: Final = 20
_MANY: Final = 200
_MOST_PARTS: Final = 150_000  # lines and commas: each may begin a node
_SEEN: Final = 20  # characters after a scalar, enough to see a comment
_START: Final[Position] = (1, 1)
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_OWN_TAGS: Final = "tag:yaml.org,2002:"
_ODD_KEYS: Final = _NULLS | {"<<"}
_NO_TEXT: Final = re.compile("[\0\ud800-\udfff]")
_NO_YAML: Final = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Composer(_Loader):
    """Composes nodes without resolving their tags: only the text of a scalar counts."""

    def resolve(self, *_: object) -> str:
        return ""

    def descend_resolver(self, *_: object) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass


class Source:
    """One file while it is read: its nodes with their positions, and its problems.

    `notes` are the problems with their positions. `plain` is the nested text of the file, and
    `faulty` are the paths whose form is wrong.
    """

    def __init__(self, file: str) -> None:
        self.notes: list[tuple[Position, str, str | None]] = []
        self.plain: object = None
        self.faulty: tuple[Within, ...] = ()
        self._text = ""
        self._file = file
        self._model: str | None = None
        self._root: yaml.Node | None = None
        self._places: dict[Within, tuple[Position, Position]] = {}
        self._templates: set[Position] = set()

    def model(self, data: bytes) -> ModelFile | None:
        """Return the valid part of a model file, None when there is none."""
        stem = PurePosixPath(self._file).stem
        content = self.content(MODEL.check_parts, data, model=stem)
        if content is not None:
            self._model = content.get("model")
            self.complain(cross_checks.aliases_once(content))
        return content

    def content(
        self, check: Callable[[object], Checked[FileT]], data: bytes, **defaults: str
    ) -> FileT | None:
        """Return the result of `check` for a file, None when the file has no content to check."""
        text = self._decoded(data)
        if text is None or not self._composed(text):
            return None
        plain = self.plain = None if self._root is None else self._plain(self._root)
        if self._is_full:
            return None
        if self._root is not None and "\\" in text:
            self._note_half_texts(self._root)
        if isinstance(plain, dict):
            plain = {**defaults, **plain}
        content, faults = check(plain)
        self.faulty = tuple(fault.path for fault in faults)
        self.complain(messages.worded(fault) for fault in faults)
        return content

    def declaration(self, content: ModelFile) -> Declaration:
        """Return what the content declares, with its lines."""
        versions = self._top("versions")
        pairs = versions.value if isinstance(versions, yaml.MappingNode) else ()
        numbers = [key for key, _ in pairs if isinstance(key, yaml.ScalarNode)]
        return from_yaml.declaration(
            content,
            name=self._file,
            line=self.top_place("model")[0],
            version_lines={key.value: key.start_mark.line + 1 for key in numbers},
            watch_lines=self.lines("watch"),
            consumer_places=self._places_below("consumers", "loads"),
        )

    def complain(self, complaints: Iterable[Complaint]) -> None:
        """Note complaints at their positions."""
        for complaint in complaints:
            if self._is_full:
                return
            place, hint = self._place(complaint.path, at_key=complaint.at_key), complaint.hint
            if place in self._templates:  # it was told, and its form means nothing
                continue
            written = self._written(complaint.path) if complaint.inside else None
            if complaint.inside and written:
                place = written.place_of(complaint.inside)
                hint = messages.cut_by_comment(complaint.path[-1]) if written.is_cut else hint
            self._note_at(place, complaint.message, hint)

    def problems(self, code: ExitCode = ExitCode.DECLARATION) -> tuple[Problem, ...]:
        """Return the noted problems."""
        notes = self.notes
        if self._is_full:
            notes = [*notes, (_START, *messages.AND_MORE)]
        return tuple(
            Problem(message, code, self._file, *place, model=self._model, hint=hint)
            for place, message, hint in notes
        )

    def top_place(self, key: str) -> Position:
        """Return the position of a top-level key's value; the start of the file without it."""
        node = self._top(key) or self._root
        return _START if node is None else _begin(node)

    def _top(self, name: str) -> yaml.Node | None:
        # Called for every file: an index of all positions would cost too much.
        pairs = self._root.value if isinstance(self._root, yaml.MappingNode) else ()
        return next((value for key, value in pairs if key.value == name), None)

    def line_of(self, path: Within) -> int | None:
        """Return the line of the key or item at a path, None where the file has none."""
        self._index()
        return self._places[path][0][0] if path in self._places else None

    def _index(self) -> None:
        if not self._places and self._root is not None:
            for within, places in _places(self._root, ()):
                self._places.setdefault(within, places)

    def _place(self, path: Within, *, at_key: bool) -> Position:
        self._index()
        for end in range(len(path), -1, -1):
            if path[:end] in self._places:
                key, value = self._places[path[:end]]
                return key if at_key and end == len(path) else value
        return _START

    def lines(self, key: str) -> tuple[int, ...]:
        """Return the line of each item below a top-level key."""
        node = self._top(key)
        items = node.value if isinstance(node, yaml.SequenceNode) else ()
        return tuple(_begin(item)[0] for item in items)

    def _places_below(self, key: str, inner: str) -> tuple[Position, ...]:
        """Return the position of a key's value in each item below a top-level key."""
        node = self._top(key)
        items = node.value if isinstance(node, yaml.SequenceNode) else ()
        places = []
        for item in items:
            pairs = item.value if isinstance(item, yaml.MappingNode) else ()
            places.append(_begin(next((v for k, v in pairs if k.value == inner), item)))
        return tuple(places)

    def _written(self, path: Within) -> WrittenScalar | None:
        node = self._root
        for part in path:
            if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                node = node.value[part]
            elif isinstance(node, yaml.MappingNode):
                node = next((value for key, value in node.value if key.value == part), None)
        if not isinstance(node, yaml.ScalarNode) or not node.start_mark or not node.end_mark:
            return None
        start, end = node.start_mark.index, node.end_mark.index
        after = self._text[end : end + _SEEN].partition("\n")[0]
        return WrittenScalar(
            self._text[start:end], node.style or "", node.value, _begin(node), after
        )

    def _note(self, node: yaml.Node | yaml.Event, message: str, hint: str) -> None:
        self._note_at(_begin(node), message, hint)

    def _note_at(self, place: Position, message: str, hint: str | None) -> None:
        if not self._is_full:
            self.notes.append((place, message, hint))

    @property
    def _is_full(self) -> bool:
        return len(self.notes) >= messages.MOST

    def _decoded(self, data: bytes) -> str | None:
        hint = "was another file committed under this name?"
        if len(data) > LARGEST:
            self.notes.append((_START, f"the file is larger than {LARGEST:,} bytes", hint))
            return None
        if sum(map(data.count, (b",", b"\n"))) + data.count(b"\r") // 2 > _MOST_PARTS:
            self.notes.append((_START, f"the file has more than {_MOST_PARTS:,} parts", hint))
            return None
        hint = "save it as UTF-8"
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            self.notes.append((_START, "the file is UTF-16, not UTF-8", hint))
            return None
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = data[: error.start].decode("utf-8-sig", "replace")
            self.notes.append((_end(before), "the file is not UTF-8", hint))
            return None

    def _composed(self, text: str) -> bool:
        """Set the root node; return False when the text is not YAML, or not safe to parse."""
        conflict = familiar_mistakes.conflict_at(text)
        if conflict is not None:
            self.notes.append((_end(text[:conflict]), *familiar_mistakes.CONFLICT))
            return False
        try:
            if _may_hide(text) and not self._is_plain_yaml(text):
                return False
            self._root = _Composer(text).get_single_node()
            self._text = text
        except yaml.MarkedYAMLError as error:
            self._note_no_yaml(error, text)
            return False
        except yaml.YAMLError:
            odd = _NO_YAML.search(text)
            place = _START if odd is None else _end(text[: odd.start()])
            what = f"U+{ord(odd[0]):04X}" if odd else "a character"
            hint = 'remove it, or write it as an escape inside of "double quotes"'
            self.notes.append((place, f"{what} is not allowed in a YAML file", hint))
            return False
        except RecursionError:
            self.notes.append((_START, *messages.TOO_DEEP))
            return False
        return True

    def _note_no_yaml(self, error: yaml.MarkedYAMLError, text: str) -> None:
        marks = [mark for mark in (error.problem_mark, error.context_mark) if mark is not None]
        for mark in marks:
            line = _line_at(text, mark.index)
            if familiar_mistakes.is_template(line):
                self.notes.append(((mark.line + 1, mark.column + 1), *familiar_mistakes.TEMPLATE))
                return
            words = messages.not_plain(line)
            if words is not None:
                self.notes.append(((mark.line + 1, mark.column + 1), *words))
                return
        place, at = _START, ""
        for mark in marks[:1]:
            place, at = (mark.line + 1, mark.column + 1), text[mark.index : mark.index + 1]
        words = messages.did_not_parse(error.problem or "", error.context or "", at)
        self.notes.append((place, *words))

    def _is_plain_yaml(self, text: str) -> bool:
        """Note anchors and tags, which nodes hide; return False where composing is unsafe."""
        depth, is_safe = 0, True
        for event in yaml.parse(text, Loader=_Composer):
            if isinstance(event, yaml.AliasEvent):
                hint = "write the value out; one that begins with `*` needs quotes"
                self._note(event, f"{quoted('*' + str(event.anchor))} is a YAML alias", hint)
                is_safe = False
                continue
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > _DEPTH:
                self._note(event, *messages.TOO_DEEP)
                return False
            self._note_marks(event)
            if self._is_full:
                return False
        return is_safe

    def _note_marks(self, event: yaml.Event) -> None:
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if anchor is not None:
            hint = "write the value out where it is used; one that begins with `&` needs quotes"
            self._note(event, f"{quoted('&' + anchor)} is a YAML anchor", hint)
        if tag is not None:
            hint = "remove it; a text that begins with `!` needs quotes"
            self._note(event, f"{quoted(tag.replace(_OWN_TAGS, '!!'))} is a YAML tag", hint)

    def _plain(self, node: yaml.Node, depth: int = 0) -> object:
        """Return the texts of a node and below, each as it is written, and None for a null."""
        if type(node) is yaml.ScalarNode:
            return None if node.value in _NULLS and not node.style else node.value
        if depth == _DEPTH:
            return ""  # Nothing is valid at this depth: the schema reports a level above.
        if type(node) is yaml.SequenceNode:
            return [self._plain(item, depth + 1) for item in node.value]
        content: dict[str, object] = {}
        for key, value in node.value:
            name = key.value
            if type(key) is not yaml.ScalarNode:
                self._note_odd_key(node, key)
            elif name in _ODD_KEYS and not key.style:
                why = "a merge key" if name == "<<" else "null"
                hint = "write the key out, in quotes if it is meant as text"
                self._note(key, f"{quoted(name)} as a key is {why}", hint)
            elif name in content:
                self._note(key, f"{quoted(name)} is here twice", "remove one of them")
            else:
                content[name] = self._plain(value, depth + 1)
        return content

    def _note_odd_key(self, node: yaml.Node, key: yaml.Node) -> None:
        if node.start_mark and self._text.startswith("{{", node.start_mark.index):
            self._templates.add(_begin(node))
            self._note(node, *familiar_mistakes.TEMPLATE)
        else:
            self._note(key, "a key must be text", "remove the brackets")

    def _note_half_texts(self, node: yaml.Node, depth: int = 0) -> None:
        """Note texts that no registry accepts and only escapes can write."""
        if isinstance(node, yaml.ScalarNode):
            if _NO_TEXT.search(node.value):
                self._note(node, "a text may not contain NUL or a lone surrogate", "remove it")
        elif depth < _DEPTH:
            for item in node.value:
                for part in item if isinstance(item, tuple) else (item,):
                    self._note_half_texts(part, depth + 1)


def _may_hide(text: str) -> bool:
    """Return whether a text may have what nodes do not show, or nest too deeply for C."""
    if "&" in text or "*" in text or "!" in text:
        return True
    return text.count("[") + text.count("{") + text.count("-") + text.count("?") > _MANY


def _places(node: yaml.Node, path: Within) -> Iterator[tuple[Within, tuple[Position, Position]]]:
    """Yield the positions of every key and its value."""
    if not path:
        yield path, (_begin(node), _begin(node))
    if len(path) == _DEPTH:
        return
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield (*path, key.value), (_begin(key), _begin(value))
                yield from _places(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*path, index), (_begin(item), _begin(item))
            yield from _places(item, (*path, index))


def _begin(node: yaml.Node | yaml.Event) -> Position:
    mark = node.start_mark
    return _START if mark is None else (mark.line + 1, mark.column + 1)


def _line_at(text: str, index: int) -> str:
    return text[text.rfind("\n", 0, index) + 1 :].partition("\n")[0]


def _end(text: str) -> Position:
    """Return the position after a text."""
    return text.count("\n") + 1, len(text) - text.rfind("\n")
