"""What is wrong with an expression, and what it can name: with the real CEL library."""

from typing import Any

import pytest

from reconciler.core.facts import Column, Facts, Run, Signature
from reconciler.core.state import Declaration, DeclaredVersion, Field, Identity, Live, LiveVersion
from reconciler.core.transitions import Transition
from reconciler.policy.cel.evaluator import expression_problems, why_unmet
from reconciler.policy.cel.schema import FUNCTIONS, POLICY_SCHEMA
from reconciler.policy.variables import Approval, Commit, TransitionInput, variables
from tests.support.plans.expression_lab import NOW, scope


def messages(source: str) -> list[str]:
    return [
        f"{fault.line}:{fault.column}: {fault.message}" + (f" ({fault.hint})" if fault.hint else "")
        for fault in expression_problems(source)
    ]


# --- names ----------------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: str(function.name))
def test_every_function_that_is_offered_is_there(function: Any) -> None:
    assert expression_problems(function.example) == ()
    assert why_unmet(function.example, {}) is None


def full_scope() -> dict[str, object]:
    """Return the scope of a move in which everything is known."""
    columns = (Column("amount", "double"),)
    facts = Facts(
        metrics={"auc": 0.9},
        params={"lr": "1"},
        run=Run("1f0c", name="n", status="FINISHED", user="ann", started=1),
        signature=Signature(columns, columns, columns),
    )
    live = LiveVersion(Identity("1f0c", "models:/m-1", 1))
    seen = TransitionInput(
        transition=Transition("m", 2, stage="Production", before="Staging", incumbent=1),
        live=Live("m", {Field("stage", 1): "Production"}, {1: live, 2: live}),
        declaration=Declaration("m", {}, {2: DeclaredVersion(digest="sha256:0f")}),
        facts={1: facts, 2: facts},
    )
    commit = Commit(id="a", author="ann", approvals=(Approval("bob", "a", "2024"),))
    return variables(seen, commit, NOW, rollback=False)


def kinds_of(value: object, path: str) -> dict[str, str]:
    """Return the paths inside a value with the kind of each, as the table of names has them."""
    kind = POLICY_SCHEMA.types.get(path, "object")
    found = {path: kind.split("(", maxsplit=1)[0]} if path and not path.endswith("[]") else {}
    if isinstance(value, dict) and kind.startswith("object"):
        for key, inside in value.items():
            found |= kinds_of(inside, f"{path}.{key}" if path else key)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        found |= kinds_of(value[0], f"{path}[]")
    return found


def test_the_names_are_those_that_an_expression_is_given() -> None:
    assert kinds_of(full_scope(), "").keys() == POLICY_SCHEMA.types.keys()


def test_every_name_can_be_evaluated() -> None:
    for path in POLICY_SCHEMA.types:
        source = f"{path.replace('[]', '[0]')} != 'no such value'"
        assert expression_problems(source) == ()
        if "map" not in POLICY_SCHEMA.types[path]:
            assert why_unmet(source, full_scope()) is None, source


