"""What is told of a version, on every registry: its run, metrics, params and signature."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.core.facts import Column, Facts, Signature
from reconciler.core.state import Identity
from reconciler.errors import AnswerLost, Unavailable
from tests.support.registries.backends import Backend
from tests.support.registries.fake_registry import FakeRegistry

_TABLE = Signature(
    inputs=(Column("amount", "double"), Column("note", "string", required=False)),
    outputs=(Column(None, "double"),),
    params=(Column("threshold", "long", required=False),),
)
_TENSORS = Signature(
    inputs=(Column(None, "tensor(float32, [-1, 3])"),),
    outputs=(Column("scores", "tensor(int64, [-1])"),),
)


def test_a_versions_run_is_told(backend: Backend, name: Callable[..., str]) -> None:
    model = name()
    backend.seeds.log_version(
        model,
        metrics={"auc": 0.91, "n": 3},
        params={"depth": "7", "note": ""},
        run_tags={"git_commit": "abc"},
        signature=_TABLE,
        user="ann",
    )

    facts = backend.facts(model)

    assert facts.metrics == {"auc": 0.91, "n": 3.0}
    assert facts.params == {"depth": "7", "note": ""}
    assert facts.run is not None
    assert facts.run.id == backend.live(model).versions[1].identity.run_id
    assert (facts.run.name, facts.run.status, facts.run.user) == ("trained", "FINISHED", "ann")
    assert facts.run.tags["git_commit"] == "abc"
    assert facts.run.started is not None
    assert not facts.run.deleted
    assert facts.missing == ()


def test_metrics_that_are_no_numbers_stay_what_they_are(
    backend: Backend,
    name: Callable[..., str],
) -> None:
    odd = {"nan": math.nan, "up": math.inf, "down": -math.inf, "zero": 0.0, "whole": 10.0**17}
    backend.seeds.log_version(name(), metrics=odd)

    found = dict(backend.facts(name()).metrics)

    assert math.isnan(found.pop("nan"))
    assert found == {"up": math.inf, "down": -math.inf, "zero": 0.0, "whole": 10.0**17}


@pytest.mark.parametrize("signature", [_TABLE, _TENSORS], ids=["table", "tensors"])
def test_a_signature_is_read_from_the_models_own_file(
    backend: Backend,
    name: Callable[..., str],
    signature: Signature,
) -> None:
    backend.seeds.log_version(name(), signature=signature)

    assert backend.facts(name()).signature == signature


@pytest.mark.needs_mlflow("3.0", "logged models")
def test_a_logged_models_metric_counts_where_the_run_has_none(
    backend: Backend,
    name: Callable[..., str],
) -> None:
    backend.seeds.log_version(
        name(),
        metrics={"auc": 0.9},
        model_metrics={"auc": 0.1, "fairness": 0.7, "failures": 0.0, "bias": math.nan},
        signature=_TABLE,
    )

    facts = backend.facts(name())
    metrics = dict(facts.metrics)

    assert math.isnan(metrics.pop("bias"))
    assert metrics == {"auc": 0.9, "fairness": 0.7, "failures": 0.0}
    assert (facts.signature, facts.missing) == (_TABLE, ())


def test_a_deleted_run_vouches_for_nothing(backend: Backend, name: Callable[..., str]) -> None:
    model = name()
    backend.seeds.log_version(
        model, metrics={"auc": 0.9}, params={"depth": "7"}, run_tags={"a": "b"}, signature=_TABLE
    )

    backend.seeds.delete_run_of(model, 1)
    facts = backend.facts(model)

    assert facts.run is not None
    assert facts.run.deleted
    assert (facts.metrics, facts.params, facts.run.tags) == ({}, {}, {})
    assert facts.missing == (f"run {facts.run.id[:8]}… is deleted",)
    assert facts.signature == _TABLE


def test_many_runs_are_told_at_once_as_each_by_itself(
    backend: Backend, name: Callable[..., str]
) -> None:
    model = name()
    for value in (0.1, math.nan):
        backend.seeds.log_version(
            model, metrics={"auc": value}, params={"depth": "7"}, run_tags={"a": "b"}
        )
    backend.seeds.delete_run_of(model, 2)
    each = {facts.run.id: facts for v in (1, 2) if (facts := backend.facts(model, v)).run}

    found = backend.registry.runs([*each, "0" * 32, "' OR 1=1"])

    assert {run: (f.metrics, f.params, f.run) for run, f in found.items()} == {
        run: (f.metrics, f.params, f.run) for run, f in each.items()
    }
    assert len(found) == len(each) > 1


@pytest.mark.needs_mlflow("3.0", "a 404 for a file that is not there")
def test_what_a_version_does_not_have_is_said_and_not_raised(
    backend: Backend,
    name: Callable[..., str],
) -> None:
    backend.seeds.log_version(name())
    backend.seeds.log_version(name(), signature=Signature())
    backend.seeds.create_version(name())
    backend.seeds.create_version(name(), run_id="run1")

    assert backend.facts(name(), 1).missing == ("v1 has no MLmodel file",)
    assert backend.facts(name(), 2).missing == ("v2 has an MLmodel file without a signature",)
    without_run, without_its_run = backend.facts(name(), 3), backend.facts(name(), 4)
    assert without_run.missing[0] == "v3 names no run"
    assert without_its_run.missing[0].startswith("run run1 cannot be read: ")
    for facts in (without_run, without_its_run):
        assert "MLmodel" in facts.missing[1]
        assert replace(facts, unread={}) == Facts(missing=facts.missing)


def test_a_version_that_is_not_there_is_said_and_not_raised(
    backend: Backend,
    name: Callable[..., str],
) -> None:
    facts = backend.registry.facts(name(), 7, Identity(None, None, None))

    assert facts.missing
    assert replace(facts, unread={}) == Facts(missing=facts.missing)


@pytest.mark.needs_mlflow("3.0", "logged models")
def test_each_part_of_the_facts_is_asked_for_once(
    backend: Backend,
    name: Callable[..., str],
) -> None:
    backend.seeds.log_version(name(), model_metrics={"auc": 0.9}, signature=_TABLE)
    identity = backend.live(name()).versions[1].identity
    before = backend.registry.requests

    backend.registry.facts(name(), 1, identity)

    # MLflow's client asks where the artifacts are before it reads one.
    assert 1 <= backend.registry.requests - before <= 4


@pytest.mark.parametrize("error", [Unavailable("away"), AnswerLost("lost")])
def test_the_registry_in_memory_can_be_told_what_to_tell(error: Exception) -> None:
    registry = FakeRegistry()
    registry.create_model("m")
    registry.create_version("m")
    told = Facts(metrics={"auc": 0.9})
    registry.set_facts("m", 1, told)
    identity = Identity(None, None, None)

    assert registry.facts("m", 1, identity) == told

    def refuse(_: str) -> None:
        raise error

    registry.before_read = refuse
    assert registry.facts("m", 1, identity).missing == (f"v1 cannot be read: {error}",)
