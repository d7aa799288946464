"""When an expression holds and what it says when it does not: with the real CEL library."""

import math
from datetime import datetime, timezone

import pytest

from reconciler.core.state import Live
from reconciler.core.transitions import Transition
from reconciler.policy.cel.evaluator import why_unmet
from reconciler.policy.variables import Commit, TransitionInput, variables
from tests.support.plans.expression_lab import scope, version


@pytest.mark.parametrize(
    "source",
    [
        "metrics.auc >= incumbent.metrics.auc - 0.02",
        "metrics.n >= 1 && metrics.n == 5 && metrics.n in [5]",
        "metrics.n + 1 > 2",
        "metrics.auc * 100 - version.number > 80",
        "-metrics.auc + 1 < 1 && version.aliases[0] == 'candidate'",
        "metrics.all(k, metrics[k] + 1 > 1)",
        "double(version.tags.n) > 3",
        "version.age >= duration('72h') && version.created < now",
        "version.tags.owner.startsWith('pay') && size(version.aliases) == 1",
        "!has(metrics.f1) && !('f1' in metrics)",
        "incumbent == null || incumbent.number == 3",
        "change.from == 'Staging' && change.to == 'Production' && !change.rollback",
        "version.declared.tags.validated == 'true'",
        "version.declared.digest != null && version.declared.digest.startsWith('sha256:')",
        "commit.approvals == null",
        'metrics["test auc"] > 0.5',
    ],
)
def test_what_is_true_holds(source: str) -> None:
    metrics = {"auc": 0.93, "n": 5.0, "test auc": 0.6}
    assert why_unmet(source, scope(metrics, {"auc": 0.94})) is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "metrics.auc >= incumbent.metrics.auc",
            "metrics.auc is 0.91, incumbent.metrics.auc is 0.94",
        ),
        ("metrics.n + 1 > 20", "metrics.n is 5.0"),
        ("version.tags.blank == 'true'", 'version.tags.blank is ""'),
        ("version.aliases.exists(a, a == 'champion')", "version.aliases is [candidate]"),
        ("change.rollback", "change.rollback is false"),
        ("now.getHours() > 3", "now is 2024-01-04T00:00:00+00:00"),
        ("false", "it is false"),
        ("1", "it is 1, not true or false"),
        ("metrics.n / 5", "it is 1.0, not true or false"),
        ("version.tags", "it is a map with blank, n, owner, not true or false"),
        ("'true'", 'it is "true", not true or false'),
        ("null", "it is null, not true or false"),
    ],
)
def test_what_is_not_true_says_what_it_looked_at(source: str, expected: str) -> None:
    assert why_unmet(source, scope({"auc": 0.91, "n": 5.0}, {"auc": 0.94})) == expected


