"""The metrics that a monitoring job logs: the last value of each, its time, and the right run."""

import math
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import pytest

from reconciler.core.declaring.watch import RunMetric
from reconciler.errors import NotFound
from reconciler.policy.watching.looks import Measurement
from reconciler.ports.measurements import LoggedMetric, LoggedRun, LoggedRuns
from reconciler.registries.connect import connect
from reconciler.transport.measurements.sources import MeasurementSources
from tests.support.registries.backends import Backend
from tests.support.registries.servers import MlflowSeeds, free_port

_HOSTILE = (
    "m",
    "it's",
    'a"b',
    "both ' and \"",
    "per%cent_",
    "back\\slash",
    "a' OR tags.`model` != '",
)


class Job(NamedTuple):
    """A monitoring job, which logs to the tracking server that `runs` are read from."""

    seeds: MlflowSeeds
    runs: LoggedRuns


@pytest.fixture(params=["http", "sqlite"])
def job(request: pytest.FixtureRequest) -> Job:
    uri = f"sqlite:///{request.getfixturevalue('sqlite_shared')}"
    if request.param == "http":
        uri = request.getfixturevalue("mlflow_uri")
    return Job(MlflowSeeds(uri), connect(uri, {}, timeout=20.0).logged_runs())


def _at(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)


def test_the_last_value_of_a_metric_comes_with_its_time(job: Job, name: Callable[..., str]) -> None:
    run_id = job.seeds.log_run(name(), [("mae", 1.0, 5_000, 1), ("mae", 0.5, 9_500, 2)])
    assert job.runs.logged_run(run_id) == LoggedRun(run_id, {"mae": LoggedMetric(0.5, _at(9_500))})


def test_a_higher_step_is_later_than_a_later_time(job: Job, name: Callable[..., str]) -> None:
    run_id = job.seeds.log_run(name(), [("mae", 1.0, 9_000, 1), ("mae", 0.5, 5_000, 2)])
    assert job.runs.logged_run(run_id).metrics["mae"] == LoggedMetric(0.5, _at(5_000))


def test_a_job_that_logs_no_step_is_read_by_its_times(job: Job, name: Callable[..., str]) -> None:
    run_id = job.seeds.log_run(name(), [("mae", 1.0, 9_000, 0), ("mae", 0.5, 5_000, 0)])
    assert job.runs.logged_run(run_id).metrics["mae"] == LoggedMetric(1.0, _at(9_000))


def test_a_value_that_is_no_number_stays_one(job: Job, name: Callable[..., str]) -> None:
    values = [("nan", math.nan, 1, 0), ("most", math.inf, 1, 0), ("least", -math.inf, 1, 0)]
    metrics = job.runs.logged_run(job.seeds.log_run(name(), values)).metrics
    assert math.isnan(metrics["nan"].value)
    assert (metrics["most"].value, metrics["least"].value) == (math.inf, -math.inf)


def test_the_newest_run_with_the_tags_is_found(job: Job, name: Callable[..., str]) -> None:
    ours = {"model": "m", "version": "3"}
    for started, tags in (
        (1_000, ours),
        (3_000, ours),
        (2_000, ours),
        (4_000, {**ours, "version": "4"}),
        (5_000, {"model": "M", "version": "3"}),
        (6_000, {"model": "m"}),
    ):
        job.seeds.log_run(name(), [("mae", float(started), 1, 0)], tags=tags, started=started)
    found = job.runs.newest_run(name(), ours)
    assert found is not None
    assert found.metrics["mae"].value == 3_000
    assert job.runs.newest_run(name(), {**ours, "version": "33"}) is None
    assert job.runs.newest_run(name("-none"), ours) is None


def test_a_name_that_would_end_the_filter_finds_its_own_run(
    job: Job, name: Callable[..., str]
) -> None:
    experiment = name('-it\'s "one"')
    logged = {}
    for number, model in enumerate(_HOSTILE):
        tags = {"model": model, "version": "1"}
        logged[model] = job.seeds.log_run(experiment, [], tags=tags, started=number)
    for model, run_id in logged.items():
        found = job.runs.newest_run(experiment, {"model": model, "version": "1"})
        assert found == LoggedRun(run_id)


def test_a_deleted_run_is_said_to_be_and_is_not_the_newest(
    job: Job, name: Callable[..., str]
) -> None:
    tags = {"model": "m", "version": "1"}
    run_id = job.seeds.log_run(name(), [("mae", 1.0, 1, 0)], tags=tags)
    job.seeds.delete_run(run_id)
    assert job.runs.logged_run(run_id).is_deleted
    assert job.runs.newest_run(name(), tags) is None


