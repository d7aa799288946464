"""How the files that differ are told: with sizes that can be told apart."""

import pytest

from reconciler.core.artifacts.bytes_check import ApprovedFiles, checked, contrasts
from reconciler.core.artifacts.model_files import (
    FileDifference,
    HashedFile,
    ListedFile,
    ModelFiles,
    model_files,
)


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


def _files(*names: str) -> ModelFiles:
    return model_files(HashedFile(name, size, f"{size}" * 64) for size, name in enumerate(names, 1))


def test_names_are_compared_with_those_of_the_version_itself_alone() -> None:
    approved, renamed = _files("a", "b"), _files("a", "c")
    pin = approved.digest
    assert renamed.digest == pin
    own = ApprovedFiles({("m", 1, pin): approved}, {pin: approved})
    assert checked("m", 1, pin, renamed, own).outcome == "different"
    assert checked("m", 2, pin, renamed, own).outcome == "same", "version 2 may have had it always"
    sizes = [ListedFile(file.path, file.size) for file in renamed.files]
    assert [row.path for row in own.listed_differences("m", 1, pin, sizes)] == ["b", "c"]
    assert own.listed_differences("m", 2, pin, sizes) == ()
    assert own.listed_differences("m", 2, pin, sizes[:1]) != ()


def test_a_list_under_a_digest_that_it_does_not_have_tells_nothing() -> None:
    listed, found = _files("a", "b"), _files("b")
    lying = ApprovedFiles({("m", 1, found.digest): listed}, {found.digest: listed})
    assert checked("m", 1, found.digest, found, lying).outcome == "same"


def test_a_size_that_the_store_does_not_tell_is_no_other_size() -> None:
    approved = _files("a", "b")
    known = ApprovedFiles(of_digests={approved.digest: approved})
    untold = [ListedFile("a", None), ListedFile("c", 2)]
    assert known.listed_differences("m", 1, approved.digest, untold) == ()
