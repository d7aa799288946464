"""The edge to CEL: finds the problems of an expression, and evaluates it for a version.

CEL compares whole numbers with decimals but cannot add them. When an evaluation fails for that
reason it is repeated with every whole number as a decimal, in the text and in the values, so that
`metrics.n + 1 > 2` works.

A condition never holds for NaN: neither in a metric that the expression refers to, nor in a value
that it calculates and compares, as in `double(params.x) != 1.0`.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from math import isnan
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.policies import MAX_APPROVALS
from reconciler.policy.cel.cost import MAX_WORK, work
from reconciler.policy.cel.explanations import absences, kinds, not_a_number, values
from reconciler.policy.cel.formatting import shown
from reconciler.policy.cel.rewrite import WATCH, with_decimals, with_watch, without
from reconciler.policy.cel.schema import POLICY_SCHEMA, Schema
from reconciler.policy.cel.static_checks import ExpressionProblem, at, limits, unknown
from reconciler.policy.cel.syntax_errors import first_syntax_problem
from reconciler.policy.cel.tokenizer import closer, text_at, tokenize

if TYPE_CHECKING:
    from cel import Program

NEEDS_PYTHON: Final = "conditions in CEL need Python 3.11 or newer (policies have built-in rules)"

_CALL = re.compile(r"(?:Undefined variable or function:|Function) '(\w+)'")
_MIXED = re.compile(r"Unsupported operation: (float . int|int . float)\b")
# Functions of one text: what an unreadable text is not, and how to write it.
_READS_TEXT: Final = {
    "duration": ("not a duration", 'hours, minutes or seconds: duration("168h")'),
    "timestamp": ("not a timestamp", 'with a time zone: timestamp("2024-01-31T09:00:00Z")'),
    "double": ("not a number", None),
    "int": ("not a whole number", None),
    "uint": ("not a whole number from 0", None),
    "matches": ("not a regular expression, or too large", None),
}
_QUOTES: Final = "\"'"
_OTHER: Final = "it cannot be evaluated"
# What CEL raises when an evaluation fails.
_RAISED = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class EvaluationError:
    """What an evaluation gave that raised an error."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation gave, of which text and which values: perhaps those with decimals."""

    result: object
    source: str
    scope: Mapping[str, object]


def why_unmet(source: str, scope: Mapping[str, object]) -> str | None:
    """Return None when the condition is `true` in `scope`, else why not, as a sentence.

    Does not raise for any expression.
    """
    problems = expression_problems(source)
    if problems:
        return f"it cannot be evaluated: {problems[0].message}"
    return (
        too_large(source, scope)
        or not_a_number(source, scope)
        or _evaluate_condition(source, scope)
    )


def holds_without(
    source: str, scope: Mapping[str, object], hidden: Collection[tuple[str, Collection[str]]]
) -> bool:
    """Return whether a condition is `true` whatever stands at some paths, but for known keys.

    `a || b` holds where one of the two does, and can still decide without the other.
    """
    return _evaluate_condition(without(source, hidden), scope) is None


def may_be_approved(source: str, scope: Mapping[str, object]) -> bool:
    """Return whether further approvals can make an unmet condition hold.

    That is so when it holds with an approval of every login that it names and of as many others
    as a rule may require; or when its result depends on approvals: it has no value without them.
    """
    approved, unapproved = _with_everybody(source, scope), _without_approvals(scope)
    if why_unmet(source, approved) is None:
        return True
    if expression_problems(source) or too_large(source, approved) or not_a_number(source, approved):
        return False
    return _has_value(source, approved) and not _has_value(source, unapproved)


def _with_everybody(source: str, scope: Mapping[str, Any]) -> Mapping[str, object]:
    named = (token.plain for token in tokenize(source) if token.kind == "text")
    others = (f"somebody-{number}" for number in range(MAX_APPROVALS))
    logins = dict.fromkeys((*(name for name in named if name), *others))
    commit, time = scope["commit"], f"{scope['now']:%Y-%m-%dT%H:%M:%SZ}"
    approvals = [{"login": login, "commit": commit["id"], "time": time} for login in logins]
    return {**scope, "commit": {**commit, "approvals": approvals}}


def _without_approvals(scope: Mapping[str, Any]) -> Mapping[str, object]:
    known = {name: value for name, value in scope["commit"].items() if name != "approvals"}
    return {**scope, "commit": known}


def _has_value(source: str, scope: Mapping[str, object]) -> bool:
    """Return whether an evaluation gives a value, with whole numbers or with decimals."""
    readings = ((source, scope), (with_decimals(source), _decimals(scope)))
    return any(not isinstance(_evaluated(*reading), EvaluationError) for reading in readings)