def test_long_values_and_many_of_them_are_shortened() -> None:
    metrics = {f"m{i:02}": float(i) for i in range(30)}
    said = str(why_unmet(" && ".join(f"metrics.m{i:02} > 99" for i in range(30)), scope(metrics)))
    assert said == ", ".join(f"metrics.m{i:02} is {i}.0" for i in range(6)) + " and 24 more"
    tagged = scope(version=version(4, tags={"note": "x" * 100_000}))
    assert why_unmet("version.tags.note == 'y'", tagged) == f'version.tags.note is "{"x" * 60}…"'
    assert str(why_unmet("metrics.nope > 1", scope(metrics))).endswith("m08, m09 and 20 more")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("metrics.loss < 1", "metric `loss` does not exist: run 4f0c2a3b… logged auc, f1"),
        (
            "metrics.auk > 0.5",
            "metric `auk` does not exist: run 4f0c2a3b… logged auc, f1; did you mean `auc`?",
        ),
        (
            "metrics.auc > incumbent.metrics.f1",
            "the incumbent v3: metric `f1` does not exist: run 3f0c2a3b… logged auc",
        ),
        (
            "metrics.x > incumbent.metrics.y",
            (
                "metric `x` does not exist: run 4f0c2a3b… logged auc, f1; "
                "the incumbent v3: metric `y` does not exist: run 3f0c2a3b… logged auc"
            ),
        ),
        ("params.depth == '3'", "param `depth` does not exist: run 4f0c2a3b… logged lr, odd"),
        (
            "incumbent.params.depth == '3'",
            "the incumbent v3: param `depth` does not exist: run 3f0c2a3b… logged no params",
        ),
        (
            "version.tags.approved == 'true'",
            "tag `approved` does not exist: v4 has the tags blank, n, owner",
        ),
        (
            "version.tags.validated == 'true'",
            (
                "tag `validated` does not exist: v4 has the tags blank, n, owner; "
                "only live tags count, not those that this change sets"
            ),
        ),
        (
            "incumbent.tags.approved == 'true'",
            (
                "the incumbent v3: tag `approved` does not exist: "
                "the incumbent v3 has the tags blank, n, owner"
            ),
        ),
        ("run.tags.git != ''", "run tag `git` does not exist: run 4f0c2a3b… has no run tags"),
        ("version.signature.inputs.size() > 0", "v4 has no signature"),
        ("commit.approvals.size() >= 1", "approvals are not known here: no forge was asked"),
        ("size(commit.approvals) >= 1", "approvals are not known here: no forge was asked"),
        ("version.aliases[3] == 'x'", "version.aliases has 1 element"),
        ("version.source.startsWith('s3')", "version.source is null"),
        (
            "has(metrics.loss) && metrics.loss < 1",
            "metric `loss` does not exist: run 4f0c2a3b… logged auc, f1",
        ),
        ("'loss' in metrics", "metric `loss` does not exist: run 4f0c2a3b… logged auc, f1"),
        (
            "metrics[model] > 1",
            '`fraud` does not exist: metrics is a map with auc, f1, model is "fraud"',
        ),
        (
            "(incumbent == null || metrics.auc > 0.1) && metrics.loss < 1",
            "metric `loss` does not exist: run 4f0c2a3b… logged auc, f1",
        ),
    ],
)
def test_what_is_missing_is_named_with_what_is_there(source: str, expected: str) -> None:
    assert why_unmet(source, scope({"auc": 0.9, "f1": 0.8}, {"auc": 0.9})) == expected


def test_without_a_run_the_version_is_named() -> None:
    bare = scope({}, run=None)
    assert why_unmet("metrics.auc > 1", bare) == "metric `auc` does not exist: v4 has no metrics"
    assert why_unmet("run.tags.git != ''", bare) == "v4 has no run"
    measured = scope({"loss": 1.0}, run=None)
    said = why_unmet("metrics.auc > 1", measured)
    assert said == "metric `auc` does not exist: v4 has the metrics loss"


def test_without_an_incumbent_an_expression_says_whether_the_first_one_may_pass() -> None:
    first = scope({"auc": 0.9})
    why = "there is no incumbent: write `incumbent == null || …` to let the first version pass"
    for source in (
        "metrics.auc >= incumbent.metrics.auc",
        "has(incumbent.metrics.auc)",
        "incumbent.tags.owner == 'x'",
        "!(metrics.auc < incumbent.metrics.auc)",
    ):
        assert why_unmet(source, first) == why, source
    assert why_unmet("incumbent == null || metrics.auc >= incumbent.metrics.auc", first) is None
    guarded = "(incumbent == null || metrics.auc > incumbent.metrics.auc) && metrics.loss < 1"
    assert why_unmet(guarded, first) == "metric `loss` does not exist: run 4f0c2a3b… logged auc"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("version.number / 0 > 1", "it divides by zero: version.number is 4"),
        (
            "version.tags.n > 3",
            "the types do not match: version.tags.n is text (write double(version.tags.n))",
        ),
        (
            "version.tags.n + 1 > metrics.auc",
            (
                "the types do not match: version.tags.n is text "
                "(write double(version.tags.n)), metrics.auc is a number"
            ),
        ),
        (
            "double(version.tags.owner) > 1",
            '`double` does not accept its argument: version.tags.owner is "payments"',
        ),
        (
            "now > version.age",
            "the types do not match: now is a timestamp, version.age is a duration",
        ),
        ("size(version.number) > 1", "`size` does not accept its argument: version.number is 4"),
        ("9223372036854775807 + 1 > 0", "a number grows too large"),
        ("[1][1] == 1", "an index is beyond the end of a list"),
        ("!model", "the types do not match: model is text"),
        ("metrics.auc && true", "the types do not match: metrics.auc is a number"),
    ],
)
def test_what_goes_wrong_is_no_pass_and_no_crash(source: str, expected: str) -> None:
    assert why_unmet(source, scope({"auc": 0.9})) == expected


