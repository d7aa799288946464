"""An alias like `major-2` follows what is promoted, and no version of another number has it."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.declaring.implied import complete
from reconciler.core.declaring.major_aliases import with_major_alias
from reconciler.core.declaring.semantic_versions import is_major_alias, names_major
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, DeclaredVersion, Field, Value, aliases

ON = Settings(aliases_from_semver=True)
NUMBERS: Mapping[int, str | None] = {1: "1.0.0", 2: "2.0.0", 3: "2.1.0", 4: "3.0.0", 5: None}


def model(serving: int, blocked: int | None = None, **named: int) -> Declaration:
    """Return a declaration that serves a version; `major_2` stands for the alias `major-2`."""
    fields: dict[Field, Value] = {Field("stage", v): "Archived" for v in NUMBERS}
    fields[Field("stage", serving)] = "Production"
    fields |= {Field("alias", None, name.replace("_", "-")): v for name, v in named.items()}
    versions = {
        v: DeclaredVersion(semver=text, blocked="bad" if v == blocked else None)
        for v, text in NUMBERS.items()
    }
    return complete(Declaration("m", fields, versions, file="m.yaml"), ON)


def moved(before: Declaration, after: Declaration, version: int) -> dict[str, int]:
    return aliases(with_major_alias(before, after, version, ON).fields)


@pytest.mark.parametrize(
    ("before", "after", "version", "named"),
    [
        # a first promotion, and one of the same major
        (model(1), model(2), 2, {"major-2": 2}),
        (model(2, major_2=2), model(3, major_2=2), 3, {"major-2": 3}),
        # the old major keeps its alias
        (model(3, major_2=3), model(4, major_2=3), 4, {"major-2": 3, "major-3": 4}),
        # going back: in one major it moves back, between two the higher one keeps its alias
        (model(3, major_2=3), model(2), 2, {"major-2": 2}),
        (
            model(4, major_2=3, major_3=4),
            model(3, major_2=3, major_3=3),
            3,
            {"major-2": 3, "major-3": 4},
        ),
        # what a rollback blocks may hold none
        (model(4, major_2=3, major_3=4), model(3, 4, major_2=3, major_3=3), 3, {"major-2": 3}),
        # other aliases, and a version without a number, are left alone
        (model(3, champion=3, major_2=3), model(5, champion=5), 5, {"champion": 5, "major-2": 3}),
        # what is asked for and right is kept
        (model(4, major_3=4), model(4, major_3=4, major_2=3), 3, {"major-3": 4, "major-2": 3}),
        # what does not serve takes nothing
        (model(2, major_2=2), model(2, major_2=2), 3, {"major-2": 2}),
    ],
)
def test_the_alias_of_a_major_follows_what_is_promoted(
    before: Declaration, after: Declaration, version: int, named: Mapping[str, int]
) -> None:
    assert moved(before, after, version) == named


def test_without_the_setting_nothing_moves() -> None:
    before, after = model(2, major_2=2), model(3, major_2=2)
    assert with_major_alias(before, after, 3, Settings()) is after


@given(
    st.lists(st.tuples(st.sampled_from([1, 2, 3, 4, 5]), st.booleans()), max_size=8),
)
def test_after_any_way_each_major_names_a_version_of_its_number(
    way: list[tuple[int, bool]],
) -> None:
    declared = with_major_alias(model(1), model(1), 1, ON)
    for version, carries in way:
        held = aliases(declared.fields)
        if carries:  # as a rollback lets the aliases of what serves go along
            held = dict.fromkeys(held, version)
        after = model(version, **{name.replace("-", "_"): v for name, v in held.items()})
        declared = with_major_alias(declared, after, version, ON)
        named = {a: v for a, v in aliases(declared.fields).items() if is_major_alias(a)}
        assert all(names_major(alias, NUMBERS[v]) for alias, v in named.items())
        number = NUMBERS[version]
        assert number is None or named[f"major-{number[0]}"] == version
