"""Which difference of two signatures needs which level of a semantic version."""

import pytest

from reconciler.core.declaring.semantic_versions import SemanticVersion, SemverLevel, parse_semver
from reconciler.core.declaring.semver_level import needed_level
from reconciler.core.facts import Column, Signature
from reconciler.core.parse_error import ParseError

AMOUNT = Column("amount", "double")
COUNTRY = Column("country", "string")
OPTIONAL = Column("country", "string", required=False)
SCORE = Column("score", "double")
TENSOR = Column(None, "tensor(float32, [-1, 3])")


def takes(*columns: Column) -> Signature:
    return Signature(inputs=columns, outputs=(SCORE,))


def gives(*columns: Column) -> Signature:
    return Signature(inputs=(AMOUNT,), outputs=columns)


def has(*params: Column) -> Signature:
    return Signature(inputs=(AMOUNT,), params=params)


def one(kind: str, first: str | None = "x") -> Signature:
    return takes(Column(first, kind))


@pytest.mark.parametrize(
    ("before", "after", "level", "why"),
    [
        (takes(AMOUNT), takes(AMOUNT), "PATCH", "the signatures are the same"),
        (takes(AMOUNT, COUNTRY), takes(COUNTRY, AMOUNT), "PATCH", "the signatures are the same"),
        (takes(AMOUNT), takes(AMOUNT, OPTIONAL), "MINOR", "input `country` is new and optional"),
        (takes(AMOUNT), takes(AMOUNT, COUNTRY), "MAJOR", "input `country` is new and required"),
        (takes(AMOUNT, OPTIONAL), takes(AMOUNT), "MAJOR", "input `country` is gone"),
        (
            takes(AMOUNT),
            takes(Column("total", "double")),
            "MAJOR",
            "input `amount` is gone; input `total` is new and required",
        ),
        (takes(COUNTRY), takes(OPTIONAL), "MINOR", "input `country` was required and is optional"),
        (takes(OPTIONAL), takes(COUNTRY), "MAJOR", "input `country` was optional and is required"),
        (one("double"), one("string"), "MAJOR", "input `x` was double and is string"),
        (one("long"), one("integer"), "MAJOR", "input `x` was long and is integer"),
        (one("integer"), one("long"), "MINOR", "input `x` was integer and is long"),
        (
            takes(TENSOR),
            takes(Column(None, "tensor(float32, [-1, -1])")),
            "MINOR",
            "input 1 was tensor(float32, [-1, 3]) and is tensor(float32, [-1, -1])",
        ),
        (takes(AMOUNT), one("double", None), "MAJOR", "the inputs lost their names"),
        (one("double", None), takes(AMOUNT), "MAJOR", "the inputs have names"),
        (
            one("double", None),
            takes(Column(None, "double"), Column(None, "double", required=False)),
            "MAJOR",
            "input 2 is new and optional",
        ),
        (gives(SCORE), gives(SCORE, COUNTRY), "MINOR", "output `country` is new"),
        (gives(SCORE, COUNTRY), gives(SCORE), "MAJOR", "output `country` is gone"),
        (
            gives(SCORE),
            gives(Column("score", "string")),
            "MAJOR",
            "output `score` was double and is string",
        ),
        (
            gives(SCORE),
            gives(Column("score", "integer")),
            "MINOR",
            "output `score` was double and is integer",
        ),
        (gives(COUNTRY), gives(OPTIONAL), "MAJOR", "output `country` was required and is optional"),
        (gives(OPTIONAL), gives(COUNTRY), "MINOR", "output `country` was optional and is required"),
        (gives(TENSOR), gives(TENSOR, TENSOR), "MAJOR", "output 2 is new"),
        (has(), has(Column("limit", "long")), "MINOR", "param `limit` is new"),
        (has(Column("limit", "long")), has(), "MAJOR", "param `limit` is gone"),
        (
            has(Column("limit", "long")),
            has(Column("limit", "double")),
            "MINOR",
            "param `limit` was long and is double",
        ),
        (
            has(Column("limit", "double")),
            has(Column("limit", "long")),
            "MAJOR",
            "param `limit` was double and is long",
        ),
    ],
)
def test_what_may_break_callers_is_major_and_what_cannot_is_minor(
    before: Signature, after: Signature, level: SemverLevel, why: str
) -> None:
    needed = needed_level(after, before)
    assert (needed.level, needed.why) == (level, why)


def test_only_what_breaks_is_told_where_a_major_is_needed() -> None:
    before, after = takes(AMOUNT), takes(OPTIONAL)
    assert needed_level(after, before).reasons == ("input `amount` is gone",)


@pytest.mark.parametrize(
    ("own", "over", "level"),
    [
        ("2.0.0", "1.9.9", "MAJOR"),
        ("1.10.0", "1.9.9", "MINOR"),
        ("1.9.10", "1.9.9", "PATCH"),
        ("1.9.9", "1.9.9", None),
        ("1.9.9", "1.10.0", None),
    ],
)
def test_numbers_compare_as_numbers(own: str, over: str, level: SemverLevel | None) -> None:
    assert parse_semver(own).level_over(parse_semver(over)) == level


def test_each_level_has_a_next_number() -> None:
    number = SemanticVersion(2, 3, 4)
    levels: tuple[SemverLevel, ...] = ("MAJOR", "MINOR", "PATCH")
    assert [str(number.following(level)) for level in levels] == ["3.0.0", "2.4.0", "2.3.5"]
    assert number.alias == "major-2"


@pytest.mark.parametrize("text", ["1.0", "01.0.0", "1.0.0-rc1", "v1.0.0", "1.0.0 ", "", "1.0.0.0"])
def test_another_form_is_no_semantic_version(text: str) -> None:
    with pytest.raises(ParseError):
        parse_semver(text)
