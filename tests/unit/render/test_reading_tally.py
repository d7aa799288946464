"""How far the reading of versions is, in a line of a terminal and in sentences of a log."""

import pytest

from reconciler.cli.progress.reading_tally import Marks, ReadingTally
from reconciler.core.artifacts.sizes import part_of
from reconciler.ports.artifacts import BytesProgress
from reconciler.render.table import width

_GB = 1_000_000_000


def _state(
    done: int, total: int | None, model: str = "fraud", version: int = 4, files: int | None = 3
) -> BytesProgress:
    return BytesProgress(model, version, done, total, files=files)


def _over(state: BytesProgress, *, is_read: bool = True) -> BytesProgress:
    return state._replace(is_over=True, is_read=is_read)


def _tally(*states: BytesProgress) -> ReadingTally:
    tally = ReadingTally()
    tally.begin(0.0)
    for state in states:
        assert tally.count(state, 0.0) is None
    return tally


def test_a_line_has_a_bar_what_is_done_how_fast_and_what_is_left() -> None:
    tally = _tally(_state(0, 2 * _GB))
    tally.count(_state(_GB // 2, 2 * _GB), 5.0)
    assert tally.line(5.0, 80) == (
        "reading fraud v4  ████░░░░░░░░░░░░░░░      0.5 of 2.0 GB  100.0 MB/s  15 s left"
    )
    assert tally.sentence(10.0) == "reading fraud v4: 0.5 of 2.0 GB, 50.0 MB/s, 30 s left"


def test_several_versions_are_added_up_and_those_that_are_over_stay_in_the_sum() -> None:
    tally = _tally(_state(0, _GB), _state(0, 3 * _GB, version=5))
    tally.count(_over(_state(_GB, _GB)), 1.0)
    tally.count(_state(0, 4 * _GB, "churn", 1), 1.0)
    tally.count(_state(_GB, 3 * _GB, version=5), 1.0)
    line = tally.line(1.0, 80)
    assert line.startswith("reading fraud v5 and 1 more  ██")
    assert "2.0 of 8.0 GB" in line
    tally.begin(2.0)
    assert "1.0 of 7.0 GB" in tally.line(2.0, 80)


def test_a_version_that_was_read_in_full_is_told_and_one_that_was_not_is_left_to_its_error() -> (
    None
):
    tally = _tally(_state(0, 100), _state(0, 0, "empty", files=1), _state(0, 100, "gone"))
    assert (
        tally.count(_over(_state(100, 100)), 1.25) == "read fraud v4: 3 files, 100 bytes in 1.2 s"
    )
    told = tally.count(_over(_state(0, 0, "empty", files=1)), 0.0)
    assert told == "read empty v4: 1 file, 0 bytes in 0.0 s"
    assert not tally.is_idle
    assert tally.count(_over(_state(7, 100, "gone"), is_read=False), 2.0) is None
    assert tally.is_idle


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 200])
@pytest.mark.parametrize("model", ["m", "team." + "long-" * 30 + "end", "模型" * 20, "\x1b[31m\n"])
def test_no_line_is_wider_than_the_terminal_or_shows_what_would_move_it(
    columns: int, model: str
) -> None:
    tally = _tally(_state(0, 999_900_000, model), _state(0, 999_900_000, model, 5))
    tally.count(_state(998_000_000, 999_900_000, model), 9.0)
    line = tally.line(9.0, columns)
    assert width(line) < columns
    assert line.isprintable()
    if columns >= 80:
        assert " of 2.0 GB" in line
        assert line.endswith(" s left")


def test_a_store_that_tells_no_sizes_has_no_bar_and_a_listing_is_told_as_such() -> None:
    tally = _tally(_state(0, None, files=None))
    assert tally.line(1.0, 80).split() == ["listing", "fraud", "v4", "0", "bytes"]
    tally.count(_state(3_000_000, None), 2.0)
    assert tally.line(2.0, 80).split() == ["reading", "fraud", "v4", "3.0", "MB", "1.5", "MB/s"]


def test_a_model_without_a_byte_has_a_full_bar_and_more_than_was_listed_does_not_break_it() -> None:
    tally = ReadingTally(Marks("#", "."))
    tally.begin(0.0)
    tally.count(_state(0, 0), 0.0)
    assert "  ###################  " in tally.line(1.0, 80)
    tally.count(_state(500, 100), 1.0)
    assert "." not in tally.line(4.0, 80)


@pytest.mark.parametrize(
    ("done", "size", "shown"),
    [
        (0, 0, "0 of 0 bytes"),
        (1, 1, "1 of 1 byte"),
        (999, 1_000, "1.0 of 1.0 KB"),
        (1_200_000_000, 2 * _GB, "1.2 of 2.0 GB"),
        (5, 3 * _GB, "0.0 of 3.0 GB"),
    ],
)
def test_a_part_has_the_unit_of_the_whole(done: int, size: int, shown: str) -> None:
    assert part_of(done, size) == shown
