"""A/B tests in the declared state: the tags they stand for, and the sums that must be right."""

from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.declaring.ab_tests import (
    ROLE_TAG,
    TRAFFIC_TAG,
    traffic_problems,
)
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.declaring.implied import as_written, complete
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, DeclaredVersion, Field, Serving
from reconciler.errors import DeclarationError
from reconciler.files.additions import additions
from reconciler.files.editing.edits import YamlEdit, edits_between
from reconciler.files.editing.yaml_editor import apply_edits
from reconciler.files.from_live import declaration_of
from reconciler.files.loader import dump_declaration, load, parse_declaration
from tests.support.plans.strategies import live_model

TEST = "versions:\n  4: {stage: Production, traffic: 0.90}\n  5: {traffic: 0.1}\n  3: {}\n"


def loaded(folder: Path, text: str, settings: str = "{}") -> DeclaredState:
    folder.joinpath("reconciler.yaml").write_text(settings)
    folder.joinpath("m.yaml").write_text(text)
    return load(folder, "state")


def complaints(folder: Path, text: str, settings: str = "{}") -> list[str]:
    """Return what is wrong with a model's file, as `line:column message (hint)`."""
    with pytest.raises(DeclarationError) as caught:
        loaded(folder, text, settings)
    return [f"{p.line}:{p.column} {p.message} ({p.hint})" for p in caught.value.problems]


def ab_tags(declaration: Declaration) -> dict[int, tuple[object, object]]:
    """Return the two tags of every version that has one of them."""
    found = {
        address.version: (
            declaration.fields.get(Field("tag", address.version, ROLE_TAG)),
            declaration.fields.get(Field("tag", address.version, TRAFFIC_TAG)),
        )
        for address in declaration.fields
        if address.key in (ROLE_TAG, TRAFFIC_TAG)
    }
    return {version: tags for version, tags in found.items() if version is not None}


def test_traffic_is_two_tags_on_every_version_that_carries_it(tmp_path: Path) -> None:
    declaration = loaded(tmp_path, TEST).declarations["m"]
    assert ab_tags(declaration) == {4: ("control", "0.90"), 5: ("treatment", "0.1")}
    assert declaration.versions[4].traffic == Decimal("0.9")
    assert declaration.versions[3].traffic is None


def test_the_control_is_what_the_settings_call_serving(tmp_path: Path) -> None:
    text = TEST.replace("5: {", "5: {aliases: [live], ")
    settings = "serving: {alias: live}"
    declaration = loaded(tmp_path, text, settings).declarations["m"]
    assert ab_tags(declaration) == {4: ("treatment", "0.90"), 5: ("control", "0.1")}


def test_a_file_alone_does_not_know_who_is_the_control() -> None:
    declaration = parse_declaration(TEST.encode(), "m.yaml")
    assert ab_tags(declaration) == {}
    assert ab_tags(complete(declaration, Settings())) == {
        4: ("control", "0.90"),
        5: ("treatment", "0.1"),
    }


def test_a_model_without_traffic_is_left_as_it_is() -> None:
    declaration = parse_declaration(b"versions: {4: {tags: {ab_test_role: x}}}", "m.yaml")
    assert complete(declaration, Settings()) is declaration
    assert as_written(declaration) is declaration


_parts = st.dictionaries(
    st.integers(1, 9),
    st.none() | st.decimals(0, 1, places=10).map(lambda part: part.normalize()),
    min_size=1,
)


@given(_parts, st.integers(1, 9))
def test_tags_come_and_go_without_a_trace_and_are_never_in_a_file(
    carried: dict[int, Decimal | None], serving: int
) -> None:
    declaration = Declaration(
        "m",
        {Field("stage", serving): "Production", Field("tag", serving, "k"): "v"},
        {version: DeclaredVersion(traffic=part) for version, part in carried.items()},
    )
    tagged = complete(declaration, Settings())
    assert as_written(tagged) == declaration
    assert complete(tagged, Settings()) == tagged
    roles = [role for role, _ in ab_tags(tagged).values()]
    assert roles.count("control") == (carried.get(serving) is not None)
    assert not any("E" in str(part) for _, part in ab_tags(tagged).values())
    assert dump_declaration(tagged) == dump_declaration(declaration)
    again = parse_declaration(dump_declaration(tagged).encode(), "m.yaml")
    assert {v: again.versions[v].traffic for v in carried} == carried


