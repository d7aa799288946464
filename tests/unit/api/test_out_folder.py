"""Where a page or a review may be written: the rules that both have."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

from reconciler.api.publishing import page_folder, review_folder
from reconciler.errors import Refused, UsageError

_Check: TypeAlias = Callable[[Path, str, Mapping[str, Path]], Path]
_BOTH = pytest.mark.parametrize("check", [page_folder.check_folder, review_folder.check_folder])


@_BOTH
@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "circle/out"])
def test_a_name_that_no_folder_can_have_is_the_users_mistake(
    check: _Check, name: str, tmp_path: Path
) -> None:
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(UsageError, match="cannot be"):
        check(tmp_path / name, "out", {})


@_BOTH
@pytest.mark.parametrize("name", [".git", ".git/out", "sub/../.git/out"])
def test_nothing_is_written_into_gits_own_folder(check: _Check, name: str, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    with pytest.raises(UsageError, match="is in git's own folder"):
        check(tmp_path / name, "out", {})


@_BOTH
def test_nothing_is_written_into_a_state_folder(check: _Check, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`out` is in the state folder `s`"):
        check(tmp_path / "s" / "team" / "out", "out", {"s": tmp_path / "s"})


@_BOTH
def test_the_way_to_a_folder_may_lead_up_again(check: _Check, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert check(tmp_path / "missing" / ".." / "out", "out", {}) == tmp_path / "out"
    assert check(tmp_path / "link" / "out", "out", {}) == tmp_path / "real" / "out"
    with pytest.raises(UsageError, match="is a symbolic link"):
        check(tmp_path / "link", "link", {})


def test_a_link_in_a_review_before_is_somebody_elses(tmp_path: Path) -> None:
    review_folder.write_review(tmp_path / "out", "out", {"SHA256SUMS": b"", "drift.csv": b""})
    (tmp_path / "out" / "drift.csv").unlink()
    (tmp_path / "out" / "drift.csv").symlink_to(tmp_path / "victim")
    with pytest.raises(Refused, match=r"holds something else than a review: drift\.csv"):
        review_folder.check_folder(tmp_path / "out", "out", {})
