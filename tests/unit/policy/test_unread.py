"""What a policy reads and nobody could read: consent is not offered for it, and only there."""

from typing import Literal

import pytest

from reconciler.core.facts import Facts, Part, Unread
from reconciler.core.policies import Approvals, Expression, Lineage, Requirement, SignatureRule
from reconciler.core.transitions import Transition
from reconciler.policy.cel.adapter import CelConditions
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
