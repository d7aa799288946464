"""Names that differ only in case, where the database takes them for one and where it does not."""

import pytest

from reconciler.core.state import Field, Live
from reconciler.errors import Rejected
from reconciler.registries.case_insensitive import Spellings

_LOWER, _UPPER = Field("alias", None, "champion"), Field("alias", None, "CHAMPION")


def _spellings(*, caseless: bool, fields: dict[Field, int | str]) -> Spellings:
    spellings = Spellings(lambda _: caseless)
    spellings.saw({"m": Live("m", fields, {})})
    return spellings


def test_a_value_under_another_spelling_is_not_overwritten() -> None:
    spellings = _spellings(caseless=True, fields={_LOWER: 1})

    with pytest.raises(Rejected, match="@CHAMPION would overwrite @champion, which is `1`"):
        spellings.check_set("m", _UPPER, 2)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (_LOWER, 2),
        (_UPPER, 1),
        (Field("alias", None, "challenger"), 2),
        (Field("tag", None, "Champion"), "x"),
    ],
    ids=["its own", "the same value", "another name", "another kind"],
)
def test_what_overwrites_nothing_may_be_set(field: Field, value: int | str) -> None:
    _spellings(caseless=True, fields={_LOWER: 1}).check_set("m", field, value)


def test_what_this_run_set_is_not_overwritten_either() -> None:
    spellings = _spellings(caseless=True, fields={})
    spellings.wrote("m", _LOWER, 1)

    with pytest.raises(Rejected):
        spellings.check_set("m", _UPPER, 2)


def test_the_tags_of_two_versions_are_not_alike() -> None:
    spellings = _spellings(caseless=True, fields={Field("tag", 1, "risk"): "low"})

    spellings.check_set("m", Field("tag", 2, "Risk"), "high")
    with pytest.raises(Rejected):
        spellings.check_set("m", Field("tag", 1, "Risk"), "high")


def test_what_was_set_under_another_spelling_is_gone_already() -> None:
    spellings = _spellings(caseless=True, fields={_LOWER: 1})
    assert not spellings.is_renamed("m", _LOWER)

    spellings.wrote("m", _UPPER, 1)

    assert spellings.is_renamed("m", _LOWER)
    assert not spellings.is_renamed("m", _UPPER)


def test_where_case_counts_both_are_set_and_removed() -> None:
    spellings = _spellings(caseless=False, fields={_LOWER: 1})

    spellings.check_set("m", _UPPER, 2)
    spellings.wrote("m", _UPPER, 2)

    assert not spellings.is_renamed("m", _LOWER)


def test_the_database_is_asked_once_and_only_where_two_are_alike() -> None:
    asked: list[str] = []

    def is_caseless(model: str) -> bool:
        asked.append(model)
        return False

    spellings = Spellings(is_caseless)
    spellings.saw({"m": Live("m", {_LOWER: 1}, {})})

    spellings.check_set("m", Field("alias", None, "fast"), 2)
    assert asked == []
    for _ in range(3):
        spellings.check_set("m", _UPPER, 2)
    assert asked == ["m"]
