"""The folder of a page: only our own files are replaced and removed, and links lead nowhere."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from reconciler.api.publishing.page_folder import GENERATOR, check_folder, write_page
from reconciler.errors import Refused, UsageError
from reconciler.render.review.review_files import ReviewHead
from reconciler.render.review.review_page import review_page

_OURS = b"<!doctype html>\n" + GENERATOR + b'">\n'
_PAGE = {"index.html": _OURS, "about.html": _OURS, "models/m.html": _OURS + b"m"}


def files(folder: Path) -> Mapping[str, bytes]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "deep" / "public"
    check_folder(folder, "public", {"state": tmp_path / "state"})
    write_page(folder, "public", _PAGE)
    yield folder
    folder.chmod(0o755)


def test_a_page_before_is_replaced_and_what_it_had_more_is_removed(out: Path) -> None:
    assert files(out) == _PAGE
    before = (out / "about.html").stat()
    fewer = {"index.html": _OURS + b"new", "about.html": _OURS}
    check_folder(out, "public", {})
    write_page(out, "public", fewer)
    assert files(out) == fewer
    assert not (out / "models").exists()
    assert (out / "about.html").stat().st_ino == before.st_ino, "what is the same stays"


def test_what_somebody_put_beside_it_stays(out: Path) -> None:
    for name in ("CNAME", "models/notes.html", "models/m.css", ".nojekyll"):
        (out / name).write_bytes(b"mine")
    write_page(out, "public", {"index.html": _OURS})
    assert {*files(out)} == {
        "CNAME",
        "index.html",
        "models/notes.html",
        "models/m.css",
        ".nojekyll",
    }


def test_a_page_or_a_review_that_was_made_below_it_stays(out: Path) -> None:
    write_page(out / "teams" / "risk", "public/teams/risk", _PAGE)
    (out / "q3").mkdir()
    review = review_page(
        ReviewHead("s", "main", None, None, None, None, None, "mlflow-reconciler"), []
    )
    (out / "q3" / "index.html").write_bytes(review)
    write_page(out, "public", {"index.html": _OURS})
    below = {f"teams/risk/{name}": content for name, content in _PAGE.items()}
    assert files(out) == {"index.html": _OURS, "q3/index.html": review} | below
    with pytest.raises(Refused, match=r"`q3` holds something else than a page: index\.html"):
        check_folder(out / "q3", "q3", {})


def test_the_environments_of_a_page_before_go_with_it(out: Path) -> None:
    several = {"index.html": _OURS, "environments/prod/about.html": _OURS, "about.html": _OURS}
    write_page(out, "public", several)
    write_page(out, "public", {"index.html": _OURS})
    assert [*files(out)] == ["index.html"]


@pytest.mark.parametrize("content", [b"<h1>My homepage</h1>", b""])
def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "index.html").write_bytes(content)
    with pytest.raises(Refused, match=r"`out` holds something else than a page: index\.html"):
        check_folder(tmp_path, "out", {})
    (tmp_path / "index.html").unlink()
    (tmp_path / ".git").mkdir()
    check_folder(tmp_path, "out", {})


def test_a_state_folder_and_a_file_are_no_place_for_a_page(tmp_path: Path) -> None:
    state = tmp_path / "registry-state"
    state.mkdir()
    for folder in (state, state / "public", state / "team" / ".." / "x"):
        with pytest.raises(UsageError, match="is in the state folder `registry-state`"):
            check_folder(folder, "x", {"registry-state": state})
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="`file` cannot be read: Not a directory"):
        check_folder(tmp_path / "file", "file", {})


def test_nothing_is_written_through_a_link(out: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "m.html").write_bytes(_OURS)
    (tmp_path / "link").symlink_to(out)
    with pytest.raises(UsageError, match="`link` is a symbolic link"):
        check_folder(tmp_path / "link", "link", {})
    (out / "models" / "m.html").unlink()
    (out / "models").rmdir()
    (out / "models").symlink_to(elsewhere)
    with pytest.raises(Refused, match="`public/models` is a symbolic link"):
        write_page(out, "public", _PAGE)
    write_page(out, "public", {"index.html": _OURS})
    assert files(elsewhere) == {"m.html": _OURS}, "it is no file of the page before"
    (out / "models").unlink()
    (out / "about.html").unlink(missing_ok=True)
    (out / "about.html").symlink_to(elsewhere / "m.html")
    with pytest.raises(Refused, match=r"`public/about\.html` is a symbolic link"):
        write_page(out, "public", _PAGE)


def test_a_file_of_somebody_else_is_not_overwritten(out: Path) -> None:
    (out / "models" / "m.html").write_bytes(b"mine")
    with pytest.raises(Refused, match=r"`public/models/m\.html` is not a file of the page"):
        write_page(out, "public", {**_PAGE, "index.html": _OURS + b"new"})
    assert files(out)["index.html"] == _OURS, "nothing was written"


def test_a_place_where_nothing_can_be_written_is_told(out: Path) -> None:
    name = "models/m.html/new.html"
    with pytest.raises(UsageError, match=rf"`public/{name}` cannot be written: Not a directory"):
        write_page(out, "public", {**_PAGE, name: _OURS})


def test_a_full_disk_is_told_and_leaves_what_was_there(out: Path) -> None:
    resource = pytest.importorskip("resource")
    before = files(out)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limit[1]))
    try:
        with pytest.raises(UsageError, match=r"`public/z\.html` cannot be written: File too large"):
            write_page(out, "public", {"a.html": _OURS, "z.html": _OURS * 1_000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert files(out) == before


def test_a_name_that_the_system_does_not_take_is_told(out: Path) -> None:
    with pytest.raises(UsageError, match=r"x\.html` cannot be written: File name too long"):
        write_page(out, "public", {"index.html": _OURS, f"models/{'x' * 300}.html": _OURS})