@given(st.lists(st.integers(0, 10**10), min_size=1, max_size=40))
def test_parts_that_people_can_write_sum_exactly(cuts: list[int]) -> None:
    bounds = sorted([0, *cuts, 10**10])
    shares = [Decimal(high - low) / 10**10 for low, high in pairwise(bounds)]
    versions = {number: DeclaredVersion(traffic=part) for number, part in enumerate(shares, 1)}
    fields = {Field("stage", 1): "Production"}
    assert not list(traffic_problems(Declaration("m", fields, versions), Serving()))
    versions[1] = DeclaredVersion(traffic=shares[0] + Decimal("1e-10"))
    (flaw,) = traffic_problems(Declaration("m", fields, versions), Serving())
    assert "sums to 1.0000000001, not 1" in flaw.message


@pytest.mark.parametrize("part", ["0", "1", "0.10", "0.0000000001", "1.0", '"0.5"', "'0.5'"])
def test_a_part_is_a_plain_decimal(part: str) -> None:
    declaration = parse_declaration(f"versions: {{4: {{traffic: {part}}}}}".encode(), "m.yaml")
    assert declaration.versions[4].traffic == Decimal(part.strip("\"'"))


@pytest.mark.parametrize(
    "part",
    [
        *(".5", "10%", "1e-1", "-0.1", "+0.1", "1.1", "2", "0.", "00.5", "0,5", "1/2", "١", "nan"),
        *("''", "0.12345678901", "0x1", "1_0"),
    ],
)
def test_another_spelling_of_a_part_is_an_error(part: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_declaration(f"versions:\n  4:\n    traffic: {part}".encode(), "m.yaml")
    (problem,) = caught.value.problems
    assert "is not a part of the traffic: a plain decimal from 0 to 1" in problem.message
    assert problem.where == "m.yaml:3:14"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "versions: {4: {stage: Production, traffic: 0.5}, 5: {traffic: 0.4}}",
            "1:35 the `traffic` of versions 4 and 5 sums to 0.9, not 1",
        ),
        (
            "versions: {5: {traffic: 0.5}, 4: {stage: Production, traffic: 0.5}, 6: {traffic: 1}}",
            "1:16 the `traffic` of versions 5, 4 and 6 sums to 2.0, not 1",
        ),
        (
            "versions: {4: {stage: Production, traffic: 1}}",
            "1:35 only version 4 has `traffic`; a test needs two or more versions",
        ),
        (
            "versions: {4: {traffic: 0.5}, 5: {traffic: 0.5}}",
            "1:16 no version is declared as serving (Production): a test needs one as its control",
        ),
        (
            "versions: {4: {traffic: 0.5}, 5: {traffic: 0.5}, 3: {stage: Production}}",
            "1:16 version 3, declared as serving (Production), has no `traffic`",
        ),
        (
            "versions: {4: {stage: Production, traffic: 0.5}, 5: {traffic: 0.5, blocked: bad}}",
            "1:54 version 5 is blocked and may not have traffic",
        ),
        (
            "versions: {4: {traffic: 0.5, tags: {ab_test_role: x}}, 5: {traffic: 0.5}}",
            "1:37 tag `ab_test_role` is written by `traffic`",
        ),
        (
            "versions: {4: {traffic: 0.5}, 5: {traffic: 0.5}, 3: {tags: {ab_test_traffic: x}}}",
            "1:61 tag `ab_test_traffic` is written by `traffic`",
        ),
        ("versions: {4: {traffic: [0.5]}}", "1:25 `traffic` must be text, not a list"),
        ("versions: {4: {traffic: ~}}", "1:25 `traffic` is null"),
    ],
)
def test_a_test_that_does_not_add_up_is_told_at_its_place(
    tmp_path: Path, text: str, said: str
) -> None:
    found = complaints(tmp_path, text)
    assert any(each.startswith(said) for each in found), found
    assert len(found) == 1 + ("tags:" in text)  # those have no control, either


def test_everything_that_is_wrong_with_a_test_is_said_at_once(tmp_path: Path) -> None:
    text = """\
descriptoin: x
versions:
  4: {traffic: 0.5, blocked: bad}
  5: {traffic: 0.4, tags: {ab_test_role: x}}
"""
    places = [each.partition(" ")[0] for each in complaints(tmp_path, text)]
    assert places == ["1:1", "3:7", "3:7", "3:7", "4:28"]


def test_a_part_that_cannot_be_read_is_not_missed_in_the_sum(tmp_path: Path) -> None:
    text = "versions: {4: {stage: Production, traffic: 0.9}, 5: {traffic: 10%}}"
    (found,) = complaints(tmp_path, text)
    assert "`10%`" in found


