"""What becomes of a bridged stage and its alias when the files or the settings drop them."""

from pathlib import Path

import pytest

from reconciler.core.diff import diff
from reconciler.core.settings import Ignore
from reconciler.core.state import Base, Declaration, Field, Fields, Value
from reconciler.files.loader import load
from reconciler.planning.ancestry import ModelPast, base_of
from tests.support.plans.strategies import live_model
from tests.support.repositories.fake_history import Commits, FakeHistory

BRIDGE = "bridge: {Production: champion}\n"
BOTH: Fields = {Field("stage", 4): "Production", Field("alias", None, "champion"): 4}
STAGE_STAYS = (
    "v4 stage is no longer declared and stays as it is, and so does @champion; `stage: None` "
    "clears both"
)
ENTRY_STAYS = "v4 is no longer declared: its stage, tags and description stay"
BY_HAND = "@champion is no longer declared and stays as it is: it was changed to `2` outside git"


def declared(folder: Path, versions: str, settings: str = BRIDGE) -> Declaration:
    folder.joinpath("reconciler.yaml").write_text(settings)
    folder.joinpath("m.yaml").write_text(f"versions: {versions}\n")
    return load(folder, "state").declarations["m"]


def base_from(*recorded: Declaration) -> Base:
    commits = Commits()
    ids = [commits.commit({"m": one}) for one in recorded]
    past = ModelPast(FakeHistory(commits, ids[-1]), "state", live_model({}))
    return base_of(past, ids, Ignore())


def outcome(
    base: Base, desired: Declaration, live: Fields
) -> tuple[dict[str, tuple[Value | None, str]], tuple[str, ...]]:
    found = diff(base, desired, live_model(live), exclusive=("Production",))
    return {str(c.field): (c.after, c.cause) for c in found.changes}, found.left


GOES = {"@champion": (None, "removed"), "v4 stage": ("Archived", "bridge")}


@pytest.mark.parametrize(
    ("before", "now", "changes", "left"),
    [
        pytest.param("{4: {stage: Production}}", "{4: {}}", {}, (STAGE_STAYS,), id="stage"),
        pytest.param(
            "{4: {stage: Production, aliases: [champion]}}",
            "{4: {}}",
            {},
            (STAGE_STAYS,),
            id="both words",
        ),
        pytest.param(
            "{4: {stage: Production}}",
            "{}",
            {},
            (f"{ENTRY_STAYS}, and so does @champion",),
            id="entry with a stage",
        ),
        pytest.param(
            "{4: {stage: Production}}",
            "{4: {stage: Archived}}",
            {"v4 stage": ("Archived", "declared"), "@champion": (None, "removed")},
            (),
            id="another stage",
        ),
        pytest.param("{4: {aliases: [champion]}}", "{4: {}}", GOES, (), id="alias"),
        pytest.param(
            "{4: {aliases: [champion]}}",
            "{}",
            GOES,
            ("v4 is no longer declared: its tags and description stay",),
            id="entry with an alias",
        ),
        pytest.param(
            "{4: {aliases: [champion]}}",
            "{4: {}, 3: {aliases: [champion]}}",
            {
                "@champion": (3, "declared"),
                "v3 stage": ("Production", "bridge"),
                "v4 stage": ("Archived", "replaced"),
            },
            (),
            id="alias moves",
        ),
        pytest.param(
            "{4: {stage: Production}}",
            "{3: {stage: Production}}",
            {
                "@champion": (3, "bridge"),
                "v3 stage": ("Production", "declared"),
                "v4 stage": ("Archived", "replaced"),
            },
            ("v4 is no longer declared: its tags and description stay",),
            id="entry that makes room",
        ),
        pytest.param(
            "{4: {stage: Production, aliases: [champion]}}",
            "{4: {stage: Production}}",
            {},
            (),
            id="one word of two",
        ),
    ],
)
def test_what_the_files_drop_under_the_bridge(
    tmp_path: Path,
    before: str,
    now: str,
    changes: dict[str, tuple[Value | None, str]],
    left: tuple[str, ...],
) -> None:
    base = base_from(declared(tmp_path, before))
    assert outcome(base, declared(tmp_path, now), BOTH) == (changes, left)


