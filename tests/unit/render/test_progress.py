"""What is said of an apply that takes long: how much there is to do, and how far it is."""

from dataclasses import replace

import pytest

from reconciler.cli.progress.applying import Progress
from reconciler.core.plan import JudgedPlan
from reconciler.render import phrases
from tests.support.plans.executor_lab import Lab, declaration


def _first_records(models: int) -> JudgedPlan:
    lab = Lab(*(f"m{number:04}" for number in range(models)))
    lab.commit({model: declaration(model, {}) for model in lab.models})
    return lab.plan()


def test_what_takes_long_is_announced_with_its_requests_and_its_time() -> None:
    plan = _first_records(300)
    assert phrases.expected(plan, 0.25) == (
        "apply records this commit on 300 models: about 900 requests, up to 3 m at 0.25 s each"
    )
    assert phrases.expected(plan, 0.005) is None
    assert phrases.expected(plan, None) is None


def test_models_that_are_taken_from_many_are_told_in_one_line() -> None:
    plan = _first_records(6)
    owners = ("a", "b", "b", "c", "d", "e")
    taken = [replace(m, taken_from=o) for m, o in zip(plan.models, owners, strict=True)]
    assert phrases.takeovers(replace(plan, models=tuple(taken))) == (
        "2 models from `b`, 1 model from `a`, 1 model from `c`, 2 models from 2 others"
    )


def test_a_promotion_is_counted_with_its_reads_and_its_record() -> None:
    plan = Lab().plan()
    assert len(plan.changes) == 5
    told = phrases.expected(plan, 10.0)
    assert told == "apply writes 1 model: about 11 requests, up to 1 m at 10.00 s each"


def test_models_are_counted_where_nothing_but_their_records_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    clock = iter([0.0, 0.0, 5.0, 30.0])
    monkeypatch.setattr("reconciler.cli.progress.applying.time.monotonic", lambda: next(clock))
    counts = Progress(_first_records(3), said.append, every=0.0)
    counts.show()
    counts.model()
    counts.model()
    assert said == [
        "recording: 0 of 3 models",
        "recording: 1 of 3 models",
        "recording: 2 of 3 models, about 15 s left",
    ]


def test_a_log_gets_a_line_each_minute_and_none_of_what_is_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    clock = iter([0.0, 30.0, 61.0])
    monkeypatch.setattr("reconciler.cli.progress.applying.time.monotonic", lambda: next(clock))
    counts = Progress(_first_records(3), said.append, every=60.0)
    counts.model()
    counts.model()
    assert said == ["recording: 2 of 3 models, about 30 s left"]


def test_a_request_that_outlives_its_apply_says_nothing() -> None:
    said: list[str] = []
    counts = Progress(_first_records(3), said.append, every=0.0)
    counts.end()
    counts.model()
    assert said == []