# --- what is wrong with them ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("metrics.auc >", ["1:14: the expression ends too early"]),
        ("", ["1:1: the expression ends too early"]),
        ("metrics.a\n  >> 1", ["2:4: `>` is not expected here"]),
        ('"日本é" == )', ["1:10: `)` is not expected here"]),
        ("(1", ["1:3: `)` is missing"]),
        ("change.rollback ? true", ["1:23: the expression ends too early"]),
        ("metrics.a = 3", ["1:11: `=` is not expected here (write `==`)"]),
        ("now == now & true", ["1:12: `&` is not expected here (write `&&`)"]),
        ("metrics.a and metrics.b > 1", ["1:11: `and` is not expected here (write `&&`)"]),
        ("package.x", ["1:1: `package` is a reserved word"]),
        (
            "99999999999999999999 > 1",
            ["1:1: the number is too large (write it as a decimal: 1e20)"],
        ),
        ("version.?tags", ["1:8: `.?` is not available"]),
        (
            "version.tags.`a`",
            ['1:13: names cannot be quoted with backticks (write version.tags["a.b"])'],
        ),
        (
            'has(metrics["a"])',
            [
                (
                    "1:12: `has` takes a name after a dot: has(metrics.auc)"
                    ' (for other keys write "test auc" in metrics)'
                ),
            ],
        ),
        (
            "model == 'abc",
            [
                (
                    "1:10: a text is not closed, or has an unknown escape "
                    "(write a backslash as `\\\\`)"
                ),
            ],
        ),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence_with_its_place(
    source: str, expected: list[str]
) -> None:
    assert messages(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("vresion.number > 1", "1:1: there is no variable `vresion` (did you mean `version`?)"),
        ("version.tgas.x == ''", "1:9: `version` has no `tgas` (did you mean `tags`?)"),
        ('version["tgas"] == 1', "1:9: `version` has no `tgas` (did you mean `tags`?)"),
        (
            "version.signature.inputs[0].nmae == ''",
            "1:29: `version.signature.inputs[]` has no `nmae` (did you mean `name`?)",
        ),
        ("version.stage.x", "1:15: `version.stage` is a string: it has no `x`"),
        ("version.aliases.x", "1:17: `version.aliases` is a list: it has no `x`"),
        ("now.getDay() > 1", "1:5: there is no function `getDay` (did you mean `getDate`?)"),
        ("len(model) > 1", "1:1: there is no function `len` (write `size`)"),
        ("model == None", "1:10: there is no variable `None` (write `null`)"),
        ("Foo{} == 1", "1:1: there is no message type `Foo`"),
        (".metrics.x > 1", "1:1: a name does not begin with a dot (write `metrics`)"),
        (
            "all(metrics, true)",
            "1:1: write `all` as `LIST.all(x, …)` (x is a name, … a condition on it)",
        ),
        (
            "version.aliases.exists(i, a, true)",
            "1:17: write `exists` as `LIST.exists(x, …)` (x is a name, … a condition on it)",
        ),
        (
            "version.age > duration('7d')",
            "1:24: '7d' is not a duration (hours, minutes or seconds: duration(\"168h\"))",
        ),
        ("model.matches('(')", "1:15: '(' is not a regular expression, or too large"),
    ],
)
def test_an_unknown_name_is_found_before_it_is_needed(source: str, expected: str) -> None:
    assert expected in messages(source)


def test_every_problem_is_said_in_the_order_of_the_text() -> None:
    assert messages("version.tgas.x == '' &&\n  mdel == 'a' &&\n  max(1, 2) >") == [
        "1:9: `version` has no `tgas` (did you mean `tags`?)",
        "2:3: there is no variable `mdel` (did you mean `model`?)",
        "3:3: there is no function `max`",
        "3:14: the expression ends too early",
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("true" + " " * 1_997, "1:1: the expression has 2,001 characters; 2,000 are allowed"),
        ("(" * 41 + "true" + ")" * 41, "1:41: brackets are nested more than 40 deep"),
        ("[" * 20 + "(" * 21 + "1", "1:41: brackets are nested more than 40 deep"),
        (
            "[1].all(a, [1].all(b, [1].all(c, true)))",
            "1:27: `all`, `exists`, `exists_one`, `filter` are nested more than 2 deep",
        ),
        (
            " && ".join(["[1].all(a, true)"] * 6),
            "1:105: more than 5 of `all`, `exists`, `exists_one`, `filter` in one expression",
        ),
        (
            "version.aliases.map(a, a) == []",
            ("1:17: `map` is not available (use `all`, `exists`, `exists_one` or `filter`)"),
        ),
    ],
)
def test_what_could_run_away_is_refused_before_it_is_run(source: str, expected: str) -> None:
    assert messages(source) == [expected]
    assert str(why_unmet(source, scope())).startswith("it cannot be evaluated: ")


def test_what_is_just_within_the_limits_is_taken() -> None:
    assert why_unmet("(" * 40 + "true" + ")" * 40, {}) is None
    assert why_unmet("[1].all(a, [2].all(b, a < b))" + " " * 1_900, {}) is None
    assert why_unmet(" && ".join(["[1].all(a, true)"] * 5), {}) is None
    assert why_unmet("!" * 1_990 + "true", {}) is None
    assert why_unmet("1" + "+1" * 980 + " > 0", {}) is None


def test_lists_that_multiply_in_the_text_alone_are_refused_at_once() -> None:
    numbers = ",".join(["1"] * 400)
    (message,) = messages(f"[{numbers}].all(a, [{numbers}].all(b, a * b + 1 > 0))")
    assert message.startswith("1:1: too large to evaluate: up to ")
