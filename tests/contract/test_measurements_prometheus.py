"""Values of a real Prometheus: one number, or why there is none; nothing changes a query."""

import math
from datetime import datetime, timezone
from pathlib import Path

import pytest

from reconciler.core.declaring.watch import PrometheusQuery
from reconciler.errors import DeclarationError
from reconciler.policy.watching.looks import Measurement
from reconciler.transport.measurements.sources import MeasurementSources
from tests.support.measurements.prometheus_server import Prometheus
from tests.support.registries.fake_registry import FakeRegistry

_HOSTILE = (
    'a"} or vector(1)#',
    "a'} or vector(1)#",
    "back\\slash",
    "new\nline",
    "tick`s",
    "a b/c:d,e{f}",
    "$version",
    "ünïcode 模型",
)


def measured(
    prometheus: Prometheus,
    query: str,
    *,
    samples: str | None = None,
    model: str = "m",
    at: datetime | None = None,
) -> Measurement:
    sources = MeasurementSources({}, Path(), FakeRegistry().logged_runs())
    source = PrometheusQuery(prometheus.url, query, samples)
    now = datetime.now(timezone.utc)
    return sources.measure(source, model=model, version=1, run_id=None, now=now, at=at)


def test_a_vector_of_one_series_is_its_value_and_the_servers_time(prometheus: Prometheus) -> None:
    prometheus.export("error_rate", 0.25, model="m")
    prometheus.serve("requests", 1200, model="m")
    one = measured(
        prometheus,
        'error_rate{model="$model", version="$version"}',
        samples="sum(requests{model='$model'})",
    )
    assert (one.value, one.samples, one.why) == (0.25, 1200, None)
    assert one.time is not None
    assert abs((datetime.now(timezone.utc) - one.time).total_seconds()) < 60


def test_a_scalar_is_its_value(prometheus: Prometheus) -> None:
    assert measured(prometheus, "scalar(vector(2)) / 8").value == 0.25


def test_an_empty_result_is_no_value(prometheus: Prometheus) -> None:
    nothing = measured(prometheus, 'error_rate{model="nobody"}')
    assert nothing == Measurement(why="the result of `query` is empty")


def test_several_series_are_no_value_and_say_what_to_do(prometheus: Prometheus) -> None:
    for version in (1, 2):
        prometheus.export("latency", 0.1, model="several", version=version)
    prometheus.serve("latency", 0.1, model="several", version=3)
    several = measured(prometheus, 'latency{model="several"}')
    why = "the result of `query` is 3 series: aggregate them to one, like `sum(…)`"
    assert several == Measurement(why=why)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("vector(0) / 0", "the value is NaN"),
        ("vector(1) / 0", "the value is infinite"),
        ("-1 / vector(0)", "the value is infinite"),
        ("scalar(up > 1)", "the value is NaN"),
    ],
)
def test_what_is_not_a_number_stays_that_and_says_so(
    prometheus: Prometheus, query: str, why: str
) -> None:
    told = measured(prometheus, query)
    assert told.value is not None
    assert not math.isfinite(told.value)
    assert told.why == why


@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        ("sum(", "Prometheus refuses `query`: ", "correct the query"),
        ("rate(up)", "Prometheus refuses `query`: ", "correct the query"),
        ("up[5m]", "the result of `query` is a range of values, not one number", "aggregate"),
        ("'text'", "the result of `query` is a text, not one number", "a number"),
    ],
)
def test_a_query_that_can_never_work_is_a_mistake_in_the_file(
    prometheus: Prometheus, query: str, message: str, hint: str
) -> None:
    with pytest.raises(DeclarationError) as caught:
        measured(prometheus, query)
    (problem,) = caught.value.problems
    assert message in problem.message
    assert hint in (problem.hint or "")


def test_samples_that_cannot_be_had_leave_the_value_and_say_why(prometheus: Prometheus) -> None:
    told = measured(prometheus, "vector(1)", samples="up > 1")
    assert (told.value, told.samples) == (1, None)
    assert told.why == "samples: the result of `samples` is empty"
    with pytest.raises(DeclarationError, match="1 problem"):
        measured(prometheus, "vector(1)", samples="sum(")


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("model", _HOSTILE)
def test_a_models_name_is_text_in_a_query_and_nothing_else(
    prometheus: Prometheus, model: str, quote: str
) -> None:
    rates = {name: float(number) for number, name in enumerate(_HOSTILE, start=2)}
    for name, rate in rates.items():
        prometheus.export("hostile", rate, model=name)
    prometheus.serve("hostile", rates[model], model=model)
    query = f"hostile{{model={quote}$model{quote}}}"
    assert measured(prometheus, query, model=model).value == rates[model]
    # A text in backticks has no escapes: such a name finds nothing there, and ends nothing.
    assert measured(prometheus, "hostile{model=`$model`} or vector(-1)", model=model).value == -1


def test_a_hostile_name_without_quotes_changes_no_query(prometheus: Prometheus) -> None:
    with pytest.raises(DeclarationError):
        measured(prometheus, "vector(2) + $model", model="vector(1)")


def test_only_the_two_words_are_replaced(prometheus: Prometheus) -> None:
    query = 'label_replace(vector(7), "a", "$1$models", "model", "(.*)")'
    assert measured(prometheus, query).value == 7


def test_the_past_is_asked_at_its_moment(prometheus: Prometheus) -> None:
    before = prometheus.serve("drift", 0.1, model="m")
    prometheus.serve("drift", 0.7, model="m")
    query = 'drift{model="$model"}'
    then = measured(prometheus, query, samples="drift * 10", at=before)
    assert (then.value, then.samples) == (0.1, 1.0)
    assert then.time is not None
    assert abs((then.time - before).total_seconds()) < 0.002
    assert measured(prometheus, query).value == 0.7
    long_ago = datetime(2020, 1, 1, tzinfo=timezone.utc)
    assert measured(prometheus, query, at=long_ago).why == "the result of `query` is empty"
