"""Which texts of a Python program only people read: messages, help, descriptions."""

import ast
import re
from collections.abc import Iterator
from typing import Final

_TELLING: Final = frozenset(
    (
        *("print", "pprint", "echo", "secho", "warn", "fail", "skip", "exit"),
        *("debug", "info", "warning", "error", "critical", "exception", "fatal", "log"),
    )
)
_TOLD_KEYWORDS: Final = frozenset(
    (
        *("help", "description", "epilog", "usage", "metavar", "title", "summary", "doc"),
        *("doc_md", "message", "msg", "reason", "example", "examples", "short_help", "label"),
    )
)
_TOLD_NAMES: Final = re.compile(
    r"(?:^|_)(?:docs?|help|usage|description|epilog|readme|msg|message|hint)_*$", re.IGNORECASE
)


def told(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions directly in a node that only people read."""
    match node:
        case ast.Expr(value=ast.Constant() | ast.JoinedStr()):
            yield node.value
        case ast.Raise(exc=ast.Call() as call):
            yield from _arguments(call)
        case ast.Assert(msg=ast.expr() as message):
            yield message
        case ast.Call():
            if _name(node.func) in _TELLING:
                yield from _arguments(node)
            yield from (word.value for word in node.keywords if word.arg in _TOLD_KEYWORDS)
        case ast.Assign(targets=[ast.Name() | ast.Attribute() as target]):
            if _TOLD_NAMES.search(_name(target)):
                yield node.value
        case _:
            pass


def _arguments(call: ast.Call) -> Iterator[ast.expr]:
    yield from call.args
    yield from (word.value for word in call.keywords)


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return node.attr
        case _:
            return ""
