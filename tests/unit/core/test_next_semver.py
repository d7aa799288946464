"""Which number a promotion proposes, and which it refuses."""

from collections.abc import Mapping

import pytest

from reconciler.core.declaring.next_semver import (
    Displaced,
    check_higher,
    check_semver,
    displaced,
    first_number,
    next_number,
    numbered,
)
from reconciler.core.declaring.semantic_versions import parse_semver
from reconciler.core.declaring.semver_level import NeededLevel
from reconciler.core.settings import ServingRules, Settings
from reconciler.core.state import Declaration, DeclaredVersion, Field, Fields, Serving
from reconciler.errors import Refused, UsageError
from reconciler.files.editing.edits import edits_between

GONE = NeededLevel("MAJOR", ("input `amount` is gone",))
OVER = Displaced(3, parse_semver("2.1.0"))


def model(numbers: Mapping[int, str | None], fields: Fields | None = None) -> Declaration:
    versions = {v: DeclaredVersion(semver=text) for v, text in numbers.items()}
    return Declaration("m", fields or {}, versions, file="m.yaml")


def staged(**stages: int) -> Fields:
    return {Field("stage", version): stage for stage, version in stages.items()}


@pytest.mark.parametrize(
    ("needed", "number"),
    [
        (GONE, "3.0.0"),
        (NeededLevel("MINOR", ("output `x` is new",)), "2.2.0"),
        (NeededLevel("PATCH", ("the signatures are the same",)), "2.1.1"),
    ],
)
def test_the_least_number_that_is_enough_is_proposed_with_its_reason(
    needed: NeededLevel, number: str
) -> None:
    choice = next_number(model({3: "2.1.0", 4: None}), 4, OVER, needed)
    assert str(choice.number) == number
    assert choice.why == f"{needed.why}: {needed.level}, {number} (v3 has 2.1.0)"


def test_a_number_that_another_version_has_is_passed_over() -> None:
    before = model({2: "3.0.0", 3: "2.1.0", 4: None})
    assert str(next_number(before, 4, OVER, GONE).number) == "4.0.0"


@pytest.mark.parametrize(
    ("others", "number"), [({}, "1.0.0"), ({1: "0.9.0"}, "1.0.0"), ({1: "1.4.0"}, "2.0.0")]
)
def test_the_first_number_is_above_all_others(others: Mapping[int, str], number: str) -> None:
    before = model({**others, 4: None})
    assert first_number(before, 4, None).why == f"it displaces no version: {number}"
    assert first_number(before, 4, 3).why == f"v3 has no semantic version: {number}"


def test_what_serves_is_displaced_and_else_who_is_in_the_stage() -> None:
    numbers = {2: "2.2.0", 3: "2.1.0", 4: None}
    both = model(numbers, staged(Production=3, Staging=2))
    assert displaced(both, 4, None, Settings()) == OVER
    assert displaced(both, 4, "Staging", Settings()) == OVER
    alone = model(numbers, staged(Staging=2))
    assert displaced(alone, 4, "Staging", Settings()) == Displaced(2, parse_semver("2.2.0"))
    assert displaced(alone, 4, None, Settings()) is None
    assert displaced(both, 3, None, Settings()) is None
    unnumbered = model({3: None}, staged(Production=3))
    assert displaced(unnumbered, 4, None, Settings()) == 3
    by_alias = model(numbers, {Field("alias", None, "live"): 3})
    settings = Settings(serving=ServingRules(Serving(None, "live")))
    assert displaced(by_alias, 4, None, settings) == OVER


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        ("2.1", "`--semver 2.1`: a semantic version is MAJOR.MINOR.PATCH"),
        ("", "`--semver `: a semantic version is MAJOR.MINOR.PATCH"),
        ("2.1.0", r"2\.1\.0 is the semantic version of `m` v3"),
    ],
)
def test_a_number_that_cannot_be_is_refused(wanted: str, refusal: str) -> None:
    with pytest.raises(UsageError, match=refusal):
        check_semver(model({3: "2.1.0", 4: None}), 4, wanted)


def test_a_number_is_never_replaced() -> None:
    before = model({4: "2.1.0"})
    for same in ("2.1.0", "auto"):
        check_semver(before, 4, same)
    with pytest.raises(Refused, match=r"`m` v4 has the semantic version 2\.1\.0"):
        check_semver(before, 4, "2.1.1")


def test_a_newer_version_gets_a_higher_number_and_an_older_one_may_have_a_lower() -> None:
    before = model({3: "2.1.0", 4: None, 2: None})
    check_higher(before, 4, "2.1.1", OVER)
    check_higher(before, 2, "1.0.0", OVER)
    with pytest.raises(UsageError) as caught:
        check_higher(before, 4, "2.1.0", OVER)
    assert str(caught.value) == "2.1.0 is not higher than 2.1.0 of v3, which v4 displaces"
    assert caught.value.hint == (
        "write 2.1.1, or more where its signature differs; `--semver auto` proposes it"
    )


def test_a_number_is_one_line_of_the_file() -> None:
    before = model({4: None})
    after = numbered(before, 4, "2.1.0", Settings())
    assert after.fields == {Field("tag", 4, "semver"): "2.1.0"}
    (edit,) = edits_between(before, after)
    assert (edit.path, edit.value) == (("versions", "4", "semver"), "2.1.0")
