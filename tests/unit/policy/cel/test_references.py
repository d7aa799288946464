"""What the text of an expression says: its tokenize, what it refers to, and its second readings."""

import subprocess
import sys

import pytest

from reconciler.policy.cel.cost import work
from reconciler.policy.cel.references import loops, reads_facts, reads_history, references, uses
from reconciler.policy.cel.rewrite import with_decimals, with_watch
from reconciler.policy.cel.tokenizer import tokenize


def paths(source: str) -> list[tuple[object, ...]]:
    return [reference.path for reference in references(source)]


def texts(source: str) -> list[str]:
    return [token.text for token in tokenize(source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a.b >= 1.5e-3", ["a", ".", "b", ">=", "1.5e-3"]),
        ("x==.5||!y", ["x", "==", ".5", "||", "!", "y"]),
        ("0x1F + 7u + 7", ["0x1F", "+", "7u", "+", "7"]),
        ('"a // b" // c\n+ 1', ['"a // b"', "+", "1"]),
        (r'"a\"b" + r"\" + b"x"', [r'"a\"b"', "+", 'r"\\"', "+", 'b"x"']),
        ("'''a'b\n'''+\"\"\"c\"d\"\"\"", ["'''a'b\n'''", "+", '"""c"d"""']),
        ("'' == \"\"", ["''", "==", '""']),
        ("x.?y", ["x", ".?", "y"]),
    ],
)
def test_an_expression_is_cut_into_its_tokens(source: str, expected: list[str]) -> None:
    assert texts(source) == expected


def test_a_text_that_is_not_closed_leaves_a_bare_quote() -> None:
    assert texts('"abc') == ['"', "abc"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("metrics.test_auc > 1", [("metrics", "test_auc")]),
        ('metrics["test auc"] > 1', [("metrics", "test auc")]),
        ("version.aliases[0] == model", [("version", "aliases", 0), ("model",)]),
        ("metrics[version.tags.main]", [("metrics", None), ("version", "tags", "main")]),
        (r'metrics["a\x62"]', [("metrics", None)]),
        ('"metrics.x" == r"incumbent" // run.id', []),
        ("commit.approvals.size() > 0", [("commit", "approvals")]),
        ("size(commit.approvals) > 0", [("commit", "approvals")]),
        ("version.tags.all(k, k != model)", [("version", "tags"), ("model",)]),
        ("[1].all(x, x > 0) && x", [("x",)]),
        ("incumbent.run.tags.git.commit", [("incumbent", "run", "tags", "git", "commit")]),
        ('"auc" in metrics', [("metrics", "auc")]),
        ('"au" + "c" in metrics', [("metrics",)]),
        ('"a" in metrics.filter(k, true)', [("metrics",)]),
        ("in metrics", [("metrics",)]),
        ("metrics[", [("metrics", None)]),
    ],
)
def test_references_are_found_outside_of_texts_and_bound_names(
    source: str, expected: list[tuple[object, ...]]
) -> None:
    assert paths(source) == expected


@pytest.mark.parametrize(
    ("source", "test"),
    [
        ("has(metrics.auc)", "has"),
        ("incumbent == null", "null"),
        ("null != incumbent", "null"),
        ('"auc" in metrics', "in"),
        ("metrics.auc > 1", ""),
    ],
)
def test_a_reference_that_is_only_asked_after_is_told_apart(source: str, test: str) -> None:
    assert [reference.test for reference in references(source)] == [test]


@pytest.mark.parametrize(
    ("source", "path", "answer"),
    [
        ("commit.approvals.size() > 1", "commit.approvals", True),
        ("commit.author != 'x'", "commit.approvals", False),
        ("size(commit) > 1", "commit.approvals", True),
        ("commit[model] == 1", "commit.approvals", True),
        ('commit["approvals"] != null', "commit.approvals", True),
        ("'commit.approvals' == model", "commit.approvals", False),
        ("commit.approvals[0].login == 'a'", "commit.approvals", True),
    ],
)
def test_what_is_read_is_known_from_the_text(source: str, path: str, *, answer: bool) -> None:
    assert uses(source, path) is answer


@pytest.mark.parametrize(
    "source",
    [
        "metrics.auc > 1",
        "has(params.x)",
        "run == null",
        "version.signature != null",
        "incumbent.metrics.auc > 1",
        "[incumbent].all(i, i.number > 1)",
        "version[model] == 1",
    ],
)
def test_facts_are_asked_for_by_what_cannot_be_judged_without(source: str) -> None:
    assert reads_facts(source)


