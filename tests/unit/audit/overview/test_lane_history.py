"""Which version had a name when: by merges, by apply records, and by what the registry has now."""

from dataclasses import replace

import pytest

from reconciler.audit.apply_record import RecordedChange
from reconciler.audit.overview.lane_history import lanes
from reconciler.audit.overview.lanes import LaneSpan
from reconciler.audit.overview.recorded_applies import RecordedApplies
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.settings import Settings
from tests.unit.audit.overview.world import World, at, told


def in_production(version: int) -> str:
    """Return a file with one version in Production."""
    others = ", ".join(f"{v}: {{stage: Archived}}" for v in (3, 4, 5) if v != version)
    return f"versions: {{{version}: {{stage: Production}}, {others}}}"


def champion(version: int) -> str:
    """Return a file with the alias on one version."""
    return f"versions: {{{version}: {{aliases: [champion]}}}}"


def test_a_version_has_the_name_from_its_first_apply_until_the_next_is_applied() -> None:
    world = World()
    world.merge(in_production(3))
    world.apply()
    world.merge(in_production(4))
    world.apply()
    lane = world.lanes()["Production"]
    assert told(lane.spans) == [("applied", 3, 2, 4), ("applied", 4, 4, None)]
    commits = [span.entry.step.commit.id for span in lane.spans if span.entry]
    assert commits == ["c0", "c1"]


def test_without_any_record_it_is_the_merge_that_counts_and_the_span_says_so() -> None:
    world = World()
    for version in (3, 4):
        world.merge(in_production(version))
        world.apply(record=False)
    assert told(world.lanes()["Production"].spans) == [("merged", 3, 1, 3), ("merged", 4, 3, None)]


def test_what_was_replaced_before_it_was_applied_lies_beside_what_stayed_live() -> None:
    world = World()
    world.merge(in_production(3))
    world.apply()
    world.merge(in_production(4))
    world.merge(in_production(5))
    world.apply()
    assert told(world.lanes()["Production"].spans) == [
        ("applied", 3, 2, 5),
        ("never applied", 4, 3, 4),
        ("applied", 5, 5, None),
    ]


def test_a_change_that_is_taken_back_before_it_is_applied_leaves_what_is_live() -> None:
    world = World()
    for version in (3, 4, 3):
        world.merge(in_production(version))
        if version == 3:
            world.apply()
    spans = world.lanes()["Production"].spans
    assert told(spans) == [("applied", 3, 2, None), ("never applied", 4, 3, 4)]


def test_who_declared_a_version_counts_also_when_a_later_commit_was_applied() -> None:
    world = World()
    world.merge(champion(3))
    world.apply()
    world.merge(champion(4))
    world.merge(champion(4) + "\ndescription: other")
    world.apply()
    spans = world.lanes()["@champion"].spans
    assert told(spans) == [("applied", 3, 2, 5), ("applied", 4, 5, None)]
    assert spans[1].entry is not None
    assert spans[1].entry.step.commit.id == "c1"


def test_a_merge_that_waits_for_its_apply_is_pending_beside_what_is_live() -> None:
    world = World()
    world.merge(in_production(3))
    world.apply()
    world.merge(in_production(4))
    for read in (True, False):
        spans = world.lanes(read=read)["Production"].spans
        assert told(spans) == [("applied", 3, 2, None), ("pending", 4, 3, None)]


def test_a_merge_before_the_first_apply_of_all_waits_where_that_was_of_an_older_commit() -> None:
    world = World()
    world.merge(in_production(3))
    world.apply()
    world.merge(in_production(4))
    world.records[0] = replace(world.records[0], time=at(3.5))  # a late job
    assert told(world.lanes()["Production"].spans) == [
        ("pending", 4, 3, None),
        ("applied", 3, 3.5, None),
    ]


def test_what_waits_and_is_live_was_applied_without_a_record() -> None:
    world = World()
    world.merge(in_production(3))
    world.apply()
    world.merge(in_production(4))
    world.apply(record=False)
    spans = world.lanes()["Production"].spans
    assert told(spans) == [("applied", 3, 2, 3), ("merged", 4, 3, None)]


