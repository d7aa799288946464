"""What the rest of an unfinished apply is, and what a person did meanwhile."""

from collections.abc import Callable

import pytest

from reconciler.core.state import Declaration, DeclaredVersion, Field, Fields
from reconciler.errors import Forbidden
from tests.support.plans.executor_lab import Lab, always
from tests.support.registries.fake_registry import FakeRegistry, Write

CHAMPION, OLD = Field("alias", None, "champion"), Field("alias", None, "old")
VERSIONS = {version: DeclaredVersion() for version in (1, 2)}


def declared(fields: Fields) -> dict[str, Declaration]:
    return {"m": Declaration("m", fields, VERSIONS)}


def serving(version: int) -> Fields:
    other = 3 - version
    stages = {Field("stage", version): "Production", Field("stage", other): "Archived"}
    return {**stages, CHAMPION: version}


BEFORE: Fields = {**serving(1), Field("stage", 2): "Staging", OLD: 1}


def refused_at_the_end(after: Fields | None = None) -> Lab:
    """Return a lab where the apply of `after` ended at the removal of @old, which was refused."""
    lab = Lab()
    lab.registry.create_version("m", run_id="three")
    lab.commit(declared(BEFORE))
    assert lab.apply().exit_code() == 0
    lab.commit(declared(serving(2) if after is None else after))
    refuse = always(Forbidden("no"), lambda write: write.method == "delete_alias")
    lab.registry.before_write = refuse
    assert lab.apply().exit_code() == 7
    lab.registry.before_write = FakeRegistry().before_write
    return lab


def causes(lab: Lab) -> dict[str, str]:
    return {str(change.field): change.cause for change in lab.plan().changes}


def test_the_rest_of_an_unfinished_apply_is_pending() -> None:
    assert causes(refused_at_the_end()) == {"@old": "removed"}


@pytest.mark.parametrize(
    ("by_hand", "drifted"),
    [
        (lambda r: r.set_stage("m", 1, "Production"), {"v1 stage"}),
        (lambda r: r.set_stage("m", 3, "Production"), {"v3 stage"}),
        (lambda r: r.set_stage("m", 2, "Staging"), {"v2 stage"}),
        (
            lambda r: (r.set_stage("m", 1, "Production"), r.set_stage("m", 2, "Archived")),
            {"v1 stage", "v2 stage"},
        ),
    ],
    ids=["the former one joins", "another one joins", "taken back", "swapped"],
)
def test_what_a_person_moved_after_it_is_drift(
    by_hand: Callable[[FakeRegistry], object], drifted: set[str]
) -> None:
    lab = refused_at_the_end()
    by_hand(lab.registry)
    assert causes(lab) == {"@old": "removed"} | dict.fromkeys(drifted, "drift")


def test_another_version_in_a_stage_that_git_gave_to_two_others_is_drift() -> None:
    lab = refused_at_the_end({k: v for k, v in serving(2).items() if k != CHAMPION} | {CHAMPION: 1})
    lab.registry.set_stage("m", 3, "Production")
    assert causes(lab) == {"@old": "removed", "v3 stage": "drift"}


def test_what_an_unfinished_apply_did_not_reach_is_pending() -> None:
    lab = Lab()
    lab.commit(declared(BEFORE))
    assert lab.apply().exit_code() == 0
    lab.commit(declared(serving(2)))
    lab.registry.before_write = always(Forbidden("no"), lambda write: write.value == "Archived")
    lab.apply()
    lab.registry.before_write = FakeRegistry().before_write
    assert causes(lab) == {"v1 stage": "replaced", "@champion": "declared", "@old": "removed"}


def test_on_a_first_apply_the_one_that_was_there_before_is_replaced_until_it_left() -> None:
    lab = Lab()
    lab.commit({"m": Declaration("m", {Field("stage", 2): "Production", CHAMPION: 2}, VERSIONS)})
    lab.registry.before_write = always(Forbidden("no"), lambda write: write.value == "Archived")
    lab.apply()
    lab.registry.before_write = FakeRegistry().before_write
    assert causes(lab) == {"v1 stage": "replaced", "@champion": "declared"}
    lab.registry.set_stage("m", 1, "Archived")
    lab.registry.set_alias("m", "champion", 2)
    lab.registry.set_stage("m", 1, "Production")
    assert causes(lab) == {"v1 stage": "drift"}


def test_what_an_unfinished_apply_wrote_is_not_drift_when_git_takes_it_back() -> None:
    lab = refused_at_the_end()
    lab.commit(declared(BEFORE))
    assert causes(lab) == {
        "v1 stage": "declared",
        "v2 stage": "replaced",
        "@champion": "declared",
    }


def test_all_that_an_unfinished_apply_leaves_to_do_is_judged() -> None:
    lab = refused_at_the_end()
    lab.registry.set_stage("m", 2, "Staging")
    (draft,) = lab.compared().drafts
    assert [(move.version, move.stage) for move in draft.transitions] == [(2, "Production")]


def test_an_apply_of_two_commits_that_did_not_finish_is_followed_to_its_end() -> None:
    lab = refused_at_the_end()
    third: Fields = {Field("stage", 2): "Production", Field("stage", 1): "Archived"}
    lab.commit(declared({**third, CHAMPION: 2, Field("tag", 2, "risk"): "high"}))
    writes: list[Write] = []
    lab.registry.before_write = always(Forbidden("no"), lambda w: w.method == "delete_alias")
    lab.registry.after_write = writes.append
    lab.apply()
    lab.registry.before_write = FakeRegistry().before_write
    assert len(lab.registry.read()["m"].recorded) == 3
    lab.registry.set_stage("m", 3, "Production")
    lab.registry.set_stage("m", 2, "Archived")
    assert causes(lab) == {"@old": "removed", "v2 stage": "drift", "v3 stage": "drift"}
