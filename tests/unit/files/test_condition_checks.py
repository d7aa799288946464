"""The conditions of a watch are checked where they stand, in the settings and in a model's file."""

from pathlib import Path

import pytest

from reconciler.errors import DeclarationError
from reconciler.files.loader import load, parse_settings

pytestmark = pytest.mark.needs_cel

_SOURCE = "source: {prometheus: 'http://p:9090', query: up}"


def told(text: str) -> list[str]:
    """Return what is wrong with settings, with place and hint."""
    try:
        parse_settings(text.encode(), "reconciler.yaml")
    except DeclarationError as wrong:
        return [f"{p.line}:{p.column} {p.message} ({p.hint})" for p in wrong.problems]
    return []


def rule(fail: str, source: str = _SOURCE) -> str:
    return f"watch:\n- name: a\n  {source}\n  fail: {fail}\n"


@pytest.mark.parametrize(
    "fail",
    [
        "value > 0.05",
        "value < baseline - 0.02",
        "baseline == null || value > baseline",
        "value > 1 && value < baseline * 3",
        "value / baseline > 1.5",
        "samples == null || value > 1",
        "[value, 1.0].exists(x, x > 2.0)",
        "value > 1.0 / 0.0",
    ],
)
def test_a_condition_over_numbers_is_taken(fail: str) -> None:
    assert told(rule(f"'{fail}'")) == []


@pytest.mark.parametrize(
    ("fail", "complaint"),
    [
        ("value > 1 && vaule > 2", "4:22 there is no variable `vaule` (did you mean `value`?)"),
        ("value > metrics.auc", "4:17 there is no variable `metrics` (there are value, "),
        ("value.mean > 1", "4:15 `value` is a double: it has no `mean`"),
        ("value > ", "4:16 the expression ends too early"),
        ("sum(value) > 1", "4:9 there is no function `sum`"),
        ("value", "4:9 it is 0.5, not true or false (write it like `value > baseline + 0.02`)"),
        ("value > 'high'", "4:9 the types do not match: value is a number"),
        ("value > 1 || baseline", "4:9 "),
        ("size(value) > 1", "4:9 `size` does not accept its argument"),
        ("true", "4:9 it reads neither `value` nor `samples`, so it is the same at every look"),
        ("baseline > 1", "4:9 it reads neither `value` nor `samples`"),
        ("value > 1 && samples > 5", "4:22 the source does not tell how many `samples` there are"),
    ],
)
def test_what_is_wrong_with_a_condition_is_told_at_its_place(fail: str, complaint: str) -> None:
    (found,) = told(rule(fail))
    assert found.startswith(complaint)


def test_a_source_that_tells_samples_lets_the_condition_read_them() -> None:
    assert told(rule("samples > 5", _SOURCE.replace("up", "up, samples: up"))) == []


def test_a_condition_that_yaml_takes_apart_is_told_how_to_be_written() -> None:
    (found,) = told(rule("value > 1 ? true : false"))
    assert "write `fail: |` and the expression on the next line" in found


def test_the_conditions_of_a_file_have_one_room_together() -> None:
    long = "value > 1 || " + "value > 2 || " * 140 + "value > 3"
    policy = "- {name: p%d, require: 'model == \"" + "m" * 1_900 + "\"'}\n"
    policies = "policies:\n" + "".join(policy % n for n in range(20))
    watch = "watch:\n" + "".join(
        f"- {{name: r{n}, {_SOURCE}, fail: '{long}'}}\n" for n in range(10)
    )
    assert told(policies) == told(watch) == []
    (found,) = told(policies + watch)
    assert "the expressions have more than 50,000 characters in total (take out some)" in found


def test_the_file_of_a_model_is_checked_like_the_settings(tmp_path: Path) -> None:
    (tmp_path / "fraud.yaml").write_text(f"versions: {{1: {{}}}}\n{rule('vaule > 1')}")
    with pytest.raises(DeclarationError) as wrong:
        load(tmp_path, "state")
    (found,) = wrong.value.problems
    assert (found.file, found.line, found.column) == ("state/fraud.yaml", 5, 9)
    assert (found.model, found.message) == ("fraud", "there is no variable `vaule`")
