"""Signatures as the source has them: `inspect` writes annotations otherwise in each Python."""

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

_WIDTH = 88


@dataclass(frozen=True, slots=True)
class Member:
    """A public name: its docstring, its type or value, and the parameters of what is called."""

    name: str
    doc: str
    type: str
    parameters: tuple[str, ...] | None = None

    def signature(self, shown: str) -> str:
        """Return how it is called under a name, in one line where that is not too long."""
        parameters = self.parameters or ()
        line = f"{shown}({', '.join(parameters)}) -> {self.type}"
        if len(line) <= _WIDTH:
            return line
        return "\n".join(
            [f"{shown}(", *(f"    {each}," for each in parameters), f") -> {self.type}"]
        )


def function(called: Callable[..., Any]) -> Member:
    """Return a function of a module as the source has it."""
    tree = _tree(called.__module__)
    return next(
        _called(item)
        for item in tree.body
        if isinstance(item, ast.FunctionDef) and item.name == called.__name__
    )


def members(cls: type) -> dict[str, Member]:
    """Return the public names that a class defines; of overloads the last, which is what runs."""
    body = next(
        item.body
        for item in _tree(cls.__module__).body
        if isinstance(item, ast.ClassDef) and item.name == cls.__name__
    )
    found = [member for item in body for member in _member(item)]
    return {member.name: member for member in found if not member.name.startswith("_")}


@cache
def aliases(module: str) -> dict[str, str]:
    """Return the type aliases that a module defines, or imports from another of ours."""
    found: dict[str, str] = {}
    for item in ast.walk(_tree(module)):
        match item:
            case ast.ImportFrom(module=str(other), names=names) if other.startswith("reconciler."):
                there = {each.name for each in names}
                found |= {name: of for name, of in aliases(other).items() if name in there}
            case ast.AnnAssign(
                target=ast.Name(id=name), annotation=ast.Name(id="TypeAlias"), value=value
            ):
                found[name] = _text(value)
            case _:
                pass
    return found


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(import_module(module)))


def _member(item: ast.stmt) -> Iterator[Member]:
    match item:
        case ast.FunctionDef() if any(_text(mark) == "property" for mark in item.decorator_list):
            yield Member(item.name, _doc(item), _text(item.returns))
        case ast.FunctionDef():
            yield _called(item)
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
            yield Member(name, "", _text(annotation))
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield Member(name, "", _text(value))
        case _:
            pass


def _called(item: ast.FunctionDef) -> Member:
    return Member(item.name, _doc(item), _text(item.returns), tuple(_parameters(item.args)))


def _doc(item: ast.FunctionDef) -> str:
    return ast.get_docstring(item) or ""


def _text(node: ast.expr | None) -> str:
    return ast.unparse(node).replace("'", '"') if node is not None else "None"


def _parameters(arguments: ast.arguments) -> Iterator[str]:
    """Yield each parameter but `self`, and the `*` before those that are named."""
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [*[None] * (len(positional) - len(arguments.defaults)), *arguments.defaults]
    for argument, default in zip(positional, defaults, strict=True):
        if argument.arg != "self":
            yield _parameter(argument, default)
    if arguments.vararg is not None:
        yield f"*{_parameter(arguments.vararg, None)}"
    elif arguments.kwonlyargs:
        yield "*"
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _parameter(argument, default)


def _parameter(argument: ast.arg, default: ast.expr | None) -> str:
    kind = f": {_text(argument.annotation)}" if argument.annotation is not None else ""
    return f"{argument.arg}{kind}" + (f" = {_text(default)}" if default is not None else "")