@pytest.mark.parametrize(
    "source",
    [
        "metrics.x != 1.0",
        "metrics.x == metrics.x || true",
        "!(metrics.x < 0.5)",
        "!(metrics.x == 0.0)",
        'metrics["x"] != 1',
        r'metrics["\x78"] != 1',
        "(metrics).x != 1.0",
        "!has(metrics.x) || true",
        "has(metrics.x)",
        "'x' in metrics",
        "!metrics.exists(k, metrics[k] == 1.0)",
        "metrics.all(k, metrics[k] != 1.0)",
        "size(metrics) > 0",
        "[metrics].all(m, m.x != 1.0)",
        "metrics[version.tags.owner] != 1.0 || true",
        "!(metrics.x in [1.0])",
        "true || metrics.x > 1",
        "metrics != {'x': 1.0}",
        "metrics.x + 1 != 2",
        "version.number == 4 ? true : metrics.x > 1",
    ],
)
def test_a_metric_that_is_not_a_number_never_passes(source: str) -> None:
    assert why_unmet(source, scope({"x": math.nan, "y": 1.0})) == "metric `x` is NaN"


@pytest.mark.parametrize(
    "source",
    [
        "incumbent.metrics.x != 1.0",
        "incumbent.metrics.all(k, incumbent.metrics[k] != 1.0)",
        'incumbent["metrics"]["x"] != 1.0',
        "[incumbent].all(i, i.metrics.x != 1.0)",
        "(incumbent).metrics.x != 1.0",
    ],
)
def test_nor_does_one_of_the_incumbent(source: str) -> None:
    said = why_unmet(source, scope({}, {"x": math.nan}))
    assert said == "the incumbent v3: metric `x` is NaN"


def test_a_metric_that_is_not_asked_for_may_be_anything() -> None:
    odd = scope({"x": math.nan, "y": 1.0}, {"x": math.nan, "y": 0.5})
    assert why_unmet("metrics.y > incumbent.metrics.y", odd) is None
    assert why_unmet("incumbent != null && 'y' in metrics && has(incumbent.metrics.y)", odd) is None


@pytest.mark.parametrize(
    "source",
    [
        "double(params.odd) != 1.0",
        "!(double(params.odd) == 1.0)",
        "!(double(params.odd) in [1.0])",
        "metrics.zero / metrics.zero != 1.0",
        "metrics.zero / 0 != 1",
        "metrics.inf - metrics.inf != 1.0",
        "metrics.all(k, metrics[k] * 0.0 != 1.0)",
        "[metrics.inf - metrics.inf] != [1.0]",
        "(version.number == 4 ? double(params.odd) : 1.0) != 1.0",
    ],
)
def test_nor_does_what_is_calculated_pass_when_it_is_not_a_number(source: str) -> None:
    odd = scope({"zero": 0.0, "inf": math.inf})
    assert str(why_unmet(source, odd)).startswith("it compares a value that is NaN: ")


@pytest.mark.parametrize("source", ["double(params.odd) < 1.0", "!(double(params.odd) > 1.0)"])
def test_nor_is_it_less_or_more_than_anything(source: str) -> None:
    assert why_unmet(source, scope()) is not None


def test_infinity_is_a_number() -> None:
    assert why_unmet("metrics.inf > 1.0", scope({"inf": math.inf})) is None
    assert why_unmet("metrics.inf < 1.0", scope({"inf": math.inf})) == "metrics.inf is inf"


def test_a_scope_that_is_not_complete_is_no_pass() -> None:
    assert why_unmet("metrics.auc > 0.5", {}) == "metrics is not known"
    assert why_unmet("true", {}) is None


def test_a_version_of_which_nothing_is_known_is_no_pass() -> None:
    seen = TransitionInput(Transition("m", 2, stage="Staging"), Live("m", {}, {}), None, {})
    now = datetime(2024, 1, 4, tzinfo=timezone.utc)
    empty = variables(seen, Commit(), now, rollback=True)
    assert why_unmet("version.age > duration('1h')", empty) == "version.age is null"
    assert why_unmet("change.rollback && version.status == 'missing'", empty) is None
    digest = "version.declared.digest"
    assert why_unmet(f"{digest} != null", empty) == f"{digest} is null"
