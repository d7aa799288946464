"""Bounds the work of an evaluation from the expression and the values; CEL has no limit."""

from collections.abc import Iterable, Mapping
from typing import Final

from reconciler.policy.cel.references import Loop, Reference, around, references
from reconciler.policy.cel.tokenizer import Token, closer, text_at, tokenize

# A unit is one visit of a token, 20 to 130 ns, so an evaluation takes at most about 0.6 s.
MAX_WORK: Final = 5_000_000

_TEXT_PER_UNIT: Final = 20
_REGEX: Final = 5_000
# A repetition is expanded to up to 10 MB; a pattern that is not a literal may have one.
_REPEATED_REGEX: Final = 500_000


def work(source: str, scope: Mapping[str, object]) -> int:
    """Return an upper bound for the work of an evaluation, in units."""
    tokens = tokenize(source)
    refs = references(source)
    values = {ref.path: _value(ref, scope) for ref in refs if not ref.test}
    measured = {path: _size(value) for path, value in values.items()}
    sizes = {ref.start: measured.get(ref.path, 0) for ref in refs}
    longest = _longest_loop(tokens, values.values())
    total = 0
    for index in range(len(tokens)):
        inside = around(source, index)
        here = 1 + sizes.get(index, 0) + _of_method(tokens, index, longest)
        if tokens[index].text in {loop.variable for loop in inside if not _plain(source, loop)}:
            here += longest
        total += here * longest ** len(inside)
    return total


def _longest_loop(tokens: tuple[Token, ...], values: Iterable[object]) -> int:
    """Return the longest list or map that the expression can build or iterate over."""
    written = sum(token.text == "," for token in tokens) + 1
    joined = 1 + sum(token.text == "+" for token in tokens)
    return max((written, *map(_longest, values))) * joined


def _of_method(tokens: tuple[Token, ...], index: int, longest: int) -> int:
    """Return the extra work of a call; `filter` copies its result for each element."""
    if text_at(tokens, index + 1) != "(":
        return 0
    match tokens[index].text:
        case "filter":
            return int(longest**2)
        case "matches":
            pattern = tokens[index + 2].text if closer(tokens, index + 1) == index + 3 else "{"
            return _REPEATED_REGEX if "{" in pattern else _REGEX
        case _:
            return 0


def _plain(source: str, loop: Loop) -> bool:
    """Return whether a loop iterates over a plain variable, whose elements are small."""
    return any(reference.end == loop.name - 1 for reference in references(source))


def _value(reference: Reference, scope: Mapping[str, object]) -> object:
    """Return the value of a reference; for a computed step, that of the largest element."""
    value: object = scope
    for step in reference.path:
        inside = _elements(value)
        if step is None:
            value = max(inside, key=_size, default=None)
        elif isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _elements(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _size(value: object) -> int:
    if isinstance(value, str):
        return len(value) // _TEXT_PER_UNIT
    return sum(1 + _size(inside) for inside in _elements(value))


def _longest(value: object) -> int:
    inside = list(_elements(value))
    return max((len(inside), *map(_longest, inside)))
