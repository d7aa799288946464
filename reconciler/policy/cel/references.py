"""What a CEL expression refers to, read from its text alone.

Text in quotes and comments do not count, nor the variables that `all(x, …)` and its like bind.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from reconciler.policy.cel.tokenizer import Token, closer, text_at, tokens

PathStep: TypeAlias = str | int | None
Test: TypeAlias = Literal["", "has", "null", "in"]

MACROS: Final = ("all", "exists", "exists_one", "filter", "map")
_FACTS: Final = ("metrics", "params", "run", "signature")
_EQUALITY: Final = ("==", "!=")
_AROUND: Final = ("", "(", ")", ",", "&&", "||", "?", ":")


@dataclass(frozen=True, slots=True)
class Reference:
    """One variable and the way into it: names, keys and indices; None for one that is computed.

    `test` says that it is only asked whether it is there. `start` and `end` are its tokens.
    """

    path: tuple[PathStep, ...]
    start: int
    end: int
    test: Test = ""

    def touches(self, *base: str) -> bool:
        """Return whether its value has to do with what is at `base`: above it, at it, or below."""
        if self.test == "null" and len(self.path) < len(base):
            return False
        return all(one in (other, None) for one, other in zip(self.path, base, strict=False))


@dataclass(frozen=True, slots=True)
class Loop:
    """One `range.all(variable, …)`: the tokens of its name and of its two brackets."""

    name: int
    opener: int
    closer: int
    variable: str | None


@lru_cache(maxsize=512)
def loops(source: str) -> tuple[Loop, ...]:
    """Return the comprehensions of an expression, in the order in which they are written."""
    found = tokens(source)
    return tuple(
        Loop(index, index + 1, closer(found, index + 1), _bound(found, index + 2))
        for index, token in enumerate(found)
        if token.text in MACROS
        and text_at(found, index - 1) == "."
        and text_at(found, index + 1) == "("
    )


def around(source: str, index: int) -> tuple[Loop, ...]:
    """Return the comprehensions whose brackets have the token at an index inside."""
    return tuple(loop for loop in loops(source) if loop.opener < index < loop.closer)


@lru_cache(maxsize=512)
def references(source: str) -> tuple[Reference, ...]:
    """Return every reference to a variable, known or not, in the order of the text."""
    return tuple(_references(source, tokens(source)))


def uses(source: str, path: str) -> bool:
    """Return whether an expression reads what is at a path, like `commit.approvals`."""
    return any(reference.touches(*path.split(".")) for reference in references(source))


def reads_facts(source: str) -> bool:
    """Return whether an expression needs metrics, params, a run or a signature."""
    paths = (
        *("metrics", "params", "run", "version.signature"),
        *(f"incumbent.{fact}" for fact in _FACTS),
    )
    return any(uses(source, path) for path in paths)


def reads_history(source: str) -> bool:
    """Return whether an expression needs to know if the version served before."""
    return uses(source, "change.rollback")


def _bound(found: tuple[Token, ...], index: int) -> str | None:
    is_name = index < len(found) and found[index].kind == "name"
    return found[index].text if is_name and text_at(found, index + 1) == "," else None


def _references(source: str, found: tuple[Token, ...]) -> Iterator[Reference]:
    for index, token in enumerate(found):
        follows = text_at(found, index + 1)
        if token.kind != "name" or text_at(found, index - 1) == "." or follows in ("(", "{"):
            continue
        if token.text in {loop.variable for loop in around(source, index)}:
            continue
        yield _tested(found, _reference(found, index))


def _reference(found: tuple[Token, ...], start: int) -> Reference:
    path: list[PathStep] = [found[start].text]
    index = start + 1
    while True:
        match text_at(found, index):
            case "." if index + 1 < len(found) and found[index + 1].kind == "name":
                if text_at(found, index + 2) == "(":
                    break
                path.append(found[index + 1].text)
                index += 2
            case "[":
                end = closer(found, index)
                path.append(_literal(found[index + 1]) if end == index + 2 else None)
                index = min(end + 1, len(found))
            case _:
                break
    return Reference(tuple(path), start, index)


def _literal(token: Token) -> PathStep:
    return int(token.text) if token.kind == "int" else token.plain


def _tested(found: tuple[Token, ...], reference: Reference) -> Reference:
    start, end = reference.start, reference.end
    before, after = text_at(found, start - 1), text_at(found, end)
    if before == "(" and text_at(found, start - 2) == "has" and after == ")":
        return Reference(reference.path, start, end, "has")
    if after in _EQUALITY and text_at(found, end + 1) == "null":
        return Reference(reference.path, start, end, "null")
    if before in _EQUALITY and text_at(found, start - 2) == "null":
        return Reference(reference.path, start, end, "null")
    if before == "in" and text_at(found, start - 3) in _AROUND and after in _AROUND:
        key = found[start - 2].plain if start > 1 else None
        if key is not None:
            return Reference((*reference.path, key), start, end, "in")
    return reference
