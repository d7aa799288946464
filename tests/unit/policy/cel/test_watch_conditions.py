"""A watch's condition is true, false or neither; it is never either by accident."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.policy.cel.watch_conditions import fails, watch_problems

NAN = math.nan


def said(source: str, value: float, baseline: float | None = None) -> bool | str:
    return fails(source, {"value": value, "baseline": baseline, "samples": None})


@pytest.mark.parametrize(
    ("source", "value", "baseline", "outcome"),
    [
        ("value > baseline + 0.02", 0.05, 0.02, True),
        ("value > baseline + 0.02", 0.03, 0.02, False),
        ("value > baseline + 1", 0.05, 0.02, False),
        ("value * 2 > 1", 0.6, None, True),
        ("value > 1", 2, None, True),
        # A baseline that is not known decides nothing, unless the condition says what to do.
        ("value > baseline", 0.5, None, "`baseline` is not known"),
        ("value != baseline", 0.5, None, "`baseline` is not known"),
        ("!(value > baseline)", 0.5, None, "`baseline` is not known"),
        ("[baseline] == [value]", 0.5, None, "`baseline` is not known"),
        ("baseline == null || value > baseline", 0.5, None, True),
        ("baseline != null && value > baseline", 0.5, None, False),
        ("null == baseline ? value > 0.9 : value > baseline", 0.5, None, False),
        ("value > 0.4 || value > baseline", 0.5, None, True),
        ("value > 0.6 || value > baseline", 0.5, None, "`baseline` is not known"),
        ("value > 0.6 && value > baseline", 0.5, None, False),
        ("value > baseline && samples > 5", 0.5, None, "`baseline` is not known, `samples` is n"),
        # Nor does NaN, wherever it comes from.
        ("value > 1", NAN, None, "`value` is NaN"),
        ("!(value > 1)", NAN, None, "`value` is NaN"),
        ("value > 1 || baseline > 1", 2, NAN, "`baseline` is NaN"),
        ("value / baseline > 1.5", 0, 0, "it compares a value that is NaN: value is 0"),
        ("!(value / baseline > 1.5)", 0, 0, "it compares a value that is NaN: value is 0"),
        ("value / baseline != 1.5", 0, 0, "it compares a value that is NaN: value is 0"),
        ("value - baseline < 1", math.inf, math.inf, "it compares a value that is NaN"),
        ("value / baseline > 1.5", 0.1, 0, True),
        # What cannot be evaluated is neither.
        ("value > baseline +", 1, 1, "it cannot be evaluated: the expression ends too early"),
        ("vaule > 1", 1, 1, "it cannot be evaluated: there is no variable `vaule`"),
        ("value", 1, 1, "it is 1.0, not true or false"),
        ("value > 'a'", 1, 1, "the types do not match: value is a number"),
    ],
)
def test_a_condition_is_true_false_or_neither(
    source: str, value: float, baseline: float | None, outcome: object
) -> None:
    found = said(source, float(value), None if baseline is None else float(baseline))
    if isinstance(outcome, str):
        assert str(found).startswith(outcome)
    assert isinstance(found, str) or found is outcome


def test_a_name_that_is_missing_is_as_null() -> None:
    assert fails("samples == null && value > 1", {"value": 2.0}) is True


def test_a_whole_number_is_a_decimal_like_any_value() -> None:
    assert fails("value / 2.0 > 0.4", {"value": 1}) is True
    assert fails("value / 2 > 0", {"value": 1}) is True


def test_policies_and_watches_are_not_taken_for_each_other() -> None:
    from reconciler.policy.cel.evaluator import expression_problems  # noqa: PLC0415  beside ours

    for source, own in (("metrics.auc > 0.5", False), ("value > 0.5", True)):
        assert bool(expression_problems(source)) is own
        assert bool(watch_problems(source)) is not own
        assert bool(expression_problems(source)) is own, "the cache tells them apart"


_NUMBERS = st.sampled_from(["value", "baseline", "samples", "0.5", "2.0", "1", "0.0"])
_SUMS = st.recursive(
    _NUMBERS,
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(
        lambda t: f"({' '.join(t)})"
    ),
    max_leaves=4,
)
_COMPARED = st.tuples(_SUMS, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), _SUMS).map(
    " ".join
)
_CONDITIONS = st.recursive(
    _COMPARED,
    lambda inner: st.one_of(
        inner.map("!({})".format),
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda t: f"({' '.join(t)})"),
    ),
    max_leaves=3,
)
_VALUES = st.one_of(st.none(), st.sampled_from([0.0, 0.5, 1.0, 2.0, NAN, math.inf]))


@given(_CONDITIONS, _VALUES, _VALUES, _VALUES)
def test_what_is_not_a_number_decides_nothing(
    source: str, value: float | None, baseline: float | None, samples: float | None
) -> None:
    scope = {"value": value, "baseline": baseline, "samples": samples}
    found = fails(source, scope)
    for name, number in scope.items():
        if number is not None and math.isnan(number) and name in source:
            assert isinstance(found, str)


@given(_CONDITIONS, _VALUES, _VALUES)
def test_a_decision_without_the_baseline_is_the_same_with_any(
    source: str, value: float | None, samples: float | None
) -> None:
    without = fails(source, {"value": value, "baseline": None, "samples": samples})
    for baseline in (0.0, 0.5, 7.0):
        known = fails(source, {"value": value, "baseline": baseline, "samples": samples})
        assert isinstance(without, str) or isinstance(known, str) or known is without


@given(_CONDITIONS, _VALUES, _VALUES)
def test_a_condition_and_its_opposite_never_say_the_same(
    source: str, value: float | None, baseline: float | None
) -> None:
    scope = {"value": value, "baseline": baseline, "samples": 3.0}
    found, opposite = fails(source, scope), fails(f"!({source})", scope)
    assert isinstance(found, str) is isinstance(opposite, str)
    assert isinstance(found, str) or found is not opposite
