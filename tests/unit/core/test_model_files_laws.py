"""Laws of a version's digest, held by generation."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.artifacts.model_files import (
    LEFT_OUT,
    HashedFile,
    ListedFile,
    ModelFiles,
    file_differences,
    listing,
    model_files,
)
from tests import ROOT

_NAMES = st.text("ab.-_é\N{COMBINING ACUTE ACCENT}\N{GRINNING FACE}Z0 ", min_size=1, max_size=4)
_PARTS = _NAMES.filter(lambda name: name not in {".", ".."})
_PATHS = st.lists(_PARTS, min_size=1, max_size=3).map("/".join)
_FILES = st.dictionaries(_PATHS, st.binary(max_size=20), min_size=1, max_size=6)


def _hashed(files: dict[str, bytes]) -> list[HashedFile]:
    return [
        HashedFile(path, len(content), hashlib.sha256(content).hexdigest())
        for path, content in files.items()
    ]


def _model(files: dict[str, bytes]) -> ModelFiles:
    return model_files(_hashed(files))


@given(_FILES, st.randoms(use_true_random=False))
def test_the_order_in_which_files_are_listed_changes_nothing(
    files: dict[str, bytes], random: Random
) -> None:
    shuffled = _hashed(files)
    random.shuffle(shuffled)

    assert model_files(shuffled) == _model(files)
    listed = [ListedFile(path, None) for path in files]
    random.shuffle(listed)
    assert [file.path for file in listing(listed)] == [file.path for file in _model(files).files]


@given(_FILES, st.data())
def test_any_single_bit_changes_the_digest_and_is_named(
    files: dict[str, bytes], data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(sorted(files)))
    content = bytearray(files[path] or b"\0")
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    content[bit // 8] ^= 1 << bit % 8
    before, after = _model(files), _model({**files, path: bytes(content)})

    assert before.digest != after.digest
    assert [(one.path, one.kind) for one in file_differences(before, after)] == [(path, "changed")]
    assert file_differences(before, before) == ()


@given(_FILES, _PATHS, st.binary(max_size=5))
def test_a_file_more_or_less_changes_the_digest_and_is_named(
    files: dict[str, bytes], path: str, content: bytes
) -> None:
    fewer = {name: found for name, found in files.items() if name != path}
    more = {**fewer, path: content}

    assert _model(fewer).digest != _model(more).digest
    added, missing = (
        file_differences(*pair)
        for pair in ((_model(fewer), _model(more)), (_model(more), _model(fewer)))
    )
    assert [(one.path, one.kind, one.after) for one in added] == [(path, "added", len(content))]
    assert [(one.path, one.kind, one.before) for one in missing] == [
        (path, "missing", len(content))
    ]


@given(_FILES, st.sampled_from(sorted(LEFT_OUT)), _PATHS, st.binary(max_size=5))
def test_what_is_left_out_counts_below_the_top_only(
    files: dict[str, bytes], name: str, folder: str, content: bytes
) -> None:
    below = f"{folder}/{name}"

    assert _model({**files, name: content}) == _model(files)
    assert _model({**files, f"{name}/{folder}": content}) == _model(files)
    assert _model({**files, below: content}).digest != _model(files).digest
    assert _model({**files, f"{name}x": content}).digest != _model(files).digest


@given(_FILES)
def test_a_listing_sees_a_size_and_not_what_keeps_it(files: dict[str, bytes]) -> None:
    approved = _model(files)

    def listed() -> Iterator[ListedFile]:
        return (ListedFile(file.path, file.size) for file in approved.files)

    assert file_differences(approved, list(listed())) == ()
    longer = [file._replace(size=(file.size or 0) + 1) for file in listed()]
    assert {one.kind for one in file_differences(approved, longer)} == {"changed"}


def test_names_are_ordered_folder_by_folder_and_letter_by_letter() -> None:
    """A slash sorts before every letter: by text alone, `a.b` and `a-b` would come first."""
    names = ["a/b", "a/b/c", "a-b", "a.b", "ab", "b", "\xe9", "\N{GRINNING FACE}"]

    assert [file.path for file in listing(ListedFile(name, None) for name in names[::-1])] == names


def test_the_check_at_load_that_the_page_shows_has_the_same_digest(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "approved-bytes.md").read_text(encoding="utf-8")
    shown: dict[str, Any] = {}
    (block,) = [text for text in page.split("```") if text.startswith("python\nfrom hashlib")]
    exec(block.removeprefix("python"), shown)  # noqa: S102  what a reader of the page runs

    names = ("MLmodel", "a/b", "a-b", "a.b", "a/é/c", "Z", "sub/model.sig", *LEFT_OUT)
    files = {name: name.encode() for name in names}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert shown["digest"](tmp_path) == _model(files).digest
    assert _model(files) == _model({name: files[name] for name in names if name not in LEFT_OUT})
