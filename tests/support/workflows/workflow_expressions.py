"""Evaluates the expressions of workflow files as GitHub does; what it does not know is an error."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Contexts = Mapping[str, Any]
Functions = Mapping[str, Callable[..., Any]]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>\d+)|(?P<word>[A-Za-z_][\w-]*)"
    r"|(?P<sign>==|!=|&&|\|\||[!().,]))"
)
_WORDS = {"true": True, "false": False, "null": None}
_STATUS = re.compile(r"\b(always|cancelled|success|failure)\(")
_INSERTED = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


class UnknownError(AssertionError):
    """Something in a workflow file that is not interpreted here."""


class Strict(dict[str, Any]):
    """A context of which only what it has may be asked for; others answer null, as on GitHub."""


@dataclass
class _Reader:
    tokens: list[tuple[str, str]]
    contexts: Contexts
    functions: Functions

    def takes(self, *signs: str) -> str | None:
        if self.tokens and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return None

    def needs(self, sign: str) -> None:
        if not self.takes(sign):
            raise UnknownError(f"`{sign}` is missing before {self.tokens}")

    def either(self) -> Any:
        left = self.both()
        while self.takes("||"):
            right = self.both()
            left = left if truth(left) else right
        return left

    def both(self) -> Any:
        left = self.compared()
        while self.takes("&&"):
            right = self.compared()
            left = right if truth(left) else left
        return left

    def compared(self) -> Any:
        left = self.single()
        while sign := self.takes("==", "!="):
            left = _equal(left, self.single()) is (sign == "==")
        return left

    def single(self) -> Any:
        if self.takes("!"):
            return not truth(self.single())
        if self.takes("("):
            found = self.either()
            self.needs(")")
            return found
        if not self.tokens:
            raise UnknownError("the expression ends too early")
        kind, token = self.tokens.pop(0)
        if kind == "text":
            return token[1:-1].replace("''", "'")
        if kind == "number":
            return float(token)
        if kind == "word":
            return self.named(token)
        raise UnknownError(f"`{token}` is not expected there")

    def named(self, name: str) -> Any:
        if name in _WORDS:
            return _WORDS[name]
        if self.takes("("):
            return self.called(name)
        found = _member(Strict(self.contexts), name)
        while self.takes("."):
            _, key = self.tokens.pop(0)
            found = _member(found, key)
        return found

    def called(self, name: str) -> Any:
        arguments: list[Any] = []
        while not self.takes(")"):
            arguments.append(self.either())
            self.takes(",")
        if name == "format":
            return as_text(arguments[0]).format(*map(as_text, arguments[1:]))
        if name not in self.functions:
            raise UnknownError(f"the function `{name}` is not known here")
        return self.functions[name](*arguments)


def evaluate(text: str, contexts: Contexts, functions: Functions) -> Any:
    """Return an expression's value; UnknownError for what is not interpreted here."""
    tokens, place = [], 0
    text = text.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if not found:
            raise UnknownError(f"`{text[place:]}` in `{text}`")
        tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
        place = found.end()
    reader = _Reader(tokens, contexts, functions)
    value = reader.either()
    if reader.tokens:
        raise UnknownError(f"{reader.tokens} is left of `{text}`")
    return value


def holds(condition: str, contexts: Contexts, functions: Functions) -> bool:
    """Return whether an `if:` is met; without a function of the status it is `success() && …`."""
    whole = _INSERTED.fullmatch(condition.strip())
    text = whole[1] if whole else condition
    if not _STATUS.search(text):
        text = f"success() && ({text})"
    return truth(evaluate(text, contexts, functions))


def fill(text: object, contexts: Contexts, functions: Functions) -> str:
    """Return a text with the values of its expressions, as an environment variable has it."""
    return _INSERTED.sub(
        lambda found: as_text(evaluate(found[1], contexts, functions)), as_text(text)
    )


def truth(value: Any) -> bool:
    """Return whether a value counts as true: what is empty, zero or null does not."""
    return isinstance(value, Mapping) or bool(value)


def as_text(value: object) -> str:
    """Return a value as it is inserted into a text."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case str():
            return value
        case int() | float():
            return str(int(value) if value == int(value) else value)
        case _:
            raise UnknownError(f"{type(value).__name__} is inserted into a text")


def _member(found: Any, key: str) -> Any:
    if isinstance(found, Strict) and key not in found:
        raise UnknownError(f"`{key}` is not known here")
    return found.get(key) if isinstance(found, Mapping) else None


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    if type(left) is type(right):
        return bool(left == right)
    return _number(left) == _number(right)


def _number(value: Any) -> float:
    if value is None or value == "":
        return 0.0
    if isinstance(value, bool | int | float):
        return float(value)
    if isinstance(value, str) and value.strip().isdecimal():
        return float(value)
    return float("nan")
