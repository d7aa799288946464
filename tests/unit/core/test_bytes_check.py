"""How the files that differ are told: with sizes that can be told apart."""

import pytest

from reconciler.core.artifacts.bytes_check import contrasts
from reconciler.core.artifacts.model_files import FileDifference


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (3_400_000, 5_000, ("3.4 MB", "5.0 KB")),
        (3_400_000, 3_400_000, ("3.4 MB", "3.4 MB, other content")),
        (3_400_000, 3_400_001, ("3,400,000 bytes", "3,400,001 bytes")),
        (1, None, ("1 byte", "of unknown size")),
    ],
)
def test_a_changed_file_is_told_with_sizes_that_differ(
    before: int, after: int | None, told: tuple[str, str]
) -> None:
    (row,) = contrasts([FileDifference("weights.bin", "changed", before, after)])
    assert (row.value, row.approved, row.now) == ("weights.bin", *told)


def test_a_file_that_came_or_went_has_one_size() -> None:
    added = FileDifference("new.py", "added", None, 12)
    missing = FileDifference("old.py", "missing", 12, None)
    rows = [(row.approved, row.now) for row in contrasts([added, missing])]
    assert rows == [("no such file", "12 bytes"), ("12 bytes", "missing")]
