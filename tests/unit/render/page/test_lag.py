"""Which environment lags: by semantic version, by number in one registry, else by time."""

from datetime import datetime, timedelta, timezone

from reconciler.audit.overview.model_overview import ModelOverview
from reconciler.core.state import Identity, Live, LiveVersion
from reconciler.render.page.views.lag import Lag, Served, lags

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=timezone.utc)
LATER = NOON + timedelta(days=3)
NAMES = ("dev", "prod")


def model(runs: dict[int, str]) -> ModelOverview:
    versions = {v: LiveVersion(Identity(run, None, v)) for v, run in runs.items()}
    return ModelOverview("m", "in sync", live=Live("m", {}, versions))


def test_of_one_registry_the_higher_number_is_ahead_by_the_versions_that_exist() -> None:
    cells = (Served(5, "r", since=LATER), Served(2, "r", since=NOON))
    models = (model({1: "a", 2: "b", 4: "c", 5: "d"}), None)
    assert lags(NAMES, cells, models) == (None, Lag("dev", 2, LATER))


def test_of_two_registries_a_version_is_the_same_by_its_digest_else_its_run() -> None:
    assert lags(NAMES, (Served(7, "r", run_id="x"), Served(1, "s", run_id="x")), (None, None)) == (
        None,
        None,
    )
    other_bytes = (
        Served(7, "r", digest="d1", run_id="x", since=LATER),
        Served(1, "s", digest="d2", run_id="x", since=NOON),
    )
    assert lags(NAMES, other_bytes, (None, None)) == (None, Lag("dev", None, LATER))


def test_of_two_registries_what_began_last_is_ahead_by_the_versions_after_the_same_run() -> None:
    cells = (Served(9, "r", run_id="z", since=LATER), Served(3, "s", run_id="x", since=NOON))
    models = (model({7: "x", 8: "y", 9: "z"}), model({3: "x"}))
    assert lags(NAMES, cells, models) == (None, Lag("dev", 2, LATER))


def test_semantic_versions_decide_before_time() -> None:
    rolled_back = (
        Served(9, "r", semver="2.0.0", since=LATER),
        Served(3, "s", semver="2.10.0", since=NOON),
    )
    assert lags(NAMES, rolled_back, (None, None)) == (Lag("prod", None, NOON), None)


def test_nothing_lags_where_nothing_can_be_compared() -> None:
    unknown = (Served(9, "r", since=LATER), Served(3, "s", since=NOON))
    assert lags(NAMES, unknown, (None, None)) == (None, None)
    assert lags(NAMES, (Served(9, "r"), None), (None, None)) == (None, None)
