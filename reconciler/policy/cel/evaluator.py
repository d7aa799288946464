"""The edge to CEL: what is wrong with an expression, and whether it holds for a version.

Whole numbers and decimals compare with each other but do not add up in CEL. Where an evaluation
stops at that, a second one is made with every whole number as a decimal, in the text and in the
values: `metrics.n + 1 > 2` is what people expect.

NaN never passes: not in a metric that the expression refers to, however it goes on, nor in what
it calculates and then compares, as in `double(params.x) != 1.0`.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from math import isnan
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.policies import MAX_APPROVALS
from reconciler.policy.cel.cost import MAX_WORK, work
from reconciler.policy.cel.explanations import absences, kinds, not_a_number, values
from reconciler.policy.cel.formatting import shown
from reconciler.policy.cel.rewrite import WATCH, with_decimals, with_watch
from reconciler.policy.cel.static_checks import ExpressionProblem, at, limits, unknown
from reconciler.policy.cel.syntax_errors import first_syntax_problem
from reconciler.policy.cel.tokenizer import closer, text_at, tokens

if TYPE_CHECKING:
    from cel import Program

NEEDS_PYTHON: Final = "policies in CEL need Python 3.11 or newer (or use the ready-made rules)"

_CALL = re.compile(r"(?:Undefined variable or function:|Function) '(\w+)'")
_MIXED = re.compile(r"Unsupported operation: (float . int|int . float)\b")
# Functions of one text: what it is when it cannot be read, and how it is written.
_READS_TEXT: Final = {
    "duration": ("no length of time", 'hours, minutes or seconds: duration("168h")'),
    "timestamp": ("no moment", 'with a time zone: timestamp("2024-01-31T09:00:00Z")'),
    "double": ("no number", None),
    "int": ("no whole number", None),
    "uint": ("no whole number from 0", None),
    "matches": ("no regular expression, or too large a one", None),
}
_QUOTES: Final = "\"'"
_OTHER: Final = "it cannot be evaluated"
# What the language raises for an expression that goes wrong.
_RAISED = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class _Failed:
    """An evaluation that ended without a value."""

    error: Exception


def why_unmet(source: str, scope: Mapping[str, object]) -> str | None:
    """Return None when the condition holds in `scope`, else why not, in a sentence.

    Never raises for what an expression does, and only `true` is a condition that holds.
    """
    wrong = expression_problems(source)
    if wrong:
        return f"it cannot be evaluated: {wrong[0].message}"
    return (
        _too_large(source, scope)
        or not_a_number(source, scope)
        or _evaluate_condition(source, scope)
    )


def may_be_approved(source: str, scope: Mapping[str, object]) -> bool:
    """Return whether approvals that may still come can make an unmet condition hold.

    It holds when everybody approves whom it names, and as many others as a rule may ask for. Or
    its answer depends on approvals, whoever they are of: it has none where nothing is known of
    them. What is false or fails whoever approves is not worth waiting for.
    """
    approved, unknown = _with_everybody(source, scope), _without_approvals(scope)
    if why_unmet(source, approved) is None:
        return True
    if (
        expression_problems(source)
        or _too_large(source, approved)
        or not_a_number(source, approved)
    ):
        return False
    return _has_value(source, approved) and not _has_value(source, unknown)


def _with_everybody(source: str, scope: Mapping[str, Any]) -> Mapping[str, object]:
    named = (token.plain for token in tokens(source) if token.kind == "text")
    others = (f"somebody-{number}" for number in range(MAX_APPROVALS))
    logins = dict.fromkeys((*(name for name in named if name), *others))
    commit, time = scope["commit"], f"{scope['now']:%Y-%m-%dT%H:%M:%SZ}"
    approvals = [{"login": login, "commit": commit["id"], "time": time} for login in logins]
    return {**scope, "commit": {**commit, "approvals": approvals}}


def _without_approvals(scope: Mapping[str, Any]) -> Mapping[str, object]:
    known = {name: value for name, value in scope["commit"].items() if name != "approvals"}
    return {**scope, "commit": known}


def _has_value(source: str, scope: Mapping[str, object]) -> bool:
    """Return whether an evaluation ends with a value, as it is written or in decimals."""
    readings = ((source, scope), (with_decimals(source), _decimals(scope)))
    return any(not isinstance(_evaluated(*reading), _Failed) for reading in readings)


@lru_cache(maxsize=512)
def expression_problems(source: str) -> tuple[ExpressionProblem, ...]:
    """Return everything that is wrong with an expression, by its place; nothing when it is fine.

    Of what the language itself cannot read only the first is said: the rest follows from it.
    """
    too_large = tuple(limits(source))
    if too_large:
        return too_large
    try:
        _compiled(source)
    except ImportError:
        return (ExpressionProblem(1, 1, NEEDS_PYTHON),)
    except ValueError as error:
        found = [first_syntax_problem(source, str(error))]
    else:
        large = _too_large(source, {})
        found = [ExpressionProblem(1, 1, large)] if large else list(_literals(source))
    places = {(fault.line, fault.column) for fault in found}
    found += [fault for fault in unknown(source) if (fault.line, fault.column) not in places]
    return tuple(sorted(found, key=lambda fault: (fault.line, fault.column)))


@lru_cache(maxsize=512)
def _compiled(source: str) -> "Program":
    import cel  # noqa: PLC0415  there is none for Python 3.10

    return cel.compile(source)


def _too_large(source: str, scope: Mapping[str, object]) -> str | None:
    units = work(source, scope)
    if units <= MAX_WORK:
        return None
    return f"too large to evaluate: up to {units:,} steps, and {MAX_WORK:,} are allowed"


def _literals(source: str) -> Iterator[ExpressionProblem]:
    """Yield the literal texts that a function can never read, like `duration("7d")`."""
    found = tokens(source)
    for index, token in enumerate(found):
        if token.text in _READS_TEXT and text_at(found, index + 1) == "(":
            literal = found[index + 2]
            if literal.kind == "text" and closer(found, index + 1) == index + 3:
                receiver = '"".' if token.text == "matches" else ""
                call = f"{receiver}{token.text}({literal.text})"
                if isinstance(_evaluated(call, {}), _Failed):
                    what, hint = _READS_TEXT[token.text]
                    yield at(source, literal.start, f"{literal.text} is {what}", hint)


def _evaluate_condition(source: str, scope: Mapping[str, object]) -> str | None:
    text, values_of = source, scope
    result = _evaluated(text, values_of)
    if isinstance(result, _Failed) and _MIXED.match(str(result.error)):
        text, values_of = with_decimals(source), _decimals(scope)
        result = _evaluated(text, values_of)
    match result:
        case _Failed(error):
            return _why(source, error, scope)
        case True:
            return _watched(text, values_of)
        case False:
            return values(source, scope) or "it is false"
        case _:
            return f"it is {shown(result)}, not true or false"


def _evaluated(source: str, scope: Mapping[str, object]) -> object:
    try:
        return _compiled(source).execute(dict(scope))
    except _RAISED as error:
        return _Failed(error)


def _watched(source: str, scope: Mapping[str, object]) -> str | None:
    """Return that NaN is compared in a condition that is true, None when it is not."""
    from cel import Context  # noqa: PLC0415  as above

    text = with_watch(source)
    if text is None:
        return None
    seen: list[object] = []

    def watch(value: object) -> object:
        if _has_nan(value):
            seen.append(value)
        return value

    context = Context(dict(scope))
    context.add_function(WATCH, watch)
    with suppress(*_RAISED):
        _compiled(text).execute(context)
    return "it compares a value that is NaN: " + values(source, scope) if seen else None


def _has_nan(value: object) -> bool:
    match value:
        case float():
            return isnan(value)
        case list():
            return any(map(_has_nan, value))
        case dict():
            return any(map(_has_nan, value.values()))
        case _:
            return False


def _decimals(value: object) -> Any:  # noqa: ANN401  what it returns is as it was given
    match value:
        case bool():
            return value
        case int():
            return float(value)
        case list():
            return [_decimals(one) for one in value]
        case Mapping():
            return {key: _decimals(one) for key, one in value.items()}
        case _:
            return value


def _why(source: str, error: Exception, scope: Mapping[str, object]) -> str:
    missing = absences(source, scope)
    if missing:
        return "; ".join(missing)
    what, detail = _worded(error), kinds if isinstance(error, TypeError) else values
    looked_at = detail(source, scope)
    return f"{what}: {looked_at}" if looked_at else what


def _worded(error: Exception) -> str:
    text = str(error)
    match error:
        case ZeroDivisionError():
            return "it divides by zero"
        case OverflowError():
            return "a number grows too large"
        case KeyError():
            return f"`{text.strip(_QUOTES)}` is not there"
        case IndexError():
            return "a list has fewer elements than are asked for"
        case TypeError():
            return "the types do not go together"
        case _:
            call = _CALL.search(text)
            return f"`{call.group(1)}` cannot take what it is given" if call else _OTHER
