"""Columns for a terminal: they stand below each other, whatever script a name is in."""

from reconciler.render.table import padded, table, width


def test_an_ideograph_takes_two_columns_and_an_accent_of_its_own_none() -> None:
    assert [width(text) for text in ("abc", "モデル", "é", "e\u0301", "")] == [3, 6, 1, 1, 0]
    assert width("ชื่อ") == 2, "Thai vowels stand above the letters, and count as no accents"
    assert padded("モデル", 8) == "モデル  "


def test_what_follows_a_wide_name_stands_where_it_does_after_a_narrow_one() -> None:
    lines = table(("MODEL", "VERSION"), [("モデル", "v1"), ("churn", "v2")])
    assert lines == ["MODEL   VERSION", "モデル  v1", "churn   v2"]
    starts = {width(line.partition("v")[0]) for line in lines[1:]}
    assert starts == {width("MODEL   ")}


def test_text_that_is_wider_than_its_column_is_left_as_it_is() -> None:
    assert padded("モデル", 2) == "モデル"