@pytest.mark.parametrize(
    ("file", "left"),
    [
        ("{4: {stage: Production}}", "@champion came from the bridge and stays as it is"),
        (
            "{4: {aliases: [champion]}}",
            "v4 stage came from the bridge and stays as it is; `stage: None` clears it",
        ),
    ],
)
def test_what_a_bridge_added_stays_when_it_goes(tmp_path: Path, file: str, left: str) -> None:
    base = base_from(declared(tmp_path, file))
    assert outcome(base, declared(tmp_path, file, "{}\n"), BOTH) == ({}, (left,))


def test_what_a_person_moved_since_did_not_come_from_the_bridge(tmp_path: Path) -> None:
    file = "{4: {stage: Production}}"
    base = base_from(declared(tmp_path, file))
    moved: Fields = {**BOTH, Field("alias", None, "champion"): 2}
    assert outcome(base, declared(tmp_path, file, "{}\n"), moved) == ({}, (BY_HAND,))


def test_a_pair_that_goes_says_nothing_of_another_one(tmp_path: Path) -> None:
    pairs = "exclusive: [Production, Staging]\nbridge: {Production: champion, Staging: next}\n"
    base = base_from(declared(tmp_path, "{4: {aliases: [champion]}}", pairs))
    moved: Fields = {**BOTH, Field("alias", None, "champion"): 2}
    _, left = outcome(base, declared(tmp_path, "{4: {}}"), moved)
    assert left == (
        BY_HAND,
        "v4 stage is no longer declared and stays as it is; `stage: None` clears it",
    )


def test_an_alias_that_a_file_wrote_is_removed_with_or_without_the_bridge(tmp_path: Path) -> None:
    base = base_from(declared(tmp_path, "{4: {stage: Production, aliases: [champion]}}"))
    plain = declared(tmp_path, "{4: {stage: Production}}", "{}\n")
    assert outcome(base, plain, BOTH) == ({"@champion": (None, "removed")}, ())


def test_an_alias_that_was_moved_by_hand_stays_and_so_does_the_stage(tmp_path: Path) -> None:
    base = base_from(declared(tmp_path, "{4: {aliases: [champion]}}"))
    moved: Fields = {**BOTH, Field("alias", None, "champion"): 2}
    changes, left = outcome(base, declared(tmp_path, "{4: {}}"), moved)
    assert changes == {}
    assert BY_HAND in left
    both_moved: Fields = {Field("stage", 2): "Production", Field("alias", None, "champion"): 2}
    assert outcome(base, declared(tmp_path, "{4: {}}"), both_moved) == ({}, (BY_HAND,))
    taken_away: Fields = {Field("stage", 4): "Production"}
    changes, _ = outcome(base, declared(tmp_path, "{4: {}}"), taken_away)
    assert changes == {"v4 stage": ("Archived", "bridge")}


def test_a_stage_that_a_file_wrote_stays_also_where_a_person_took_its_alias(tmp_path: Path) -> None:
    base = base_from(declared(tmp_path, "{4: {stage: Production}}"))
    taken_away: Fields = {Field("stage", 4): "Production"}
    stays = "v4 stage is no longer declared and stays as it is; `stage: None` clears it"
    assert outcome(base, declared(tmp_path, "{4: {}}"), taken_away) == ({}, (stays,))


def test_another_alias_for_a_stage_leaves_the_former_one(tmp_path: Path) -> None:
    file = "{4: {stage: Production}}"
    base = base_from(declared(tmp_path, file))
    other = declared(tmp_path, file, "bridge: {Production: live}\n")
    assert outcome(base, other, BOTH) == (
        {"@live": (4, "bridge")},
        ("@champion came from the bridge and stays as it is",),
    )


def test_what_a_file_wrote_at_one_of_several_recorded_commits_is_not_implied(
    tmp_path: Path,
) -> None:
    recorded = ("{4: {stage: Production}}", "{4: {aliases: [champion]}}")
    base = base_from(*(declared(tmp_path, file) for file in recorded))
    assert base.implied == frozenset()
    assert outcome(base, declared(tmp_path, "{4: {}}"), BOTH) == ({}, (STAGE_STAYS,))


def test_a_bridge_of_any_recorded_commit_counts(tmp_path: Path) -> None:
    """The apply that added the bridge did not finish, and it is reverted."""
    file = "{4: {stage: Production}}"
    plain = declared(tmp_path, file, "{}\n")
    base = base_from(plain, declared(tmp_path, file))
    left = ("@champion came from the bridge and stays as it is",)
    assert outcome(base, plain, BOTH) == ({}, left)
