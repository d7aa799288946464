"""What nothing else noticed in the difference of one model when one operator was another one.

Found by mutation testing (`make mutate`).
"""

from reconciler.core.diff import Difference, applied, diff
from reconciler.core.state import Base, Declaration, DeclaredVersion, Field, Fields
from tests.support.plans.strategies import live_model

STAGE, RISK, NOTE = Field("stage", 1), Field("tag", 1, "risk"), Field("description", 1)
CHAMPION = Field("alias", None, "champion")


def difference(base: Fields, desired: Fields, live: Fields, *, declared: int = 1) -> Difference:
    """Return the difference of a model with v1, which base named; `declared` counts from 1."""
    ever = {address: frozenset({value}) for address, value in base.items()}
    known = Base(base, ever, entries={1: ()})
    versions = {version: DeclaredVersion() for version in range(1, declared + 1)}
    return diff(
        known, Declaration("m", desired, versions), live_model(live), exclusive=("Production",)
    )


def test_an_absent_description_and_an_empty_one_are_the_same_and_two_texts_are_not() -> None:
    assert difference({}, {NOTE: ""}, {}).changes == ()
    assert [one.after for one in difference({}, {NOTE: "b"}, {NOTE: "a"}).changes] == ["b"]
    assert [one.after for one in difference({}, {RISK: ""}, {}).changes] == [""]


def test_a_stage_at_rest_is_not_counted_as_unmanaged_and_the_same_word_in_a_tag_is() -> None:
    live: Fields = {STAGE: "Archived", Field("stage", 2): "Staging", RISK: "None", CHAMPION: 1}
    assert difference({}, {}, live).unmanaged == (CHAMPION, RISK, Field("stage", 2))


def test_what_is_removed_is_not_unmanaged_as_well() -> None:
    found = difference({RISK: "high"}, {}, {RISK: "high"})
    assert [(one.field, one.after) for one in found.changes] == [(RISK, None)]
    assert found.unmanaged == ()
    assert found.left == ()


def test_a_stage_and_a_description_that_are_no_longer_declared_are_left_and_it_is_said() -> None:
    fields = {STAGE: "Staging", NOTE: "good"}
    found = difference(fields, {}, fields)
    assert found.changes == ()
    assert found.left == (
        "v1 stage is no longer declared and stays as it is; `stage: None` clears it",
        'v1 description is no longer declared and stays as it is; `description: ""` clears it',
    )


def test_an_entry_that_is_gone_leaves_its_stage_and_tags_and_that_is_said_once() -> None:
    fields: Fields = {STAGE: "Staging", RISK: "high", CHAMPION: 1}
    found = difference(fields, {}, fields, declared=0)
    assert [one.field for one in found.changes] == [CHAMPION]
    assert found.left == ("v1 is no longer declared: its stage, tags and description stay",)
    there = live_model({}, versions=(2,))
    gone = diff(Base(entries={1: ()}), Declaration("m", {}, {}), there, exclusive=())
    assert gone.left == ()


def test_what_an_entry_leaves_hides_nothing_that_comes_after_it() -> None:
    base: Fields = {Field("tag", 1, "risk"): "high", Field("tag", 2, "risk"): "high"}
    live: Fields = {Field("tag", 1, "risk"): "high", Field("tag", 2, "risk"): "low"}
    known = Base(base, {address: frozenset({"high"}) for address in base}, entries={1: (), 2: ()})
    desired = Declaration("m", {}, {2: DeclaredVersion()})
    found = diff(known, desired, live_model(live), exclusive=())
    assert [line[:5] for line in found.left] == ["v1 is", "v2 ta"]


def test_a_value_that_somebody_set_meanwhile_is_left_with_its_words() -> None:
    found = difference({RISK: "high"}, {}, {RISK: "low"})
    assert found.changes == ()
    assert found.left == (
        "v1 tag risk is no longer declared and stays as it is: it was changed to `low` outside git",
    )


def test_removing_what_is_not_there_leaves_nothing() -> None:
    (removal,) = difference({RISK: "high"}, {}, {RISK: "high"}).changes
    assert applied({}, [removal]) == {}
    assert applied({RISK: "high", NOTE: "x"}, [removal]) == {NOTE: "x"}
