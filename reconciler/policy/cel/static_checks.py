"""Checks an expression from its text alone: its size, and names that do not exist.

CEL itself looks up a name only when an evaluation reaches it.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final

from reconciler.core.matching import nearest
from reconciler.policy.cel.references import MACROS, PathStep, Reference, around, loops, references
from reconciler.policy.cel.schema import FUNCTIONS, POLICY_SCHEMA, Schema
from reconciler.policy.cel.tokenizer import NOT_INSIDE, Token, closer, text_at, tokenize

MAX_LENGTH: Final = 2_000
MAX_DEPTH: Final = 40
MAX_LOOP_DEPTH: Final = 2
MAX_LOOPS: Final = 5
_FEW: Final = 15

# After an unclosed text, or another dialect's quotes, names cannot be told from text.
_MISLEADING: Final = ("'", '"', "`", ".?")

_FUNCTIONS: Final = tuple(function.name for function in FUNCTIONS)
_TYPE_NAMES: Final = ("int", "uint", "double", "string", "bytes", "list", "map")
# Words of other languages, and how CEL writes them.
_CEL_FOR: Final = {
    "and": "&&",
    "or": "||",
    "not": "!",
    "is": "==",
    "True": "true",
    "False": "false",
    "None": "null",
    "NULL": "null",
    "len": "size",
    "float": "double",
    "str": "string",
}


@dataclass(frozen=True, slots=True)
class ExpressionProblem:
    """One problem of an expression; its line and column count from 1."""

    line: int
    column: int
    message: str
    hint: str | None = None


def at(source: str, offset: int, message: str, hint: str | None = None) -> ExpressionProblem:
    """Return the problem at an offset of the source."""
    line = source.count("\n", 0, offset) + 1
    return ExpressionProblem(line, offset - source.rfind("\n", 0, offset), message, hint)


def limits(source: str) -> Iterator[ExpressionProblem]:
    """Yield a problem when an expression is too large to be parsed."""
    if len(source) > MAX_LENGTH:
        message = f"the expression has {len(source):,} characters; {MAX_LENGTH:,} are allowed"
        yield ExpressionProblem(1, 1, message)
        return
    tokens = tokenize(source)
    depths = {NOT_INSIDE: 0}
    for index, token in enumerate(tokens):
        depths[index] = depths[token.opener] + 1
        if depths[index] > MAX_DEPTH and token.text in ("(", "[", "{"):
            yield at(source, token.start, f"brackets are nested more than {MAX_DEPTH} deep")
            return
    yield from _loop_limits(source, tokens)


def _loop_limits(source: str, tokens: tuple[Token, ...]) -> Iterator[ExpressionProblem]:
    names = ", ".join(f"`{name}`" for name in MACROS if name != "map")
    for count, loop in enumerate(loops(source), start=1):
        place = tokens[loop.name].start
        if count > MAX_LOOPS:
            yield at(source, place, f"more than {MAX_LOOPS} of {names} in one expression")
            return
        if len(around(source, loop.name)) >= MAX_LOOP_DEPTH:
            yield at(source, place, f"{names} are nested more than {MAX_LOOP_DEPTH} deep")
            return


def unknown(source: str, schema: Schema) -> Iterator[ExpressionProblem]:
    """Yield a problem for every variable, attribute and function that does not exist."""
    tokens = tokenize(source)
    if any(token.kind == "op" and token.text in _MISLEADING for token in tokens):
        return
    yield from _leading_dots(source, tokens)
    yield from _functions(source, tokens)
    for reference in references(source):
        yield from _variable(source, tokens, reference, schema)


def _leading_dots(source: str, tokens: tuple[Token, ...]) -> Iterator[ExpressionProblem]:
    for index, token in enumerate(tokens[:-1]):
        before = tokens[index - 1] if index else None
        begins = before is None or (before.kind == "op" and before.text not in (")", "]", "}"))
        if token.text == "." and begins and tokens[index + 1].kind == "name":
            name = tokens[index + 1].text
            yield at(source, token.start, "a name does not begin with a dot", f"write `{name}`")


def _functions(source: str, tokens: tuple[Token, ...]) -> Iterator[ExpressionProblem]:
    for index, token in enumerate(tokens):
        if token.kind != "name":
            continue
        match text_at(tokens, index + 1):
            case "{":
                message = f"there is no message type `{token.text}`"
                yield at(source, token.start, message)
            case "(" if token.text == "map":
                hint = "use `all`, `exists`, `exists_one` or `filter`"
                yield at(source, token.start, "`map` is not available", hint)
            case "(" if token.text in MACROS:
                yield from _macro(source, tokens, index)
            case "(" if token.text not in _FUNCTIONS:
                message = f"there is no function `{token.text}`"
                yield at(source, token.start, message, _hint(token.text, _FUNCTIONS))
            case _:
                pass


def _macro(source: str, tokens: tuple[Token, ...], index: int) -> Iterator[ExpressionProblem]:
    """Yield a problem when a macro has no list before it, or not two arguments; CEL allows both."""
    loop = next((loop for loop in loops(source) if loop.name == index), None)
    commas = [token for token in tokens[index:] if token.text == "," and token.opener == index + 1]
    if loop is None or loop.variable is None or len(commas) != 1:
        name = tokens[index].text
        message = f"write `{name}` as `LIST.{name}(x, …)`"
        yield at(source, tokens[index].start, message, "x is a name, … a condition on it")


def _variable(
    source: str, tokens: tuple[Token, ...], reference: Reference, schema: Schema
) -> Iterator[ExpressionProblem]:
    name = str(reference.path[0])
    if name in _TYPE_NAMES:
        return
    if name not in schema.types:
        place = tokens[reference.start].start
        message = f"there is no variable `{name}`"
        yield at(source, place, message, _hint(name, schema.attributes("")))
        return
    known = name
    for count, step in enumerate(looked_into(reference, schema).path[1:]):
        inside = _inside(known, step, schema)
        if inside is None:
            place, hint = (
                _place(tokens, reference, count),
                _hint(str(step), schema.attributes(known)),
            )
            yield at(source, place, _no_such_step(known, schema.kind(known), step), hint)
        if not inside:
            return
        known = inside


def _inside(known: str, step: PathStep, schema: Schema) -> str | None:
    """Return the path of a step inside `known`; None if there is none, "" if any is valid."""
    kind = schema.kind(known)
    if kind == "object":
        if step is None:
            return ""
        return f"{known}.{step}" if step in schema.attributes(known) else None
    if kind.startswith("map("):
        return ""
    if kind.startswith("list(") and not isinstance(step, str):
        return f"{known}[]" if kind == "list(object)" else ""
    return None


def _no_such_step(known: str, kind: str, step: PathStep) -> str:
    if kind == "object":
        return f"`{known}` has no `{step}`"
    if kind.startswith("list("):
        return f"`{known}` is a list: it has no `{step}`"
    return f"`{known}` is a {kind}: it has no `{step}`"


def _place(tokens: tuple[Token, ...], reference: Reference, count: int) -> int:
    """Return the source offset of a reference's step; step 0 is the first after its name."""
    index = reference.start + 1
    for _ in range(count):
        index = index + 2 if text_at(tokens, index) == "." else closer(tokens, index) + 1
    # A bracket at the end of the text has nothing inside.
    is_inside = index < reference.end and index + 1 < len(tokens)
    return tokens[index + 1 if is_inside else reference.start].start


def looked_into(reference: Reference, schema: Schema = POLICY_SCHEMA) -> Reference:
    """Return a reference, without the key of an `in` test on a list."""
    *above, _ = reference.path
    if reference.test == "in" and schema.kind(".".join(map(str, above))).startswith("list("):
        return replace(reference, path=tuple(above), test="")
    return reference


def cel_spelling(word: str) -> str | None:
    """Return the hint how CEL writes a word of another language; None for other words."""
    return f"write `{_CEL_FOR[word]}`" if word in _CEL_FOR else None


def _hint(name: str, names: Collection[str]) -> str | None:
    if name in _CEL_FOR:
        return cel_spelling(name)
    similar = nearest(name, names)
    if similar is None and 0 < len(names) <= _FEW:
        return f"there are {', '.join(names)}"
    return similar