def test_a_run_that_does_not_exist_is_said_not_to(job: Job, name: Callable[..., str]) -> None:
    job.seeds.log_run(name(), [])  # MLflow's client would make the first experiment
    with pytest.raises(NotFound):
        job.runs.logged_run("0" * 32)


@pytest.mark.parametrize("kind", ["http", "sqlite"])
def test_they_come_from_a_tracking_server_of_its_own(
    kind: str, mlflow_uri: str, sqlite_uri: str, name: Callable[..., str]
) -> None:
    registry, tracking = (sqlite_uri, mlflow_uri) if kind == "http" else (mlflow_uri, sqlite_uri)
    tags = {"model": "m", "version": "1"}
    run_id = MlflowSeeds(tracking).log_run(name(), [("mae", 0.5, 1_000, 0)], tags=tags)
    runs = connect(registry, {"MLFLOW_TRACKING_URI": tracking}, timeout=20.0).logged_runs()
    assert runs.logged_run(run_id) == runs.newest_run(name(), tags)
    assert runs.logged_run(run_id).metrics == {"mae": LoggedMetric(0.5, _at(1_000))}


def test_every_registry_tells_the_metrics_of_a_versions_own_run(
    backend: Backend, name: Callable[..., str]
) -> None:
    version = backend.seeds.log_version(name(), metrics={"auc": 0.9})
    run_id = backend.live(name()).versions[version].identity.run_id
    run = backend.registry.logged_runs().logged_run(run_id or "")
    assert {key: metric.value for key, metric in run.metrics.items()} == {"auc": 0.9}
    backend.seeds.delete_run_of(name(), version)
    assert backend.registry.logged_runs().logged_run(run.id).is_deleted


# --- as a source of `watch:`


def _measured(
    runs: LoggedRuns, source: RunMetric, *, model: str = "m", run_id: str | None = None
) -> Measurement:
    sources = MeasurementSources({}, Path(), runs)
    now = _at(10_000)
    return sources.measure(source, model=model, version=1, run_id=run_id, now=now)


def test_a_watch_reads_a_metric_of_the_versions_own_run(job: Job, name: Callable[..., str]) -> None:
    metrics = [("mae", 0.5, 9_000, 0), ("n", 40.0, 9_000, 0), ("nan", math.nan, 9_000, 0)]
    run_id = job.seeds.log_run(name(), metrics)
    own = _measured(job.runs, RunMetric("mae", "n"), run_id=run_id)
    assert own == Measurement(0.5, 40, _at(9_000))
    without = _measured(job.runs, RunMetric("mae", "of"), run_id=run_id)
    assert without == Measurement(
        0.5, time=_at(9_000), why=f"samples: run `{run_id}` has no metric `of`"
    )
    silent = Measurement(why=f"run `{run_id}` has no metric `mse`")
    assert _measured(job.runs, RunMetric("mse"), run_id=run_id) == silent
    assert _measured(job.runs, RunMetric("nan"), run_id=run_id).why == "the value is NaN"
    gone = _measured(job.runs, RunMetric("mae"), run_id="0" * 32)
    assert gone == Measurement(why=f"there is no run `{'0' * 32}`")
    assert _measured(job.runs, RunMetric("mae")) == Measurement(why="v1 names no run")
    job.seeds.delete_run(run_id)
    deleted = _measured(job.runs, RunMetric("mae"), run_id=run_id)
    assert deleted == Measurement(why=f"run `{run_id}` is deleted")


def test_a_watch_reads_a_metric_of_the_newest_run_of_a_job(
    job: Job, name: Callable[..., str]
) -> None:
    tags = {"model": "it's", "version": "1"}
    job.seeds.log_run(name(), [("mae", 0.5, 9_000, 0)], tags=tags)
    source = RunMetric("mae", experiment=name())
    assert _measured(job.runs, source, model="it's") == Measurement(0.5, time=_at(9_000))
    of_another = _measured(job.runs, source, model="its")
    assert of_another.value is None
    assert "no run of the experiment" in (of_another.why or "")


def test_a_tracking_server_that_is_away_is_no_value_and_no_secret_is_told() -> None:
    uri = f"http://ann:s3cret-pass@127.0.0.1:{free_port()}"
    runs = connect(uri, {}, timeout=1.0).logged_runs()
    told = _measured(runs, RunMetric("mae"), run_id="0" * 32)
    assert "cannot connect to http://127.0.0.1" in (told.why or "")
    assert "s3cret" not in str(told)
