"""Which files a scan reads: real folders, links and broken files."""

import os
from pathlib import Path

import pytest

from reconciler.api.usage.scanning import scan_sources
from reconciler.errors import UsageError

_LOADS = "x = 'models:/m/Production'\n"


def _write(root: Path, *names: str, text: str | bytes = _LOADS) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def _files(root: Path, *paths: str) -> list[str]:
    return [load.file for load in scan_sources(paths or (".",), root).loads]


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    _write(tmp_path, "b/z.py", "b/a.py", "a.py", "c.yaml", "Dockerfile", ".env", "README.md")
    _write(tmp_path, "run", text="#!/bin/sh\nserve models:/m/1\n")
    _write(tmp_path, "LICENSE", text="models:/m/1\n")
    assert _files(tmp_path) == [
        *(".env", "Dockerfile", "a.py", "b/a.py", "b/z.py", "c.yaml", "run"),
    ]
    assert _files(tmp_path, "c.yaml", "b", "b/a.py") == ["b/a.py", "b/z.py", "c.yaml"]


def test_what_other_people_wrote_is_left_out_unless_it_is_named(tmp_path: Path) -> None:
    _write(tmp_path, ".git/hook.py", "node_modules/x/a.js", "env/lib/a.py", "a.py")
    _write(tmp_path, "env/pyvenv.cfg", text="home = /usr\n")
    assert _files(tmp_path) == ["a.py"]
    assert _files(tmp_path, ".git") == [".git/hook.py"]
    assert _files(tmp_path, "env") == ["env/lib/a.py"]


def test_a_named_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    _write(tmp_path, "notes.md", text="# models:/m/2\nmodels:/m/1\n")
    assert [load.loads for load in scan_sources(["notes.md"], tmp_path).loads] == ["1"]


def test_a_loop_of_links_ends_and_a_file_is_read_once(tmp_path: Path) -> None:
    _write(tmp_path, "a/x.py")
    (tmp_path / "a/loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a/again.py").symlink_to("x.py")
    (tmp_path / "self.py").symlink_to("self.py")
    (tmp_path / "gone.py").symlink_to("nowhere.py")
    scan = scan_sources(["."], tmp_path)
    assert [load.file for load in scan.loads] == ["a/again.py"]
    assert [warning.partition(":")[0] for warning in scan.warnings] == [
        "not scanned, no such file or directory",
        "not scanned, too many levels of symbolic links",
    ]


def test_a_file_outside_of_the_root_has_its_whole_path(tmp_path: Path) -> None:
    _write(tmp_path, "other/x.py", "root/y.py")
    assert _files(tmp_path / "root", "../other", ".") == [
        (tmp_path / "other/x.py").as_posix(),
        "y.py",
    ]


def test_what_is_not_read_is_said_once_with_its_reason(tmp_path: Path) -> None:
    _write(tmp_path, *(f"large{n}.py" for n in range(7)), text=b"#" * 5_000_001)
    _write(tmp_path, "binary.yaml", text=b"models:/m/1\0")
    _write(tmp_path, "fine.py")
    os.mkfifo(tmp_path / "pipe.py")
    scan = scan_sources([".", "pipe.py"], tmp_path)
    assert scan.files == 1
    assert scan.warnings == (
        "not scanned, larger than 5 MB: "
        + ", ".join(f"`large{n}.py`" for n in range(5))
        + " and 2 more",
        "not scanned, not a file: `pipe.py`",
        "not scanned, not text: `binary.yaml`",
    )


def test_a_path_that_does_not_exist_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot scan `nowhere`: No such file or directory"):
        scan_sources(["nowhere"], tmp_path)
    with pytest.raises(UsageError, match="an empty path"):  # as `--scan "$UNSET"` gives it
        scan_sources([""], tmp_path)