@lru_cache(maxsize=512)
def expression_problems(
    source: str, schema: Schema = POLICY_SCHEMA
) -> tuple[ExpressionProblem, ...]:
    """Return the problems of an expression, sorted by position; empty when it is valid.

    Only the first syntax error is returned, because the others usually follow from it.
    """
    beyond = tuple(limits(source))
    if beyond:
        return beyond
    try:
        _compiled(source)
    except ImportError:
        return (ExpressionProblem(1, 1, NEEDS_PYTHON),)
    except ValueError as error:
        problems = [first_syntax_problem(source, str(error))]
    else:
        large = too_large(source, {})
        problems = [ExpressionProblem(1, 1, large)] if large else list(_literals(source))
    positions = {(problem.line, problem.column) for problem in problems}
    problems += [
        problem
        for problem in unknown(source, schema)
        if (problem.line, problem.column) not in positions
    ]
    return tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))


@lru_cache(maxsize=512)
def _compiled(source: str) -> "Program":
    import cel  # noqa: PLC0415  not available for Python 3.10

    return cel.compile(source)


def too_large(source: str, scope: Mapping[str, object]) -> str | None:
    """Return a sentence when an evaluation may take too many steps, else None."""
    units = work(source, scope)
    if units <= MAX_WORK:
        return None
    return f"too large to evaluate: up to {units:,} steps; {MAX_WORK:,} are allowed"


def _literals(source: str) -> Iterator[ExpressionProblem]:
    """Yield a problem for each literal that its function cannot read, as in `duration("7d")`."""
    tokens = tokenize(source)
    for index, token in enumerate(tokens):
        if token.text in _READS_TEXT and text_at(tokens, index + 1) == "(":
            literal = tokens[index + 2]
            if literal.kind == "text" and closer(tokens, index + 1) == index + 3:
                receiver = '"".' if token.text == "matches" else ""
                call = f"{receiver}{token.text}({literal.text})"
                if isinstance(_evaluated(call, {}), EvaluationError):
                    what, hint = _READS_TEXT[token.text]
                    yield at(source, literal.start, f"{literal.text} is {what}", hint)


def evaluate(source: str, scope: Mapping[str, object]) -> Evaluation:
    """Return what a valid expression gives in `scope`. Does not raise."""
    result = _evaluated(source, scope)
    if isinstance(result, EvaluationError) and _MIXED.match(str(result.error)):
        source, scope = with_decimals(source), _decimals(scope)
        result = _evaluated(source, scope)
    return Evaluation(result, source, scope)


def _evaluate_condition(source: str, scope: Mapping[str, object]) -> str | None:
    evaluation = evaluate(source, scope)
    match evaluation.result:
        case EvaluationError(error):
            return why_failed(source, error, scope)
        case True if compares_nan(evaluation):
            return f"it compares a value that is NaN: {values(source, scope)}"
        case True:
            return None
        case False:
            return values(source, scope) or "it is false"
        case _:
            return not_a_condition(evaluation.result)


def not_a_condition(result: object) -> str:
    """Return that the result of an evaluation is another value than true or false."""
    return f"it is {shown(result)}, not true or false"


def _evaluated(source: str, scope: Mapping[str, object]) -> object:
    try:
        return _compiled(source).execute(dict(scope))
    except _RAISED as error:
        return EvaluationError(error)


def compares_nan(evaluation: Evaluation, *, everywhere: bool = False) -> bool:
    """Return whether a condition compares a calculated NaN for equality, or `everywhere`."""
    from cel import Context  # noqa: PLC0415  as above

    text = with_watch(evaluation.source, comparisons=everywhere)
    if text is None:
        return False
    nan_values: list[object] = []

    def watch(value: object) -> object:
        if _has_nan(value):
            nan_values.append(value)
        return value

    context = Context(dict(evaluation.scope))
    context.add_function(WATCH, watch)
    with suppress(*_RAISED):
        _compiled(text).execute(context)
    return bool(nan_values)


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


def _decimals(value: object) -> Any:  # noqa: ANN401  the type is that of the argument
    match value:
        case bool():
            return value
        case int():
            return float(value)
        case list():
            return [_decimals(element) for element in value]
        case Mapping():
            return {key: _decimals(element) for key, element in value.items()}
        case _:
            return value


def why_failed(source: str, error: Exception, scope: Mapping[str, object]) -> str:
    """Return why an evaluation raised an error, as a sentence."""
    missing = absences(source, scope)
    if missing:
        return "; ".join(missing)
    reason, describe = _worded(error), kinds if isinstance(error, TypeError) else values
    described = describe(source, scope)
    return f"{reason}: {described}" if described else reason


def _worded(error: Exception) -> str:
    text = str(error)
    match error:
        case ZeroDivisionError():
            return "it divides by zero"
        case OverflowError():
            return "a number grows too large"
        case KeyError():
            return f"`{text.strip(_QUOTES)}` does not exist"
        case IndexError():
            return "an index is beyond the end of a list"
        case TypeError():
            return "the types do not match"
        case _:
            call = _CALL.search(text)
            return f"`{call.group(1)}` does not accept its argument" if call else _OTHER