def test_what_the_first_apply_found_there_may_have_begun_earlier() -> None:
    world = World()
    world.by_hand(v3="Production")
    world.merge(in_production(3))
    world.apply()
    (span,) = world.lanes()["Production"].spans
    assert span.was_there
    assert told([span]) == [("applied", 3, 3, None)]


def test_an_apply_that_healed_shows_what_somebody_did_by_hand() -> None:
    world = World()
    world.merge(in_production(3))
    world.apply()
    world.by_hand(v3="Archived", v4="Production")
    world.apply()
    spans = world.lanes()["Production"].spans
    assert told(spans) == [("applied", 3, 2, None), ("by hand", 4, 2, 4)]
    assert spans[1].found == world.records[-1]
    assert spans[1].entry is None


def test_a_name_that_somebody_took_away_is_told_too() -> None:
    world = World()
    world.merge(champion(3))
    world.apply()
    world.by_hand(champion=None)
    world.apply()
    world.by_hand(champion=None)
    spans = world.lanes()["@champion"].spans
    assert told(spans) == [
        ("applied", 3, 2, 6),  # not found any more by the reading
        ("by hand", None, 2, 4),
        ("by hand", None, 4, None),
    ]


def test_without_records_the_commit_in_the_registry_tells_what_was_not_applied() -> None:
    world = World()
    world.merge(in_production(3))
    world.apply(record=False)
    world.merge(in_production(4))
    spans = world.lanes()["Production"].spans
    assert told(spans) == [("merged", 3, 1, None), ("pending", 4, 3, None)]
    world.commit = None  # nothing was applied ever
    world.fields.clear()
    spans = world.lanes()["Production"].spans
    assert told(spans) == [("never applied", 3, 1, 3), ("pending", 4, 3, None)]


def test_what_is_live_now_and_was_never_declared_is_by_hand() -> None:
    world = World()
    world.merge(champion(3))
    world.apply()
    world.by_hand(champion=4)
    spans = world.lanes()["@champion"].spans
    assert told(spans) == [("applied", 3, 2, 4), ("by hand", 4, 2, None)]
    assert told(world.lanes(read=False)["@champion"].spans) == [("applied", 3, 2, None)]


def test_without_an_apply_that_confirmed_anything_nobody_knows_when_a_hand_came() -> None:
    world = World()
    world.merge(champion(3))
    world.apply(record=False)
    world.by_hand(champion=4)
    spans = world.lanes()["@champion"].spans
    assert told(spans) == [("by hand", 4, None, None), ("merged", 3, 1, 4)]


def test_what_an_apply_off_the_main_line_brought_is_not_by_hand() -> None:
    world = World()
    world.merge(champion(3))
    world.apply()
    world.by_hand(champion=4)  # by a job, as its record says
    row = RecordedChange("m", None, "alias", "champion", 3, 4, "declared", "applied")
    hotfix = replace(world.records[0], commit="branch", changes=(row,), accepted=("off-main",))
    world.records.append(replace(hotfix, time=at(world.clock)))
    spans = world.lanes()["@champion"].spans
    assert told(spans)[-1] == ("applied", 4, 3, None)
    assert (spans[-1].consents, spans[-1].found) == (("off-main",), world.records[1])
    world.merge(champion(6))
    world.apply()
    ended = [span for span in told(world.lanes()["@champion"].spans) if span[1] == 4]
    assert ended == [("applied", 4, 3, world.clock - 1)]
    world.by_hand(champion=4)
    assert ("by hand", 4) in [span[:2] for span in told(world.lanes()["@champion"].spans)]


def test_what_git_found_at_its_first_apply_was_there_by_hand_before() -> None:
    world = World()
    world.by_hand(champion=2)
    world.merge(champion(3))
    world.apply()
    spans = world.lanes()["@champion"].spans
    assert told(spans) == [("by hand", 2, None, 3), ("applied", 3, 3, None)]


def test_a_hand_that_a_promotion_overwrote_is_seen() -> None:
    world = World()
    world.merge(champion(3))
    world.apply()
    world.by_hand(champion=2)
    world.merge(champion(4))
    world.apply()
    spans = world.lanes()["@champion"].spans
    assert told(spans) == [("applied", 3, 2, 5), ("by hand", 2, 2, 5), ("applied", 4, 5, None)]


