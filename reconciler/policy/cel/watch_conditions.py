"""The conditions of a watch in CEL: their problems, and whether they are true.

Three things can be said of one: true, false, or neither. It is neither where it compares NaN, or
needs a variable that is null. `baseline == null || value > baseline` needs none.
"""

from collections.abc import Mapping
from functools import lru_cache, partial
from math import isnan
from typing import Final

from reconciler.policy.cel.evaluator import (
    EvaluationError,
    compares_nan,
    evaluate,
    expression_problems,
    not_a_condition,
    too_large,
    why_failed,
)
from reconciler.policy.cel.explanations import values
from reconciler.policy.cel.references import references
from reconciler.policy.cel.rewrite import without_nulls
from reconciler.policy.cel.schema import WATCH_SCHEMA
from reconciler.policy.cel.static_checks import ExpressionProblem, at
from reconciler.policy.cel.tokenizer import tokenize

_CHANGING: Final = ("value", "samples")
# Values, baselines and samples that a condition is tried with, on either side of a usual limit.
_TRIED: Final = ((0.5, 0.25, 400.0), (0.25, 0.5, 3.0), (30.0, 1.0, 20_000.0))
_EXAMPLE: Final = "write it like `value > baseline + 0.02`"


def fails(source: str, scope: Mapping[str, float | None]) -> bool | str:
    """Return whether a condition is true, or a sentence why that cannot be said. Does not raise.

    `scope` holds `value`, `baseline` and `samples`; a missing one is as null.
    """
    problems = expression_problems(source, WATCH_SCHEMA)
    if problems:
        return f"it cannot be evaluated: {problems[0].message}"
    known = {
        name: None if (value := scope.get(name)) is None else float(value)
        for name in WATCH_SCHEMA.types
    }
    return too_large(source, known) or _nan(source, known) or _evaluated(source, known)


@lru_cache(maxsize=512)
def watch_problems(source: str, *, tells_samples: bool = True) -> tuple[ExpressionProblem, ...]:
    """Return the problems of a condition, sorted by position; empty when it is valid.

    With `tells_samples` the source of the rule tells how many samples there are.
    """
    problems = expression_problems(source, WATCH_SCHEMA)
    if problems:
        return problems
    found = references(source)
    if not any(reference.path[0] in _CHANGING for reference in found):
        message = "it reads neither `value` nor `samples`, so it is the same at every look"
        return (ExpressionProblem(1, 1, message, _EXAMPLE),)
    counted = [each for each in found if each.path[0] == "samples" and not each.test]
    if counted and not tells_samples:
        place = tokenize(source)[counted[0].start].start
        message = "the source does not tell how many `samples` there are"
        return (at(source, place, message, "add `samples` to `source`"),)
    problem = next(filter(None, map(partial(_of_types, source), _TRIED)), None)
    return () if problem is None else (problem,)


def _of_types(source: str, tried: tuple[float, ...]) -> ExpressionProblem | None:
    """Return the problem of a condition that does not compare numbers, found by trying it."""
    scope = dict(zip(WATCH_SCHEMA.types, tried, strict=True))
    evaluation = evaluate(source, scope)
    match evaluation.result:
        case bool() | EvaluationError(ArithmeticError() | LookupError()):
            return None
        case EvaluationError(error) if not compares_nan(evaluation, everywhere=True):
            return ExpressionProblem(1, 1, why_failed(source, error, scope), _EXAMPLE)
        case EvaluationError():
            return None
        case other:
            return ExpressionProblem(1, 1, not_a_condition(other), _EXAMPLE)


def _nan(source: str, scope: Mapping[str, float | None]) -> str | None:
    for reference in references(source):
        value = scope.get(str(reference.path[0]))
        if value is not None and isnan(value):
            return f"`{reference.path[0]}` is NaN"
    return None


def _evaluated(source: str, scope: Mapping[str, float | None]) -> bool | str:
    absent = [name for name, value in scope.items() if value is None]
    evaluation = evaluate(without_nulls(source, absent), scope)
    if compares_nan(evaluation, everywhere=True):
        return f"it compares a value that is NaN: {values(source, scope)}"
    match evaluation.result:
        case EvaluationError(error):
            read = {str(reference.path[0]) for reference in references(source)}
            missing = [f"`{name}` is not known" for name in absent if name in read]
            return ", ".join(missing) or why_failed(source, error, scope)
        case bool() as result:
            return result
        case other:
            return not_a_condition(other)
