"""Rewrites an expression: with decimals, with calls that detect NaN, or without some values."""

from collections.abc import Callable, Collection, Iterator
from typing import Final

from reconciler.policy.cel.references import Reference, references
from reconciler.policy.cel.tokenizer import NOT_INSIDE, Token, closer, text_at, tokenize

WATCH: Final = "watched"

_NO_VALUE: Final = "unread()"  # a function that does not exist: no macro can bind its name
_EQUALITY: Final = ("==", "!=", "in")
_COMPARISONS: Final = (*_EQUALITY, "<", "<=", ">", ">=")
_ENDS: Final = ("&&", "||", "?", ":", ",", "==", "!=", "<", "<=", ">", ">=", "in")
_ARITHMETIC: Final = ("+", "-", "*", "/", "double")


def with_decimals(source: str) -> str:
    """Return the expression with `1` as `1.0`; `x[1]`, `0x1`, `1u` and map keys stay."""
    tokens = tokenize(source)
    marks = [
        (token.end, ".0")
        for index, token in enumerate(tokens)
        if token.kind == "int" and not _is_index(tokens, index) and not _is_key(tokens, index)
    ]
    return _insert(source, marks)


def with_watch(source: str, *, comparisons: bool = False) -> str | None:
    """Return the expression with every calculated side of `==`, `!=` and `in` in `watched(…)`.

    `x != 1.0` would be true for NaN, whereas `<` and the like are false: with `comparisons` their
    sides are watched, too. Return None when no side is calculated.
    """
    tokens = tokenize(source)
    spans = sorted(set(_calculated(tokens, _COMPARISONS if comparisons else _EQUALITY)))
    opened = [(tokens[start].start, f"{WATCH}(") for start, _ in spans]
    closed = [(tokens[end - 1].end, ")") for _, end in spans]
    return _insert(source, sorted(opened + closed)) if spans else None


def without(source: str, hidden: Collection[tuple[str, Collection[str]]]) -> str:
    """Return the expression with no value, not even an absent one, at some paths.

    The known keys below a path keep theirs.
    """
    return _blanked(source, lambda ref: any(_reads(ref, path, known) for path, known in hidden))


def without_nulls(source: str, names: Collection[str]) -> str:
    """Return the expression with no value at some variables, but where they are tested for null."""
    return _blanked(source, lambda ref: ref.path[0] in names and not ref.test)


def _blanked(source: str, is_hidden: Callable[[Reference], bool]) -> str:
    tokens, spans = tokenize(source), list[tuple[int, int]]()
    for reference in filter(is_hidden, references(source)):
        is_test = reference.test == "has"  # of `has(metrics.f1)` nothing stays
        start, end = reference.start - 2 * is_test, reference.end + is_test
        if not spans or tokens[start].start >= spans[-1][1]:  # not an index of the one before
            spans.append((tokens[start].start, tokens[end - 1].end))
    for begin, last in reversed(spans):
        source = source[:begin] + _NO_VALUE + source[last:]
    return source


def _reads(reference: Reference, path: str, known: Collection[str]) -> bool:
    base = path.split(".")
    if not reference.touches(*base):
        return False
    return len(reference.path) <= len(base) or reference.path[len(base)] not in known


def _calculated(tokens: tuple[Token, ...], operators: Collection[str]) -> Iterator[tuple[int, int]]:
    for index, token in enumerate(tokens):
        if token.text in operators:
            for span in (_left(tokens, index), _right(tokens, index)):
                if any(part.text in _ARITHMETIC for part in tokens[slice(*span)]):
                    yield span


def _left(tokens: tuple[Token, ...], index: int) -> tuple[int, int]:
    start = index
    while start > 0 and not _ends(tokens, index, start - 1):
        start -= 1
    return start, index


def _right(tokens: tuple[Token, ...], index: int) -> tuple[int, int]:
    opener = tokens[index].opener
    last = len(tokens) if opener == NOT_INSIDE else closer(tokens, opener)
    end = index + 1
    while end < last and not _ends(tokens, index, end):
        end += 1
    return index + 1, end


def _ends(tokens: tuple[Token, ...], operator: int, index: int) -> bool:
    level = tokens[operator].opener
    return index == level or (tokens[index].opener == level and tokens[index].text in _ENDS)


def _is_index(tokens: tuple[Token, ...], index: int) -> bool:
    alone = text_at(tokens, index - 1) == "[" and text_at(tokens, index + 1) == "]"
    before = text_at(tokens, index - 2)
    return alone and (before in (")", "]", "}") or before.isidentifier())


def _is_key(tokens: tuple[Token, ...], index: int) -> bool:
    opener = tokens[index].opener
    return text_at(tokens, opener) == "{" and text_at(tokens, index + 1) == ":"


def _insert(source: str, marks: list[tuple[int, str]]) -> str:
    for offset, text in reversed(marks):
        source = source[:offset] + text + source[offset:]
    return source