def test_an_apply_without_a_record_is_not_taken_for_a_hand() -> None:
    world = World()
    world.merge(champion(3))
    world.apply()
    world.merge(champion(4))
    world.apply(record=False)
    world.merge(champion(5))
    world.apply()
    kinds = {span.kind for span in world.lanes()["@champion"].spans}
    assert "by hand" not in kinds


def test_a_hand_that_an_apply_could_not_heal_lasts() -> None:
    world = World()
    world.merge(champion(3))
    world.apply()
    world.by_hand(champion=2)
    world.apply(writes=0)
    assert told(world.lanes()["@champion"].spans)[1:] == [("by hand", 2, 2, None)]
    world.apply()
    assert told(world.lanes()["@champion"].spans)[1:] == [("by hand", 2, 2, 6)]


def test_an_apply_that_was_interrupted_has_written_what_its_record_says() -> None:
    world = World()
    world.merge("versions: {3: {stage: Production, aliases: [champion]}}")
    world.apply()
    world.merge("versions: {4: {stage: Production, aliases: [champion]}, 3: {stage: Archived}}")
    world.apply(writes=2)  # both stages, and not the alias
    found = world.lanes()
    assert told(found["Production"].spans) == [("applied", 3, 2, 4), ("applied", 4, 4, None)]
    assert told(found["@champion"].spans) == [("applied", 3, 2, None), ("pending", 4, 3, None)]
    world.apply()
    found = world.lanes()
    assert told(found["Production"].spans) == [("applied", 3, 2, 4), ("applied", 4, 4, None)]
    assert told(found["@champion"].spans) == [("applied", 3, 2, 6), ("applied", 4, 6, None)]


def test_an_alias_that_git_drops_is_taken_away_and_a_stage_stays() -> None:
    world = World()
    world.merge("versions: {3: {stage: Production, aliases: [champion]}}")
    world.apply()
    world.merge("versions: {3: {}}")
    assert told(world.lanes()["@champion"].spans) == [
        ("applied", 3, 2, None),
        ("pending", None, 3, None),
    ]
    world.apply()
    found = world.lanes()
    assert told(found["@champion"].spans) == [("applied", 3, 2, 5)]
    assert told(found["Production"].spans) == [("applied", 3, 2, 5), ("undeclared", 3, 5, None)]


def test_a_model_that_git_releases_stays_as_it_is_until_it_is_declared_again() -> None:
    world = World()
    world.merge(champion(3))
    world.apply()
    world.merge(None)
    assert told(world.lanes()["@champion"].spans) == [
        ("applied", 3, 2, 3),
        ("undeclared", 3, 3, None),
    ]
    world.merge(champion(3))
    world.base = None
    world.apply()
    assert told(world.lanes()["@champion"].spans) == [
        ("applied", 3, 2, 3),
        ("undeclared", 3, 3, 6),
        ("applied", 3, 6, None),
    ]


def test_a_retired_version_leaves_production_empty() -> None:
    world = World()
    world.merge(in_production(3))
    world.apply()
    world.merge("retired: true\nversions: {3: {stage: Archived}}")
    world.apply()
    assert told(world.lanes()["Production"].spans) == [("applied", 3, 2, 4)]


def test_a_bridge_declares_the_alias_too_and_takes_it_away() -> None:
    world = World()
    world.merge(in_production(3), Settings(bridge=Bridge((("Production", "champion"),))))
    world.apply()
    world.merge(in_production(4))
    world.apply()
    world.merge("versions: {3: {stage: Archived}, 4: {stage: Archived}}")
    world.apply()
    spans = [("applied", 3, 2, 4), ("applied", 4, 4, 6)]
    assert {name: told(lane.spans) for name, lane in world.lanes().items()} == {
        "Production": spans,
        "@champion": spans,
    }


def test_a_stage_of_several_versions_has_several_spans_at_once() -> None:
    world = World(settings=Settings(exclusive=()))
    world.merge("versions: {3: {stage: Production}}", Settings(exclusive=()))
    world.apply()
    world.merge("versions: {3: {stage: Production}, 4: {stage: Production}}")
    world.apply()
    world.by_hand(v9="Production")
    assert told(world.lanes()["Production"].spans) == [
        ("by hand", 9, None, None),  # nothing confirmed that it was not there
        ("applied", 3, 2, None),
        ("applied", 4, 4, None),
    ]


