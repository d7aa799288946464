"""Second readings of an expression: with whole numbers as decimals, and with NaN watched for."""

from collections.abc import Iterator
from typing import Final

from reconciler.policy.cel.tokenizer import NOT_INSIDE, Token, closer, text_at, tokens

WATCH: Final = "watched"

_EQUALITY: Final = ("==", "!=", "in")
_ENDS: Final = ("&&", "||", "?", ":", ",", "==", "!=", "<", "<=", ">", ">=", "in")
_ARITHMETIC: Final = ("+", "-", "*", "/", "double")


def with_decimals(source: str) -> str:
    """Return the expression with `1` as `1.0`; what is in `x[1]`, `0x1`, `1u` and keys stays."""
    found = tokens(source)
    marks = [
        (token.end, ".0")
        for index, token in enumerate(found)
        if token.kind == "int" and not _is_index(found, index) and not _is_key(found, index)
    ]
    return _insert(source, marks)


def with_watch(source: str) -> str | None:
    """Return the expression with every calculated side of `==`, `!=` and `in` in `watched(…)`.

    NaN is caught there: `x != 1.0` would hold for it, where `<` and its like fail. None when
    nothing is calculated.
    """
    found = tokens(source)
    spans = sorted(set(_calculated(found)))
    opened = [(found[start].start, f"{WATCH}(") for start, _ in spans]
    closed = [(found[end - 1].end, ")") for _, end in spans]
    return _insert(source, sorted(opened + closed)) if spans else None


def _calculated(found: tuple[Token, ...]) -> Iterator[tuple[int, int]]:
    for index, token in enumerate(found):
        if token.text in _EQUALITY:
            for span in (_left(found, index), _right(found, index)):
                if any(one.text in _ARITHMETIC for one in found[slice(*span)]):
                    yield span


def _left(found: tuple[Token, ...], index: int) -> tuple[int, int]:
    start = index
    while start > 0 and not _ends(found, index, start - 1):
        start -= 1
    return start, index


def _right(found: tuple[Token, ...], index: int) -> tuple[int, int]:
    opener = found[index].opener
    last = len(found) if opener == NOT_INSIDE else closer(found, opener)
    end = index + 1
    while end < last and not _ends(found, index, end):
        end += 1
    return index + 1, end


def _ends(found: tuple[Token, ...], operator: int, index: int) -> bool:
    level = found[operator].opener
    return index == level or (found[index].opener == level and found[index].text in _ENDS)


def _is_index(found: tuple[Token, ...], index: int) -> bool:
    alone = text_at(found, index - 1) == "[" and text_at(found, index + 1) == "]"
    before = text_at(found, index - 2)
    return alone and (before in (")", "]", "}") or before.isidentifier())


def _is_key(found: tuple[Token, ...], index: int) -> bool:
    opener = found[index].opener
    return text_at(found, opener) == "{" and text_at(found, index + 1) == ":"


def _insert(source: str, marks: list[tuple[int, str]]) -> str:
    for offset, text in reversed(marks):
        source = source[:offset] + text + source[offset:]
    return source
