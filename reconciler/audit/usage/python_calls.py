"""Which model a call of MLflow's client or of one of its flavours loads."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reconciler.audit.usage.model_uri import GAP, SCHEME, as_stage
from reconciler.audit.usage.python_names import NameScope, ProgramNames
from reconciler.audit.usage.python_strings import Texts

# function → the position and the name of the argument that is the URI
_BY_URI: Final = {
    "load_model": (0, "model_uri"),
    "spark_udf": (1, "model_uri"),
    "get_model_info": (0, "model_uri"),
    "get_model_dependencies": (0, "model_uri"),
    "download_artifacts": (0, "artifact_uri"),
}
_BY_NAME: Final = {
    "get_latest_versions": "stages",
    "get_model_version_by_alias": "alias",
    "get_model_version": "version",
    "get_model_version_download_uri": "version",
}
_EVERY_STAGE: Final = "without `stages` it reads the newest version of every stage"
_MOST_ORIGINS: Final = 40


@dataclass(frozen=True)
class CalledLoad:
    """What a call loads; `why` it is not known, where it is not."""

    model: str | None = None
    loads: str | None = None
    why: str | None = None


@dataclass(frozen=True)
class Calls:
    """Reads the calls of one file."""

    names: ProgramNames
    texts: Texts

    def loads(self, call: ast.Call, scope: NameScope) -> Iterator[CalledLoad]:
        """Yield what a call loads, nothing where a `models:/…` in this file already says it."""
        dotted = self.names.dotted(call.func) or ""
        function = dotted.rpartition(".")[2]
        if function in _BY_URI and dotted.startswith("mlflow."):
            why = self._why_no_uri(call, function, scope)
            if why:
                yield CalledLoad(why=why)
        elif isinstance(call.func, ast.Attribute) and self._is_client(call.func, call):
            yield from self._by_name(call, call.func.attr, scope)

    def _is_client(self, function: ast.Attribute, call: ast.Call) -> bool:
        """Return whether a method is that of MLflow's client: others have such names, too."""
        if function.attr not in _BY_NAME:
            return False
        if isinstance(function.value, ast.Name) and function.value.id in ("self", "cls"):
            return False
        words = {word.arg for word in call.keywords}
        is_telling = function.attr == "get_model_version_by_alias" or "stages" in words
        return is_telling or self.names.imports_mlflow

    def _why_no_uri(self, call: ast.Call, function: str, scope: NameScope) -> str | None:
        """Return why nothing in this file tells the URI of a call, None where something does."""
        node = _argument(call, *_BY_URI[function])
        if node is None:
            is_local = function == "download_artifacts" or not _is_open(call)
            return None if is_local else "its arguments are known only when the program runs"
        return None if self._is_told(node, scope) else unknown_at_run_time([node])

    def _is_told(self, node: ast.expr, scope: NameScope) -> bool:
        """Return whether a value comes from a text of this file, or is no model of a registry."""
        pending, seen, is_any = [(node, scope)], set[ast.expr](), False
        while pending and len(seen) < _MOST_ORIGINS and self.texts.may_look_up():
            origin, place = pending.pop()
            if origin in seen:
                continue
            seen.add(origin)
            pieces = self.texts.pieces(origin, place)
            text = "".join(GAP if piece.hole is not None else piece.text for piece in pieces)
            if SCHEME in text:
                return True
            if not text.startswith(GAP):
                is_any = True  # a path, or `runs:/…`
                continue
            hole = next(piece.hole for piece in pieces if piece.hole is not None)
            if hole is not origin and len(pieces) > 1 and not text.strip(GAP):
                continue
            pending += self._origins(hole, place)
        return is_any and len(seen) == 1

    def _origins(self, node: ast.expr, scope: NameScope) -> list[tuple[ast.expr, NameScope]]:
        """Return the values that a dynamic value may have, as far as the file shows them."""
        match node:
            case ast.IfExp():
                return [(node.body, scope), (node.orelse, scope)]
            case ast.BoolOp():
                return [(value, scope) for value in node.values]
            case ast.Call():
                return [(argument, scope) for argument in (*node.args[1:], *_values(node))]
            case ast.Name():
                return self._of_name(node.id, scope)
            case ast.Attribute():
                stores = self.names.attributes.get(node.attr, [])
                options = self.names.options.get(node.attr, [])
                return [
                    *((value, owner) for value, owner in stores[:_MOST_ORIGINS] if value),
                    *((value, self.names.module) for value in options[:_MOST_ORIGINS]),
                ]
            case _:
                return []

    def _of_name(self, name: str, scope: NameScope) -> list[tuple[ast.expr, NameScope]]:
        owner = scope.of(name)
        if owner is None:
            return []
        values = [value for value in owner.names[name][:_MOST_ORIGINS] if value is not None]
        if name in owner.defaults:
            values.append(owner.defaults[name])
        if owner.kind == "function":
            values += self.names.options.get(name, [])
        return [(value, owner) for value in values[:_MOST_ORIGINS]]

    def _by_name(self, call: ast.Call, function: str, scope: NameScope) -> Iterator[CalledLoad]:
        other = _BY_NAME[function]
        name, selector = _argument(call, 0, "name"), _argument(call, 1, other)
        if name is None or (selector is None and (other != "stages" or _is_open(call))):
            if _is_open(call):
                yield CalledLoad(why="its arguments are known only when the program runs")
            return
        model = self.texts.known(name, scope)
        if selector is None or (isinstance(selector, ast.Constant) and selector.value is None):
            yield CalledLoad(why=_EVERY_STAGE)
            return
        words = self._words(selector, scope, is_list=other == "stages")
        if model is None or words is None:
            missing = [name] if model is None else []
            yield CalledLoad(why=unknown_at_run_time([*missing, *([selector] * (words is None))]))
            return
        for word in words:
            yield CalledLoad(model, f"@{word}" if other == "alias" else word)

    def _words(self, node: ast.expr, scope: NameScope, *, is_list: bool) -> list[str] | None:
        """Return the stages, or the one alias or version, of a call."""
        if not is_list:
            word = self.texts.known(node, scope)
            return None if word is None else [word]
        if isinstance(node, ast.Name):
            node, scope = self.texts.assigned(node, scope) or (node, scope)
        if not isinstance(node, ast.List | ast.Tuple):
            return None
        words = [self.texts.known(part, scope) for part in node.elts]
        stages = [as_stage(word) for word in words if word is not None]
        known = [stage for stage in stages if stage is not None]
        return known if len(known) == len(words) else None


def unknown_at_run_time(nodes: list[ast.expr]) -> str:
    """Return the sentence that says which expressions only the running program knows."""
    sources = list(dict.fromkeys(f"`{shown(node)}`" for node in nodes))
    verb = "are" if len(sources) > 1 else "is"
    return f"{' and '.join(sources)} {verb} known only when the program runs"


def shown(node: ast.AST) -> str:
    """Return the source of an expression in one line, shortened where it is long."""
    try:
        source = ast.unparse(node)
    except (RecursionError, ValueError):
        return "…"
    source = " ".join(source.split())
    return source if len(source) <= 120 else f"{source[:119]}…"  # noqa: PLR2004  a line


def _argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    given = next((word.value for word in call.keywords if word.arg == name), None)
    if given is not None or any(isinstance(node, ast.Starred) for node in call.args):
        return given
    return call.args[position] if len(call.args) > position else None


def _is_open(call: ast.Call) -> bool:
    """Return whether a call passes on arguments that are not written in it."""
    return any(isinstance(node, ast.Starred) for node in call.args) or any(
        word.arg is None for word in call.keywords
    )


def _values(call: ast.Call) -> list[ast.expr]:
    return [word.value for word in call.keywords if word.arg]