def test_a_span_names_the_consents_of_the_apply_that_began_it() -> None:
    world = World()
    world.merge(champion(3))
    world.apply(accepted=("removals", "off-main=m", "empty-serving=other"))
    (span,) = world.lanes()["@champion"].spans
    assert span.consents == ("removals", "off-main=m")


def test_what_a_later_apply_wrote_is_not_part_of_an_interrupted_one() -> None:
    world = World()
    text = "versions: {1: {stage: Archived}, 3: {aliases: [champion]}}"
    world.merge(text)
    world.apply(writes=1)
    world.merge(None)
    world.merge(text)
    world.apply()
    world.merge(None)
    assert told(world.lanes()["@champion"].spans) == [
        ("never applied", 3, 1, 3),
        ("applied", 3, 5, 6),
        ("undeclared", 3, 6, None),
    ]


def test_the_records_of_another_registry_do_not_count() -> None:
    world = World()
    world.merge(champion(3))
    world.apply(registry="test")
    world.merge(champion(4))
    world.apply(registry="test")
    world.by_hand(champion=3)
    assert told(world.lanes(registry="prod", read=False)["@champion"].spans) == [
        ("merged", 3, 1, 3),
        ("merged", 4, 3, None),
    ]
    assert told(world.lanes(registry=None)["@champion"].spans) == [
        ("applied", 3, 2, 4),
        ("applied", 4, 4, 7),
        ("by hand", 3, 4, None),
    ]


def test_of_two_registries_each_has_its_own_applies() -> None:
    world = World()
    world.merge(champion(3))
    world.apply(registry="prod")
    world.merge(champion(4))
    world.apply(registry="test")
    assert told(world.lanes(registry="prod", read=False)["@champion"].spans) == [
        ("applied", 3, 2, None),
        ("pending", 4, 3, None),
    ]
    assert {s.kind for s in world.lanes(registry=None, read=False)["@champion"].spans} == {"merged"}


def test_a_model_keeps_its_lanes_under_a_new_name() -> None:
    world = World()
    world.merge(champion(3))
    world.apply()
    world.by_hand(champion=4)
    world.apply()
    text = "model: n\nrenamed_from: m\n" + champion(3)
    world.merge(text)
    world.model = "n"
    assert told(world.lanes()["@champion"].spans) == [
        ("applied", 3, 2, None),
        ("by hand", 4, 2, 4),
    ]


def test_a_model_that_git_never_declared_shows_what_serves() -> None:
    world = World()
    world.by_hand(v3="Production", other=4)
    assert {name: told(lane.spans) for name, lane in world.lanes().items()} == {
        "Production": [("by hand", 3, None, None)]
    }


def test_a_reading_that_could_not_list_the_versions_proves_nothing() -> None:
    world = World()
    world.merge(in_production(3))
    world.apply()
    history, live = world.history(), replace(world.live, fields={}, unreadable="forbidden")
    (lane,) = lanes(
        history,
        settings=world.settings,
        applies=RecordedApplies(world.records, "r"),
        live=live,
        now=world.tick(),
        place={},
    )
    assert told(lane.spans) == [("applied", 3, 2, None)]


def test_the_serving_name_comes_first_and_former_aliases_last() -> None:
    world = World()
    world.merge("versions: {3: {aliases: [blue, a]}, 4: {stage: Production}}")
    world.apply()
    world.merge("versions: {3: {aliases: [blue, zeta]}, 4: {stage: Production}}")
    world.apply()
    assert list(world.lanes()) == ["Production", "@blue", "@zeta", "@a"]


@pytest.mark.parametrize("records", [True, False])
def test_equal_input_gives_equal_lanes(records: bool) -> None:  # noqa: FBT001
    def made() -> list[tuple[LaneSpan, ...]]:
        world = World()
        for version in (3, 4, 5, 4):
            world.merge(in_production(version))
            world.apply(record=records)
        return [lane.spans for lane in world.lanes().values()]

    assert made() == made()


def test_a_consent_counts_for_the_model_that_it_names_whole() -> None:
    world = World()
    world.merge(in_production(3))
    world.apply(accepted=("removals=n=m", "removals=m", "closed"))
    (apply,) = RecordedApplies(world.records).of(world.history()).made
    assert apply.consents == ("removals=m", "closed")
