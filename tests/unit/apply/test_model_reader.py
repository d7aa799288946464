"""A run reads its model with few requests, and misses nobody who came in between."""

from collections.abc import Callable

import pytest

from reconciler.core.report import ApplyReport
from reconciler.core.state import COMMIT_TAG, Field, Value
from reconciler.registries.responses import (
    RECENT,
    ModelRow,
    VersionRow,
    assemble,
    since,
    torn,
)
from tests.support.plans.executor_lab import Lab, declaration
from tests.support.registries.fake_registry import FakeRegistry, Write

_PROMOTION: dict[Field, Value] = {
    Field("stage", 3): "Production",
    Field("alias", None, "champion"): 3,
}
_EACH = 9  # the first read, the record, v3, two reads, v1, the alias, a read, the record


def _promoting(*, versions: int = 3) -> Lab:
    """Return a registry where v1 serves, of so many versions, and a commit that promotes v3."""
    lab = Lab()
    for _ in range(versions - 2):
        lab.registry.create_version("m")
    lab.commit({"m": declaration(fields=_PROMOTION)})
    lab.apply()
    lab.registry.set_stage("m", 1, "Production")
    lab.registry.set_stage("m", 3, "None")
    lab.registry.set_alias("m", "champion", 1)
    lab.commit({"m": declaration(fields={**_PROMOTION, Field("description"): "more"})})
    lab.registry.set_description("m", None, "more")
    lab.registry.create_version("m")
    lab.registry.writes.clear()
    return lab


def _after(lab: Lab, fits: Callable[[Write], bool], deed: Callable[[FakeRegistry], object]) -> None:
    """Let somebody do something once, right after a write that fits."""

    def hook(write: Write) -> None:
        if fits(write):
            lab.registry.after_write = lambda _: None
            deed(lab.registry)

    lab.registry.after_write = hook


def _is_record(write: Write) -> bool:
    return write.key == COMMIT_TAG


def _is_entry(write: Write) -> bool:
    return write.method == "set_stage" and write.value == "Production"


def _is_exit(write: Write) -> bool:
    return write.method == "set_stage" and write.value == "Archived"


def _stale(report: ApplyReport) -> list[str]:
    return [result.error or "" for result in report.results if result.outcome == "stale"]


@pytest.mark.parametrize("versions", [3, 10, 20 * RECENT])
def test_a_promotion_needs_as_many_requests_however_many_versions_there_are(versions: int) -> None:
    lab = _promoting(versions=versions)
    plan = lab.plan()
    before = lab.registry.requests
    assert lab.apply(plan).exit_code() == 0
    assert lab.registry.requests - before == _EACH


def test_a_first_record_needs_three_requests_and_a_later_one_two() -> None:
    lab = Lab()
    lab.commit({"m": declaration(fields={Field("stage", 1): "Production"})})
    for requests in (3, 2):
        plan = lab.plan()
        assert not plan.changes
        before = lab.registry.requests
        assert lab.apply(plan).models[0].recorded
        assert lab.registry.requests - before == requests
        lab.commit({"m": declaration(fields={Field("stage", 2): "None"})})


def test_who_came_with_a_lower_number_before_the_entry_is_seen_before_a_version_leaves() -> None:
    lab = _promoting()
    plan = lab.plan()
    _after(lab, _is_record, lambda registry: registry.set_stage("m", 2, "Production"))
    assert _stale(lab.apply(plan)) == ["Production now has v1 and v2 and v3"]
    assert lab.registry.read()["m"].fields[Field("stage", 1)] == "Production"


@pytest.mark.parametrize(("serving", "newcomer"), [(1, 2), (2, 1)])
def test_who_came_before_the_first_write_leaves_all_as_it_is(serving: int, newcomer: int) -> None:
    lab = _promoting()
    lab.registry.set_stage("m", 1, "None")
    lab.registry.set_stage("m", serving, "Production")
    plan = lab.plan()
    lab.registry.set_stage("m", newcomer, "Production")
    lab.registry.writes.clear()
    assert set(_stale(lab.apply(plan))) == {"Production now has v1 and v2: plan again"}
    assert lab.registry.writes == []


def test_who_came_with_a_lower_number_before_an_entry_that_displaces_nobody_is_seen() -> None:
    lab = _promoting()
    lab.registry.set_stage("m", 1, "Archived")
    plan = lab.plan()
    _after(lab, _is_record, lambda registry: registry.set_stage("m", 2, "Production"))
    report = lab.apply(plan)
    assert report.models[0].error == "Production now has v2 and v3"
    assert not report.models[0].recorded


def test_who_left_before_the_entry_is_seen_too() -> None:
    lab = _promoting()
    plan = lab.plan()
    _after(lab, _is_record, lambda registry: registry.set_stage("m", 1, "Archived"))
    assert _stale(lab.apply(plan)) == [
        "Production now has v3; v1 stage was `Production` and is `Archived`"
    ]


