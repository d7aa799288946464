"""Finds the references to variables in a CEL expression, from its text alone.

Quoted text, comments and the variables that macros such as `all(x, …)` bind are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from reconciler.policy.cel.tokenizer import Token, closer, text_at, tokenize

PathStep: TypeAlias = str | int | None
Test: TypeAlias = Literal["", "has", "null", "in"]

MACROS: Final = ("all", "exists", "exists_one", "filter", "map")
_FACTS: Final = ("metrics", "params", "run", "signature")
_EQUALITY: Final = ("==", "!=")
_AROUND: Final = ("", "(", ")", ",", "&&", "||", "?", ":")


@dataclass(frozen=True, slots=True)
class Reference:
    """One variable with its path of names, keys and indices; None is a computed step.

    `test` is set when the expression only tests whether it exists. `start` is the index of its
    first token, `end` the index after its last one.
    """

    path: tuple[PathStep, ...]
    start: int
    end: int
    test: Test = ""

    def touches(self, *base: str) -> bool:
        """Return whether its path is at `base`, above it or below it."""
        if self.test == "null" and len(self.path) < len(base):
            return False
        return all(step in (name, None) for step, name in zip(self.path, base, strict=False))


@dataclass(frozen=True, slots=True)
class Loop:
    """One `range.all(variable, …)`: the token indices of its name and its two brackets."""

    name: int
    opener: int
    closer: int
    variable: str | None


@lru_cache(maxsize=512)
def loops(source: str) -> tuple[Loop, ...]:
    """Return the comprehensions of an expression, in the order of the text."""
    tokens = tokenize(source)
    return tuple(
        Loop(index, index + 1, closer(tokens, index + 1), _bound(tokens, index + 2))
        for index, token in enumerate(tokens)
        if token.text in MACROS
        and text_at(tokens, index - 1) == "."
        and text_at(tokens, index + 1) == "("
    )


def around(source: str, index: int) -> tuple[Loop, ...]:
    """Return the comprehensions whose brackets contain the token at an index."""
    return tuple(loop for loop in loops(source) if loop.opener < index < loop.closer)


@lru_cache(maxsize=512)
def references(source: str) -> tuple[Reference, ...]:
    """Return every reference to a variable, known or not, in the order of the text."""
    return tuple(_references(source, tokenize(source)))


def uses(source: str, path: str) -> bool:
    """Return whether an expression reads the value at a path, like `commit.approvals`."""
    return any(reference.touches(*path.split(".")) for reference in references(source))


def keys(source: str, path: str) -> frozenset[PathStep]:
    """Return the keys that an expression reads below a path; None where it reads all of them."""
    base = path.split(".")
    return frozenset(
        reference.path[len(base)] if len(reference.path) > len(base) else None
        for reference in references(source)
        if reference.touches(*base)
    )


def reads_facts(source: str) -> bool:
    """Return whether an expression reads metrics, params, a run or a signature."""
    paths = (
        *("metrics", "params", "run", "version.signature"),
        *(f"incumbent.{fact}" for fact in _FACTS),
    )
    return any(uses(source, path) for path in paths)


def reads_history(source: str) -> bool:
    """Return whether an expression reads whether the version served before."""
    return uses(source, "change.rollback")


def _bound(tokens: tuple[Token, ...], index: int) -> str | None:
    is_name = index < len(tokens) and tokens[index].kind == "name"
    return tokens[index].text if is_name and text_at(tokens, index + 1) == "," else None


def _references(source: str, tokens: tuple[Token, ...]) -> Iterator[Reference]:
    for index, token in enumerate(tokens):
        follows = text_at(tokens, index + 1)
        if token.kind != "name" or text_at(tokens, index - 1) == "." or follows in ("(", "{"):
            continue
        if token.text in {loop.variable for loop in around(source, index)}:
            continue
        yield _tested(tokens, _reference(tokens, index))


def _reference(tokens: tuple[Token, ...], start: int) -> Reference:
    path: list[PathStep] = [tokens[start].text]
    index = start + 1
    while True:
        match text_at(tokens, index):
            case "." if index + 1 < len(tokens) and tokens[index + 1].kind == "name":
                if text_at(tokens, index + 2) == "(":
                    break
                path.append(tokens[index + 1].text)
                index += 2
            case "[":
                end = closer(tokens, index)
                path.append(_literal(tokens[index + 1]) if end == index + 2 else None)
                index = min(end + 1, len(tokens))
            case _:
                break
    return Reference(tuple(path), start, index)


def _literal(token: Token) -> PathStep:
    return int(token.text) if token.kind == "int" else token.plain


def _tested(tokens: tuple[Token, ...], reference: Reference) -> Reference:
    start, end = reference.start, reference.end
    before, after = text_at(tokens, start - 1), text_at(tokens, end)
    if before == "(" and text_at(tokens, start - 2) == "has" and after == ")":
        return Reference(reference.path, start, end, "has")
    if after in _EQUALITY and text_at(tokens, end + 1) == "null":
        return Reference(reference.path, start, end, "null")
    if before in _EQUALITY and text_at(tokens, start - 2) == "null":
        return Reference(reference.path, start, end, "null")
    if before == "in" and text_at(tokens, start - 3) in _AROUND and after in _AROUND:
        key = tokens[start - 2].plain if start > 1 else None
        if key is not None:
            return Reference((*reference.path, key), start, end, "in")
    return reference
