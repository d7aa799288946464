"""Columns for a terminal: they stand below each other, whatever script a name is in."""

import pytest

from reconciler.render.table import TableColumn, cut, fitted, folded, padded, table, width


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


_HEADER = (
    TableColumn("MODEL", 12, main=True, whole_ends=True),
    "VERSION",
    TableColumn("ALIASES", 10),
    TableColumn("COMMIT", 8, leaves=1),
    TableColumn("SIGNATURE", leaves=2),
)
_ROWS = [
    ("churn-of-customers-in-the-eu-v2", "v12", "@champion @blue @green", "0123456789ab", "none"),
    ("モデル-不正検知-本番環境用", "v1", "-", "-", "none"),
    ("cafe\u0301-\u001b[31m", "v3", "@a", "abc", "verified"),
]


@pytest.mark.parametrize("columns", range(30, 120))
def test_with_a_width_no_line_is_wider_and_each_row_has_one(columns: int) -> None:
    lines = table(_HEADER, _ROWS, columns)
    assert max(map(width, lines)) <= columns
    assert len(lines) in (4, 5), "the rows, and a line about what was left out"
    assert [("v12" in lines[1]), ("v1 " in f"{lines[2]} "), ("v3" in lines[3])] == [True] * 3


def test_a_table_that_fits_is_left_as_it_is() -> None:
    whole = table(_HEADER, _ROWS)
    assert table(_HEADER, _ROWS, max(map(width, whole))) == whole
    assert "…" not in "".join(whole)


def test_what_matters_most_is_cut_last() -> None:
    whole = max(map(width, table(_HEADER, _ROWS)))
    header, first, *_ = table(_HEADER, _ROWS, whole - 4)
    assert [part.strip() for part in first.split("  ") if part] == [
        *("churn-of-customers-in-the-eu-v2", "v12", "@champion @blue @…", "0123456789ab", "none"),
    ]
    header, first, *_, left = table(_HEADER, _ROWS, 60)
    assert header.split() == ["MODEL", "VERSION", "ALIASES", "COMMIT", "SIGNATURE"]
    assert first.split() == ["churn-of-…he-eu-v2", "v12", "@champion…", "0123456…", "none"]
    header, first, *_, left = table(_HEADER, _ROWS, 44)
    assert header.split() == ["MODEL", "VERSION", "ALIASES", "COMMIT"]
    assert first.split() == ["churn-…-eu-v2", "v12", "@champion…", "0123456…"]
    assert left == "not shown here: SIGNATURE"


@pytest.mark.parametrize(
    ("text", "columns", "ends", "middle"),
    [
        ("abcdef", 6, "abcdef", "abcdef"),
        ("abcdef", 4, "abc…", "ab…f"),
        ("モデルモデル", 6, "モデ…", "モ…ル"),
        ("e\u0301e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301…", "e\u0301…e\u0301"),
        ("abc", 0, "", ""),
    ],
)
def test_a_text_is_cut_to_what_a_terminal_shows(
    text: str, columns: int, ends: str, middle: str
) -> None:
    assert cut(text, columns) == ends
    assert cut(text, columns, whole_ends=True) == middle


def test_a_sentence_goes_on_below_and_what_is_to_be_copied_stays_whole() -> None:
    assert folded("one two three", None) == folded("one two three", 13) == ["one two three"]
    assert folded("one two three", 9, "  ") == ["one two", "  three"]
    assert folded("モデル モデル", 8) == ["モデル", "モデル"]
    command = "`reconciler apply --accept removals`"
    assert folded(f"say {command} once", 20) == ["say", command, "once"]
    assert folded("see https://example.com/a/long/address", 10)[1].endswith("/address")


def test_lines_go_on_with_an_indent_of_their_own() -> None:
    lines = ["title", "  ! a message that is long", "    `not closed"]
    assert fitted(lines, None) == lines
    assert fitted(lines, 16) == [
        *("title", "  ! a message", "      that is", "      long", "    `not closed")
    ]