def test_a_version_that_another_run_promoted_is_not_moved_out_of_production() -> None:
    lab = Lab()
    lab.commit({"m": declaration(fields={Field("stage", 2): "Staging"})})
    plan = lab.plan()
    _after(lab, _is_record, lambda registry: registry.set_stage("m", 2, "Production"))
    assert _stale(lab.apply(plan)) == ["v2 stage was `None` and is `Production`"]
    assert lab.registry.read()["m"].fields[Field("stage", 2)] == "Production"


@pytest.mark.parametrize(("entry", "shared"), [(True, False), (True, True), (False, True)])
def test_a_run_looks_for_the_records_of_others_before_a_version_leaves(
    *, entry: bool, shared: bool
) -> None:
    lab = Lab()
    lab.registry.create_version("m")
    if shared:
        lab.registry.set_stage("m", 2, "Production")
    stage: dict[Field, Value] = {Field("stage", 3 if entry else 2): "Production"}
    lab.commit({"m": declaration(fields=stage)})
    plan = lab.plan()
    fits = _is_entry if entry else _is_record
    _after(lab, fits, lambda registry: registry.set_tag("m", None, COMMIT_TAG, "f" * 40))
    assert _stale(lab.apply(plan)) == ["another run recorded ffffffffffff since the plan"]


def test_another_runs_record_is_not_replaced_at_the_end() -> None:
    lab = _promoting()
    plan = lab.plan()
    _after(lab, _is_exit, lambda registry: registry.set_tag("m", None, COMMIT_TAG, "f" * 40))
    model = lab.apply(plan).models[0]
    assert (model.error or "").startswith("another run recorded ffffffffffff since the plan")
    assert lab.registry.read()["m"].commit == "f" * 40


def test_where_one_page_does_not_tell_every_version_is_read() -> None:
    lab = _promoting(versions=3 * RECENT)
    plan = lab.plan()

    def describe_all(registry: FakeRegistry) -> None:
        for version in range(4, 3 * RECENT):
            registry.set_description("m", version, "new")
        registry.set_stage("m", 2, "Production")
        for version in range(4, 3 * RECENT):
            registry.set_description("m", version, "newer")

    _after(lab, _is_record, describe_all)
    assert _stale(lab.apply(plan)) == ["Production now has v1 and v2 and v3"]


def test_who_came_after_the_last_stage_is_seen_at_the_end() -> None:
    lab = _promoting()
    plan = lab.plan()
    is_alias = lambda write: write.method == "set_alias"  # noqa: E731  a hook
    _after(lab, is_alias, lambda registry: registry.set_stage("m", 2, "Production"))
    report = lab.apply(plan)
    assert report.models[0].error == "Production now has v2 and v3"
    assert not report.models[0].recorded


def test_a_new_version_meanwhile_is_no_reason_to_stop() -> None:
    lab = _promoting()
    plan = lab.plan()
    lab.registry.create_version("m")
    _after(lab, _is_record, lambda registry: registry.create_version("m"))
    assert lab.apply(plan).exit_code() == 0


def test_versions_that_were_listed_before_the_model_prove_nothing() -> None:
    """The two searches of a plan are not one moment; v1 is as it was before v2 was promoted."""
    rows = [
        VersionRow(name="m", version=1, creation_timestamp=10, last_updated_timestamp=10),
        VersionRow(name="m", version=2, creation_timestamp=20, last_updated_timestamp=20),
    ]

    def updated(model: int, *listed: VersionRow) -> int | None:
        return assemble([ModelRow(name="m", last_updated_timestamp=model)], listed)["m"].updated

    assert updated(30, *rows) is None
    assert updated(30, rows[0], rows[1].model_copy(update={"last_updated_timestamp": 30})) == 30
    described = rows[1].model_copy(update={"last_updated_timestamp": 40})
    assert updated(20, rows[0], described) == 20, "its creation tells as well"
    assert updated(10) is None


def test_versions_on_two_pages_are_not_one_moment() -> None:
    """v1 was listed before it was promoted, v2 after it was: the model has the time of v2."""
    pages = [
        [VersionRow(name="m", version=1, last_updated_timestamp=10)],
        [VersionRow(name="m", version=2, last_updated_timestamp=30)],
        [],
    ]
    listed = [version for page in pages for version in page]
    model = ModelRow(name="m", last_updated_timestamp=30)
    assert assemble([model], listed)["m"].updated == 30
    assert assemble([model], listed, torn(pages))["m"].updated is None


def test_a_page_reaches_back_a_minute_further_than_the_first_read() -> None:
    """Somebody's server may have a clock that is late."""
    page = [VersionRow(name="m", version=1, last_updated_timestamp=100_000)]
    assert not since(page, 100_000, are_all=False)
    assert since(page, 160_000, are_all=False)
    assert since(page, 100_000, are_all=True)