def test_a_blocked_version_may_stay_in_a_test_that_gives_it_nothing(tmp_path: Path) -> None:
    text = "versions: {4: {stage: Production, traffic: 1}, 5: {traffic: 0, blocked: bad}}"
    assert ab_tags(loaded(tmp_path, text).declarations["m"])[5] == ("treatment", "0")


def test_the_tags_of_a_test_may_not_be_ignored(tmp_path: Path) -> None:
    found = complaints(tmp_path, TEST, "ignore: {tags: [ab_*]}")
    assert [each.partition(" (")[0] for each in found] == [
        "2:26 tag `ab_test_role`, which `traffic` writes, is ignored by `ignore.tags`",
        "3:7 tag `ab_test_role`, which `traffic` writes, is ignored by `ignore.tags`",
    ]


def test_wrong_settings_do_not_make_a_test_wrong(tmp_path: Path) -> None:
    (found,) = complaints(tmp_path, TEST, "servin: {alias: a}")
    assert "`servin`" in found


def test_traffic_for_an_archived_version_is_a_warning(tmp_path: Path) -> None:
    text = TEST.replace("5: {", "5: {stage: Archived, ")
    (warning,) = loaded(tmp_path, text).warnings
    assert warning.message == "version 5 is declared `Archived` but has traffic"
    assert warning.where == "state/m.yaml:3:24"
    assert not loaded(tmp_path, text.replace("5: {", "5: {aliases: [b], ")).warnings
    assert not loaded(tmp_path, TEST.replace("5: {", "5: {stage: None, ")).warnings


def test_traffic_is_written_as_a_number() -> None:
    text = "versions:\n  5:\n    traffic: 0.10\n  4:\n    traffic: 0\n    stage: Production\n"
    declaration = parse_declaration(text.encode(), "m.yaml")
    assert dump_declaration(declaration, stem="m") == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("versions:\n  5:\n    traffic: 0.10\n", "versions:\n  5:\n    traffic: 0.25\n"),
        (
            "versions:\n  5:\n    stage: None\n",
            "versions:\n  5:\n    traffic: 0.25\n    stage: None\n",
        ),
        ("versions: {5: {stage: None}}\n", "versions: {5: {traffic: 0.25, stage: None}}\n"),
        ("versions: {5: {traffic: 1}}\n", "versions: {5: {traffic: 0.25}}\n"),
    ],
)
def test_an_edit_of_traffic_keeps_the_rest_of_the_file(before: str, after: str) -> None:
    edit = YamlEdit(("versions", "5", "traffic"), "0.25")
    assert apply_edits(before.encode(), [edit], "m.yaml").decode() == after


def test_an_edit_ends_a_test() -> None:
    edits = [YamlEdit(("versions", number, "traffic"), None) for number in ("4", "5")]
    after = apply_edits(TEST.encode(), edits, "m.yaml").decode()
    assert after == "versions:\n  4: {stage: Production}\n  5: {}\n  3: {}\n"


def test_what_was_loaded_differs_from_its_file_in_no_edit(tmp_path: Path) -> None:
    declaration = loaded(tmp_path, TEST).declarations["m"]
    assert edits_between(parse_declaration(TEST.encode(), "m.yaml"), declaration) == ()


_LIVE = live_model(
    {
        Field("stage", 1): "Production",
        Field("stage", 2): "Staging",
        Field("tag", 1, ROLE_TAG): "control",
        Field("tag", 1, TRAFFIC_TAG): "0.5",
        Field("tag", 2, ROLE_TAG): "treatment",
        Field("tag", 2, "risk"): "low",
    }
)


def test_the_tags_of_a_test_are_imported_as_tags(tmp_path: Path) -> None:
    imported = declaration_of(_LIVE, Settings(), every_version=False).declaration
    assert imported is not None
    again = loaded(tmp_path, dump_declaration(imported)).declarations["m"]
    assert again == imported
    assert ab_tags(again) == {1: ("control", "0.5"), 2: ("treatment", None)}


def test_an_update_of_a_file_with_traffic_leaves_the_tags_of_its_test_out(tmp_path: Path) -> None:
    text = "versions:\n  1: {stage: Production, traffic: 0.9}\n  3: {traffic: 0.1}\n"
    declared = loaded(tmp_path, text).declarations["m"]
    imported = declaration_of(_LIVE, Settings(), every_version=False).declaration
    assert imported is not None
    edits = additions(declared, imported, Settings()).edits
    after = apply_edits(text.encode(), edits, "m.yaml").decode()
    assert "risk: low" in after
    assert "ab_test" not in after
    assert ab_tags(loaded(tmp_path, after).declarations["m"])[1] == ("control", "0.9")
