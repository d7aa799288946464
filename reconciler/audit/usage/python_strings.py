"""Puts together the texts that a Python expression makes, as far as the file alone tells them."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.audit.usage.model_uri import GAP
from reconciler.audit.usage.python_names import NameScope, ProgramNames

# Bounds, so that no file makes this slow: in an expression, and to look up names in a whole file.
_MOST_STEPS: Final = 400
_MOST_LOOKUPS: Final = 100_000
_DEEPEST: Final = 40
_LONGEST: Final = 20_000
_MOST_PIECES: Final = 300
_PERCENT: Final = re.compile(r"%(?:\((\w+)\))?[sd]|%%")
_BRACES: Final = re.compile(r"\{(\w*)(?:![rsa])?(?::[^{}]*)?\}|\{\{|\}\}")
_JOINS: Final = ("os.path.join", "posixpath.join", "path.join")
_SAME_TEXT: Final = ("str", "pathlib.Path", "pathlib.PurePosixPath", "pathlib.PurePath")


@dataclass(frozen=True)
class TextPiece:
    """A part of a text: known, or what is known only at run time (`hole`).

    `name` is the assigned value that it came from, None where the expression has it itself.
    """

    text: str
    hole: ast.expr | None = None
    name: ast.expr | None = None


@dataclass
class Texts:
    """Puts texts together for the expressions of one file."""

    names: ProgramNames
    _steps: int = field(default=0, init=False)
    _lookups: int = field(default=0, init=False)

    def pieces(self, node: ast.expr, scope: NameScope) -> list[TextPiece]:
        """Return the pieces of an expression's text; one hole where nothing of it is known."""
        self._steps = 0
        return self._pieces(node, scope, 0)

    def known(self, node: ast.expr, scope: NameScope) -> str | None:
        """Return the whole text of an expression, None where a part is known only at run time."""
        pieces = self.pieces(node, scope)
        if any(piece.hole is not None for piece in pieces):
            return None
        return "".join(piece.text for piece in pieces)

    def assigned(self, node: ast.expr, scope: NameScope) -> tuple[ast.expr, NameScope] | None:
        """Return the only value that a name or attribute is given, with the scope it stands in."""
        match node:
            case ast.Name():
                owner = scope.of(node.id)
                values = owner.names[node.id] if owner else []
                if owner and len(values) == 1 and values[0] is not None:
                    return values[0], owner
            case ast.Attribute(value=ast.Name(id=holder)):
                stores = self.names.attributes.get(node.attr, [])
                if len(stores) == 1 and self._is_object(holder):
                    value, owner = stores[0]
                    if value is not None and (owner.kind != "class" or owner.is_plain_class):
                        return value, owner
            case _:
                pass
        return None

    def may_look_up(self) -> bool:
        """Return whether a name may be looked up, and count it."""
        self._lookups += 1
        return self._lookups <= _MOST_LOOKUPS

    def _is_object(self, holder: str) -> bool:
        """Return whether an attribute of this name is one of a class of this file."""
        if holder in ("self", "cls"):
            return True
        return holder not in self.names.imports and holder in self.names.module.names

    def _pieces(self, node: ast.expr, scope: NameScope, depth: int) -> list[TextPiece]:
        self._steps += 1
        if self._steps > _MOST_STEPS or depth > _DEEPEST:
            return [TextPiece("", node)]
        found = self._composed(node, scope, depth + 1)
        if found is None or (len(found) > 1 and _is_long(found)):
            return [TextPiece("", node)]
        return found

    def _composed(self, node: ast.expr, scope: NameScope, depth: int) -> list[TextPiece] | None:
        match node:
            case ast.Constant(value=str() | int() as value) if not isinstance(value, bool):
                return [TextPiece(str(value).replace(GAP, " "))]
            case ast.JoinedStr():
                return self._all(node.values, scope, depth)
            case ast.FormattedValue(format_spec=None):
                return self._pieces(node.value, scope, depth)
            case ast.BinOp(op=ast.Add()):
                return self._all([node.left, node.right], scope, depth)
            case ast.BinOp(op=ast.Div()):
                return self._joined("/", [node.left, node.right], scope, depth)
            case ast.BinOp(op=ast.Mod()):
                return self._percent(node, scope, depth)
            case ast.Name() | ast.Attribute():
                return self._looked_up(node, scope, depth)
            case ast.Call():
                return self._called(node, scope, depth)
            case _:
                return None

    def _all(self, nodes: Sequence[ast.expr], scope: NameScope, depth: int) -> list[TextPiece]:
        return [piece for node in nodes for piece in self._pieces(node, scope, depth)]

    def _joined(
        self, separator: str, nodes: Sequence[ast.expr], scope: NameScope, depth: int
    ) -> list[TextPiece]:
        """Return the parts with the separator between them, once where a part ends with it."""
        pieces: list[TextPiece] = []
        for index, node in enumerate(nodes):
            if index and not (pieces and separator == "/" and pieces[-1].text.endswith("/")):
                pieces.append(TextPiece(separator))
            pieces += self._pieces(node, scope, depth)
        return pieces

    def _looked_up(
        self, node: ast.Name | ast.Attribute, scope: NameScope, depth: int
    ) -> list[TextPiece] | None:
        found = self.assigned(node, scope) if self.may_look_up() else None
        if found is None:
            return None
        value, owner = found
        pieces = self._pieces(value, owner, depth)
        if any(piece.hole is value for piece in pieces):
            return None
        return [TextPiece(piece.text, piece.hole, value) for piece in pieces]

    def _called(self, node: ast.Call, scope: NameScope, depth: int) -> list[TextPiece] | None:
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            return None
        function = self.names.dotted(node.func) or ""
        if function in _JOINS and not node.keywords:
            return self._joined("/", node.args, scope, depth)
        if function in _SAME_TEXT and node.args and not node.keywords:
            return self._joined("/", node.args, scope, depth)
        match node:
            case ast.Call(func=ast.Attribute(value=form, attr="format")):
                return self._braces(form, node, scope, depth)
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(value=str(between)), attr="join"),
                args=[ast.List(elts=parts) | ast.Tuple(elts=parts)],
            ):
                return self._joined(between, parts, scope, depth)
            case _:
                return None

    def _percent(self, node: ast.BinOp, scope: NameScope, depth: int) -> list[TextPiece] | None:
        """Return the pieces of `"…%s…" % values`."""
        form = self._form(node.left, scope, depth)
        if form is None:
            return None
        values: dict[str, ast.expr] = {}
        match node.right:
            case ast.Tuple(elts=parts):
                values = {str(index): part for index, part in enumerate(parts)}
            case ast.Dict():
                values = _by_key(node.right)
            case _:
                values = {"0": node.right}
        slots = [
            (found.span(), "%" if found[0] == "%%" else None, found[1])
            for found in _PERCENT.finditer(form.text)
        ]
        return self._filled(form, slots, values, scope, depth)

    def _braces(
        self, form_node: ast.expr, call: ast.Call, scope: NameScope, depth: int
    ) -> list[TextPiece] | None:
        """Return the pieces of `"…{}…".format(values)`."""
        form = self._form(form_node, scope, depth)
        if form is None or any(word.arg is None for word in call.keywords):
            return None
        values = {str(index): part for index, part in enumerate(call.args)}
        values |= {word.arg: word.value for word in call.keywords if word.arg}
        slots = [
            (found.span(), found[0][0] if found[0] in ("{{", "}}") else None, found[1] or None)
            for found in _BRACES.finditer(form.text)
        ]
        return self._filled(form, slots, values, scope, depth)

    def _form(self, node: ast.expr, scope: NameScope, depth: int) -> TextPiece | None:
        """Return the text that values are put into, None where it is not known."""
        pieces = self._pieces(node, scope, depth)
        if any(piece.hole is not None for piece in pieces):
            return None
        if isinstance(node, ast.Constant) and not isinstance(node.value, str):
            return None
        name = next((piece.name for piece in pieces if piece.name is not None), None)
        return TextPiece("".join(piece.text for piece in pieces), name=name)

    def _filled(
        self,
        form: TextPiece,
        slots: Sequence[tuple[tuple[int, int], str | None, str | None]],
        values: dict[str, ast.expr],
        scope: NameScope,
        depth: int,
    ) -> list[TextPiece] | None:
        """Return the text with its slots filled, None where a value is missing.

        A slot has its place, the text it always gives (`%%`), and the name of its value.
        """
        pieces, at, numbers = [], 0, iter(range(len(slots)))
        for (start, end), fixed, key in slots:
            pieces.append(TextPiece(form.text[at:start], name=form.name))
            at = end
            if fixed is not None:
                pieces.append(TextPiece(fixed))
                continue
            value = values.get(key if key is not None else str(next(numbers)))
            if value is None:
                return None
            pieces += self._pieces(value, scope, depth)
        return [*pieces, TextPiece(form.text[at:], name=form.name)]


def _is_long(pieces: list[TextPiece]) -> bool:
    return len(pieces) > _MOST_PIECES or sum(len(piece.text) for piece in pieces) > _LONGEST


def _by_key(node: ast.Dict) -> dict[str, ast.expr]:
    pairs: Iterator[tuple[ast.expr | None, ast.expr]] = zip(node.keys, node.values, strict=True)
    return {
        key.value: value
        for key, value in pairs
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }
