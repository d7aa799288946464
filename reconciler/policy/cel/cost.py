"""How much work an expression can be, given the values: the language itself has no limit."""

from collections.abc import Iterable, Mapping
from typing import Final

from reconciler.policy.cel.references import Loop, Reference, around, references
from reconciler.policy.cel.tokenizer import Token, closer, text_at, tokens

# A unit is one token looked at once, 20 to 130 ns: at most about 0.6 s in one evaluation.
MAX_WORK: Final = 5_000_000

_TEXT_PER_UNIT: Final = 20
_REGEX: Final = 5_000
# With a repetition it is expanded, up to 10 MB of it; so may be one that is not seen here.
_REPEATED_REGEX: Final = 500_000


def work(source: str, scope: Mapping[str, object]) -> int:
    """Return an upper bound for the units of work that an evaluation takes."""
    found = tokens(source)
    held = {one.path: _value(one, scope) for one in references(source) if not one.test}
    measured = {path: _size(value) for path, value in held.items()}
    sizes = {one.start: measured.get(one.path, 0) for one in references(source)}
    longest = _longest_loop(found, held.values())
    total = 0
    for index in range(len(found)):
        inside = around(source, index)
        here = 1 + sizes.get(index, 0) + _of_method(found, index, longest)
        if found[index].text in {loop.variable for loop in inside if not _plain(source, loop)}:
            here += longest
        total += here * longest ** len(inside)
    return total


def _longest_loop(found: tuple[Token, ...], held: Iterable[object]) -> int:
    """Return how long any list or map can be that the expression makes or goes through."""
    written = sum(token.text == "," for token in found) + 1
    joined = 1 + sum(token.text == "+" for token in found)
    return max((written, *map(_longest, held))) * joined


def _of_method(found: tuple[Token, ...], index: int, longest: int) -> int:
    """Return what a call costs beside its tokens: `filter` copies its result for each element."""
    if text_at(found, index + 1) != "(":
        return 0
    match found[index].text:
        case "filter":
            return int(longest**2)
        case "matches":
            pattern = found[index + 2].text if closer(found, index + 1) == index + 3 else "{"
            return _REPEATED_REGEX if "{" in pattern else _REGEX
        case _:
            return 0


def _plain(source: str, loop: Loop) -> bool:
    """Return whether a loop goes through a variable as it is: its elements are small then."""
    return any(reference.end == loop.name - 1 for reference in references(source))


def _value(reference: Reference, scope: Mapping[str, object]) -> object:
    """Return what a reference stands for; its largest element where a step is computed."""
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
