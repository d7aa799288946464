"""What a policy reads and nobody could read: consent is not offered for it, and only there."""

from dataclasses import replace
from datetime import datetime, timezone
from typing import Literal

import pytest

from reconciler.core.facts import Facts, Part, Unread
from reconciler.core.policies import (
    Approvals,
    Expression,
    Lineage,
    On,
    Policy,
    Requirement,
    SignatureRule,
)
from reconciler.core.state import Live, Serving
from reconciler.core.transitions import Transition
from reconciler.policy.cel.adapter import CelConditions
from reconciler.policy.evaluation import PolicyContext, PolicyInput, check_policies
from reconciler.policy.unread import unread

_MOVE = Transition("m", 2, stage="Production", before="Staging", incumbent=1)
_RUN, _LOGGED = Unread("the run", "log in"), Unread("the logged model", "wait")
_SIGNATURE = Unread("the file", "see")
_ALL: dict[Part, Unread] = {"run": _RUN, "logged model": _LOGGED, "signature": _SIGNATURE}

Level = Literal["required", "compatible"]


def _found(requires: Requirement, own: Facts, incumbent: Facts | None = None) -> set[Unread]:
    facts = {2: own, 1: incumbent or Facts()}
    return set(unread(requires, _MOVE, facts, CelConditions(), approvals=False, history=True))


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("metrics.auc > 0.5", {_RUN, _LOGGED}),
        ("metrics.all(name, metrics[name] > 0.5)", {_RUN, _LOGGED}),
        ('"f1" in metrics', {_RUN, _LOGGED}),
        ("double(params.lr) > 0.5", {_RUN, _LOGGED}),
        ("run.status == 'FINISHED'", {_RUN}),
        ("run == null", {_RUN}),
        ("size(version.signature.inputs) > 0", {_SIGNATURE}),
        ("version.tags.validated == 'true'", set()),
        ("incumbent == null || metrics.auc > incumbent.metrics.auc", {_RUN, _LOGGED}),
        ("incumbent.metrics.auc > 0.5", set()),
    ],
)
def test_a_condition_is_judged_by_what_it_reads(condition: str, found: set[Unread]) -> None:
    assert _found(Expression(condition), Facts(unread=_ALL)) == found


def test_a_metric_that_was_read_was_read_whatever_else_is_away() -> None:
    own = Facts(metrics={"auc": 0.4}, unread={"logged model": _LOGGED, "signature": _SIGNATURE})
    assert _found(Expression("metrics.auc > 0.5"), own) == set()
    assert _found(Expression("metrics.auc > 0.5 && metrics.f1 > 0.5"), own) == {_LOGGED}


def test_the_incumbents_evidence_counts_where_it_is_read() -> None:
    away = Facts(unread=_ALL)
    assert _found(Expression("incumbent.run.status == 'x'"), Facts(), away) == {_RUN}
    assert _found(SignatureRule("compatible"), Facts(), away) == {_SIGNATURE}
    assert _found(SignatureRule("required"), Facts(), away) == set()


@pytest.mark.parametrize(
    ("name", "found"),
    [("tags.a", set()), ("run.tags.a", {_RUN}), ("params.a", {_RUN, _LOGGED})],
)
def test_lineage_is_judged_by_its_names(name: str, found: set[Unread]) -> None:
    assert _found(Lineage((name,)), Facts(unread=_ALL)) == found


def test_approvals_that_nobody_asked_for_are_not_consented_to() -> None:
    (own,), (in_condition,) = (
        _found(Approvals(1), Facts()),
        _found(Expression("size(commit.approvals) > 1"), Facts()),
    )
    assert own == in_condition
    assert "reconciler ci apply" in own.hint


_NOW = datetime(2026, 11, 18, tzinfo=timezone.utc)


def _judged(requires: Requirement, own: Facts, incumbent: Facts | None = None) -> str | None:
    policy = Policy("p", On(stages=("Production",)), requires)
    subject = PolicyInput(None, Live("m", {}, {}), (_MOVE,), (Serving(),), (policy,))
    context = PolicyContext(CelConditions(), _NOW)
    found = check_policies(subject, {2: own, 1: incumbent or Facts()}, context).violations
    return f"{found[0].message}; {found[0].hint}" if found else None


@pytest.mark.needs_cel
@pytest.mark.parametrize(
    "condition",
    [
        "!has(metrics.f1) || metrics.f1 > 0.9",
        "!('f1' in metrics)",
        "metrics.all(name, metrics[name] > 0.5)",
        "size(metrics) < 3",
        "!has({'all': metrics}.all.f1)",
        "!has(params.debug)",
        "run == null || run.status == 'FINISHED'",
        "[run].all(one, one == null)",
        "version.signature == null",
        "run != null ? has(metrics.f1) : true",
        "!(run != null && run.tags.state == 'bad')",
    ],
)
def test_no_condition_holds_because_nobody_could_read_what_it_asks_for(condition: str) -> None:
    requires = Expression(condition)
    assert _judged(requires, Facts()) is None  # it is known that there is nothing
    refused = str(_judged(requires, Facts(unread=_ALL)))
    assert "cannot be judged by what could be read" in refused


@pytest.mark.needs_cel
@pytest.mark.parametrize(
    "condition",
    [
        "version.stage == 'None' || metrics.f1 > 0.9",
        "metrics.f1 > 0.9 || version.stage == 'None'",
        "!change.rollback || has(metrics.f1)",
        "incumbent != null || metrics.f1 > incumbent.metrics.f1",
        "!(version.stage != 'None' && has(metrics.f1))",
        "version.number > 0 ? true : has(metrics.f1)",
    ],
)
def test_a_condition_that_holds_whatever_the_run_says_holds(condition: str) -> None:
    assert _judged(Expression(condition), Facts(unread=_ALL), Facts(unread=_ALL)) is None


@pytest.mark.needs_cel
def test_what_was_read_is_judged_and_the_rest_is_not() -> None:
    own = Facts(metrics={"auc": 0.4}, unread={"logged model": _LOGGED})
    assert _judged(Expression("metrics.auc < 0.5 && metrics.auc + 1 > 1"), own) is None
    other = Expression("metrics.auc < 0.5 && !has(metrics.f1)")
    assert "the logged model" in str(_judged(other, own))
    gone = Facts(unread={"run": _RUN})
    assert "the run" in str(_judged(Expression("!has(incumbent.metrics.f1)"), Facts(), gone))
    assert _judged(Expression("!has(incumbent.metrics.f1) && !has(metrics.f1)"), Facts()) is None


def test_lineage_is_not_traced_by_half_of_its_evidence() -> None:
    own = Facts(params={"lr": "0.1"}, unread={"run": _RUN})
    assert _judged(Lineage(("params.lr",)), replace(own, unread={})) is None
    assert str(_judged(Lineage(("params.lr",)), own)).endswith("the run; log in")
