"""What holds for every expression: how long it takes, and that only what is true passes."""

import math
import threading
import time
from typing import Any

import cel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.policy.cel.evaluator import expression_problems, why_unmet
from tests.support.plans.expression_lab import scope, version


def many(count: int) -> dict[str, Any]:
    names = [f"name_{i:05}" for i in range(count)]
    return scope(
        dict.fromkeys(names, 0.5), version=version(4, aliases=names), params={"long": "x" * 100_000}
    )


@pytest.mark.parametrize(
    "source",
    [
        "version.aliases.all(a, version.aliases.all(b, a != '' || b != ''))",
        "metrics.filter(a, metrics[a] > 0.1).size() > 0",
        "version.aliases.all(a, a in version.aliases)",
        "metrics.all(a, metrics == metrics)",
        "version.aliases.all(a, params.long.matches('(x+x+)+y') || true)",
        "version.aliases.all(a, a.matches('[a-z_0-9]{9}'))",
        "(version.aliases + version.aliases).all(a, a in version.aliases)",
        "[metrics, metrics].all(m, metrics.all(k, m == metrics))",
    ],
)
def test_what_would_take_too_long_for_these_values_is_cut_off(source: str) -> None:
    large = many(10_000)
    start = time.monotonic()
    said = str(why_unmet(source, large))
    assert time.monotonic() - start < 2
    assert said.startswith("too large to evaluate: up to ")
    assert said.endswith(" steps; 5,000,000 are allowed")
    assert why_unmet(source, many(5)) is None


def test_ten_thousand_metrics_are_looked_through() -> None:
    start = time.monotonic()
    assert why_unmet("metrics.all(k, metrics[k] + 1 >= 0)", many(10_000)) is None
    assert time.monotonic() - start < 2


def test_an_expression_can_be_judged_in_another_thread_than_before() -> None:
    source = "metrics.auc > 0.5 && double(params.lr) != 1.0"
    assert why_unmet(source, scope({"auc": 0.9})) is None
    said: list[str | None] = []
    threads = [
        threading.Thread(target=lambda: said.append(why_unmet(source, scope({"auc": 0.9}))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [None] * 4


_ATOMS = st.sampled_from(
    [
        *("metrics.auc", "metrics.nope", 'metrics["x y"]', "incumbent", "incumbent.metrics.auc"),
        *("version.tags.n", "version.number", "version.age", "commit.approvals", "run.tags.a"),
        *("1", "0", "0.5", "7u", "null", "true", "false", "'a'", r'r"\"', "'''b'''", "[1, 2]"),
        *("now", "model", "params.odd", "{'a': 1}", "has(metrics.auc)", "metrics"),
    ]
)
_SIGNS = ("==", "!=", "<", ">=", "&&", "||", "+", "-", "*", "/", "%", "in")
_CALLS = ("size", "double", "string", "int", "duration", "type")
_MACROS = ("all", "exists", "exists_one", "filter")


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(_SIGNS), inner).map(" ".join),
        inner.map("!({})".format),
        inner.map("-{}".format),
        inner.map("({})[0]".format),
        st.tuples(inner, inner, inner).map(lambda three: "({} ? {} : {})".format(*three)),
        st.tuples(st.sampled_from(_CALLS), inner).map(lambda two: "{}({})".format(*two)),
        st.tuples(inner, st.sampled_from(_MACROS), inner).map(
            lambda three: "({}).{}(x, {})".format(*three)
        ),
    )


_SOURCES = st.recursive(_ATOMS, _larger, max_leaves=6)
_SCOPES = st.builds(
    scope,
    st.fixed_dictionaries(
        {"x y": st.just(1.0)}, optional={"auc": st.sampled_from([0.5, math.nan])}
    ),
    st.one_of(st.none(), st.fixed_dictionaries({"auc": st.just(0.4)})),
)


@given(_SOURCES, _SCOPES)
def test_an_expression_and_its_opposite_do_not_both_hold(
    source: str, known: dict[str, Any]
) -> None:
    said = why_unmet(source, known)
    opposite = why_unmet(f"!({source})", known)
    assert said is None or said.strip()
    assert said is not None or opposite is not None


@given(_SOURCES, st.integers(0, 60), st.text(max_size=3), _SCOPES)
def test_a_broken_expression_has_a_place_inside_of_it_and_never_raises(
    source: str, place: int, junk: str, known: dict[str, Any]
) -> None:
    broken = source[:place] + junk + source[place + 1 :]
    lines = broken.split("\n")
    for fault in expression_problems(broken):
        assert 1 <= fault.line <= len(lines)
        assert 1 <= fault.column <= len(lines[fault.line - 1]) + 1
        assert fault.message
    said = why_unmet(broken, known)
    assert said is None or said.strip()


def _plainly(source: str, known: dict[str, Any]) -> object:
    try:
        return cel.evaluate(source, known)
    except TypeError as error:
        return str(error)


@given(_SOURCES, _SCOPES)
def test_only_what_the_language_calls_true_holds(source: str, known: dict[str, Any]) -> None:
    if why_unmet(source, known) is None:
        plain = _plainly(source, known)
        # Whole numbers and decimals are helped together: that is all that is added.
        assert plain is True or str(plain).startswith("Unsupported operation")


@given(st.floats(allow_nan=True), st.floats(allow_nan=True), st.sampled_from(["<", ">=", "=="]))
def test_a_comparison_holds_as_arithmetic_says(one: float, other: float, sign: str) -> None:
    held = (
        why_unmet(f"metrics.a {sign} incumbent.metrics.a", scope({"a": one}, {"a": other})) is None
    )
    assert held == {"<": one < other, ">=": one >= other, "==": one == other}[sign]