@pytest.mark.parametrize(
    "source",
    [
        'version.tags.validated == "true"',
        "incumbent == null || incumbent.tags.x == version.tags.x",
        '"metrics.auc" in version.tags',
        "change.rollback || model.startsWith('a')",
    ],
)
def test_no_facts_are_asked_for_by_what_only_reads_the_registry(source: str) -> None:
    assert not reads_facts(source)


def test_history_is_asked_for_by_a_rollback_only() -> None:
    assert reads_history("change.rollback || version.number > 3")
    assert not reads_history('change.from == "Staging"')


def test_the_bound_name_of_a_loop_and_its_brackets_are_known() -> None:
    source = "version.aliases.exists(a, a == model) && true"
    (loop,) = loops(source)
    assert loop.variable == "a"
    assert texts(source)[loop.opener : loop.closer + 1] == ["(", "a", ",", "a", "==", "model", ")"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("metrics.n + 1 > 2", "metrics.n + 1.0 > 2.0"),
        ('x["1"] + v1 + 0x1 + 1u + 1.5 + 1e3', 'x["1"] + v1 + 0x1 + 1u + 1.5 + 1e3'),
        ("version.aliases[0] + [0][0]", "version.aliases[0] + [0.0][0]"),
        ("f(x)[12] + g[1][2]", "f(x)[12] + g[1][2]"),
        ("{1: 2}[1] + (a ? 1 : 2)", "{1: 2.0}[1] + (a ? 1.0 : 2.0)"),
        ("'1' == r\"1\" // 1\n+ 1", "'1' == r\"1\" // 1\n+ 1.0"),
    ],
)
def test_whole_numbers_become_decimals_where_they_are_amounts(source: str, expected: str) -> None:
    assert with_decimals(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a / b != 1.0", "watched(a / b) != 1.0"),
        ("x && !(double(p) == q || y)", "x && !(watched(double(p)) == q || y)"),
        ("m.all(k, m[k] * 2.0 in l) ? 1 : 2", "m.all(k, watched(m[k] * 2.0) in l) ? 1 : 2"),
        ("a == b - c == d", "a == watched(b - c) == d"),
        ("(a / b == 1.0) == (c)", "watched((watched(a / b) == 1.0)) == (c)"),
    ],
)
def test_calculated_sides_of_equality_are_watched(source: str, expected: str) -> None:
    assert with_watch(source) == expected


def test_nothing_is_watched_where_nothing_is_calculated() -> None:
    assert with_watch('version.tags.a == "1 / 2" && metrics.x + 1.0 > 2.0') is None


_HUNDRED = {"metrics": {f"m{i}": 0.5 for i in range(100)}, "params": {"text": "x" * 2_000}}


@pytest.mark.parametrize(
    ("source", "least"),
    [
        ("metrics.all(k, true)", 100),
        ("metrics.all(k, metrics.all(j, true))", 100**2),
        ("metrics.all(k, metrics == metrics)", 100 * 200),
        ("metrics.filter(k, true) == []", 100**2),
        ("[metrics].all(m, m == m)", 100 * 200),
        ("(metrics + metrics + metrics).all(k, k != metrics)", 300 * 300),
        ("metrics.all(k, params.text == 'x')", 100 * 100),
        ("metrics.all(k, k.matches('a'))", 100 * 5_000),
        ("params.text.matches('a{9}')", 500_000),
        ("params.text.matches(params.text)", 500_000),
        ("[1, 2, 3, 4].all(x, [1].all(y, true))", 16),
    ],
)
def test_work_is_at_least_what_the_language_goes_through(source: str, least: int) -> None:
    assert work(source, _HUNDRED) >= least


@pytest.mark.parametrize(
    "source",
    [
        "metrics.all(k, metrics[k] >= 0.1)",
        "metrics.m1 > 1 && metrics.m2 > 1",
        "size(metrics) > 3",
        "has(params.text)",
    ],
)
def test_work_is_little_where_nothing_multiplies(source: str) -> None:
    assert work(source, _HUNDRED) < 2_000


_WITHOUT = """
import sys
sys.modules["cel"] = None
from reconciler.policy.cel.evaluator import expression_problems, why_unmet
print(expression_problems("true")[0].message, why_unmet("true", {}), sep="\\n")
"""


def test_without_the_library_every_expression_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT], capture_output=True, text=True, check=True
    )
    refused, verdict = done.stdout.splitlines()
    assert refused == "conditions in CEL need Python 3.11 or newer (policies have built-in rules)"
    assert verdict.endswith(refused)
