"""The names of a Python file: what is assigned to each, and what it imports."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass
class NameScope:
    """A module, function or class; an assigned value is None where it cannot be read."""

    kind: str
    parent: "NameScope | None" = None
    names: dict[str, list[ast.expr | None]] = field(default_factory=lambda: defaultdict(list))
    defaults: dict[str, ast.expr] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)  # `global` and `nonlocal`
    is_plain_class: bool = False

    def of(self, name: str) -> "NameScope | None":
        """Return the scope that a name belongs to when it is read here, None for a builtin."""
        scope: NameScope | None = self
        is_own = True
        while scope is not None:
            if name in scope.names and (is_own or scope.kind != "class"):
                return scope
            scope, is_own = scope.parent, False
        return None


@dataclass
class ProgramNames:
    """The scopes of a file by the node that opens them, its imports and its attributes."""

    module: NameScope
    scopes: dict[ast.AST, NameScope] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    # attribute → each value that is assigned to it, with its scope
    attributes: dict[str, list[tuple[ast.expr | None, NameScope]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    options: dict[str, list[ast.expr]] = field(default_factory=lambda: defaultdict(list))

    @property
    def imports_mlflow(self) -> bool:
        """Return whether the file imports MLflow, or a part of it."""
        return any(name.partition(".")[0] == "mlflow" for name in self.imports.values())

    def dotted(self, node: ast.expr) -> str | None:
        """Return the dotted name of a function with its imports resolved, None for a value's."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        return ".".join([self.imports.get(node.id, node.id), *reversed(parts)])


def read_names(tree: ast.Module) -> ProgramNames:
    """Return the names of a file; reads the tree without recursion."""
    names = ProgramNames(NameScope("module"))
    pending: list[tuple[ast.AST, NameScope]] = [(tree, names.module)]
    while pending:
        node, scope = pending.pop()
        inner = _opened(node, scope)
        if inner is not scope:
            names.scopes[node] = inner
        _note(node, scope, inner, names)
        pending.extend((child, inner) for child in ast.iter_child_nodes(node))
    for scope in names.scopes.values():
        for name in scope.elsewhere & set(scope.names):
            names.module.names[name] += [None, *scope.names.pop(name)]
    return names


def _opened(node: ast.AST, scope: NameScope) -> NameScope:
    if isinstance(node, _FUNCTIONS):
        return NameScope("function", scope)
    if isinstance(node, _COMPREHENSIONS):
        return NameScope("function", scope)
    if isinstance(node, ast.ClassDef):
        bases = {base.id if isinstance(base, ast.Name) else "" for base in node.bases}
        is_plain = not node.decorator_list and not node.keywords and bases <= {"object"}
        return NameScope("class", scope, is_plain_class=is_plain)
    return scope


def _note(node: ast.AST, scope: NameScope, inner: NameScope, names: ProgramNames) -> None:
    """Note what a node assigns, declares or imports."""
    match node:
        case ast.Import() | ast.ImportFrom():
            _note_import(node, scope, names)
        case ast.Global() | ast.Nonlocal():
            scope.elsewhere |= set(node.names)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            _note_parameters(node.args, inner)
            if not isinstance(node, ast.Lambda):
                scope.names[node.name].append(None)
        case ast.ClassDef():
            scope.names[node.name].append(None)
        case ast.Call():
            _note_option(node, names)
        case ast.ExceptHandler() if node.name:
            scope.names[node.name].append(None)
        case _:
            for target, value in _assigned(node):
                _note_target(target, value, scope, names)


def _assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """Yield the targets of a statement with their values, None where a value cannot be read."""
    match node:
        case ast.Assign():
            yield from ((target, node.value) for target in node.targets)
        case ast.AnnAssign() if node.value is not None:
            yield node.target, node.value
        case ast.NamedExpr():
            yield node.target, node.value
        case ast.AugAssign() | ast.For() | ast.AsyncFor() | ast.comprehension():
            yield node.target, None
        case ast.Delete():
            yield from ((target, None) for target in node.targets)
        case ast.withitem() if node.optional_vars is not None:
            yield node.optional_vars, None
        case ast.MatchAs() | ast.MatchStar() if node.name:
            yield ast.Name(node.name), None
        case _:
            pass


def _note_target(
    target: ast.expr, value: ast.expr | None, scope: NameScope, names: ProgramNames
) -> None:
    match target:
        case ast.Name():
            scope.names[target.id].append(value)
            if scope.kind == "class":
                names.attributes[target.id].append((value, scope))
        case ast.Attribute():
            names.attributes[target.attr].append((value, scope))
        case ast.Tuple() | ast.List():
            values: list[ast.expr | None] = [None] * len(target.elts)
            if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(values):
                values = [*value.elts]
            for part, its in zip(target.elts, values, strict=True):
                if isinstance(part, ast.Name | ast.Attribute):
                    _note_target(part, its, scope, names)
                else:
                    _note_hidden(part, scope)
        case _:
            pass


def _note_hidden(target: ast.expr, scope: NameScope) -> None:
    """Note the names deep in a target: their values cannot be read."""
    for part in ast.walk(target):
        if isinstance(part, ast.Name):
            scope.names[part.id].append(None)


def _note_parameters(arguments: ast.arguments, scope: NameScope) -> None:
    positional = [*arguments.posonlyargs, *arguments.args]
    with_default = positional[len(positional) - len(arguments.defaults) :]
    scope.defaults.update(
        (parameter.arg, default)
        for parameter, default in (
            *zip(with_default, arguments.defaults, strict=True),
            *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
        )
        if default is not None
    )
    several = [arguments.vararg, arguments.kwarg]
    for parameter in (*positional, *arguments.kwonlyargs, *filter(None, several)):
        scope.names[parameter.arg].append(None)


def _note_import(node: ast.Import | ast.ImportFrom, scope: NameScope, names: ProgramNames) -> None:
    for alias in node.names:
        if isinstance(node, ast.Import):
            here = alias.asname or alias.name.partition(".")[0]
            names.imports[here] = alias.name if alias.asname else here
        else:
            here = alias.asname or alias.name
            names.imports[here] = f"{'.' * node.level}{node.module or ''}.{alias.name}"
        scope.names[here].append(None)


def _note_option(call: ast.Call, names: ProgramNames) -> None:
    """Note the default of a command's option, as argparse, click and typer declare it."""
    default = next((word.value for word in call.keywords if word.arg == "default"), None)
    if default is None:
        return
    for argument in call.args:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            option = argument.value.lstrip("-").replace("-", "_")
            if option.isidentifier():
                names.options[option].append(default)
