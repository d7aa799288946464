"""Files are written whole or not at all: full disks, closed folders, links, modes, devices."""

import ast
import os
import shlex
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import reconciler
from reconciler.errors import UsageError
from reconciler.files.atomic_write import FileToWrite, write_files, written
from tests.support.registries.lab import Lab

_ROOM = 8  # KiB that a file may have where a disk is full
_LONG = "x" * 4_900
_NOBODY = 65_534


def _large(stage: str) -> str:
    notes = "\n".join(f"    note{number}: {_LONG}" for number in range(4))
    return f"tags:\n{notes}\nversions:\n  2: {{stage: Staging}}\n  1: {{stage: {stage}}}\n"


def _full(lab: Lab, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command that no file larger than a few KiB can be written by."""
    words = [sys.executable, "-m", "reconciler", *arguments]
    return subprocess.run(
        ["bash", "-c", f"ulimit -f {_ROOM}; exec {shlex.join(words)}"],
        cwd=lab.git.root,
        env={**os.environ, **lab.git.env, "MLFLOW_TRACKING_URI": lab.uri},
        capture_output=True,
        text=True,
        check=False,
    )


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


@contextmanager
def _small_disk(folder: Path, kib: int) -> Iterator[None]:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_promotion_on_a_full_disk_leaves_the_file_as_it_was(lab: Lab) -> None:
    model = lab.model(2)
    state = lab.git.root / "registry-state"
    state.mkdir()
    with _small_disk(state, 48):
        file = state / f"{model}.yaml"
        file.write_text(_large("Production"))
        (state / ".filler").write_bytes(b"-" * 12_000)
        before = _tree(state)
        result = lab.run("promote", model, "2")
        assert result.code == 1, result.text
        assert "No space left on device; nothing was changed" in result.stderr
        assert "free some disk space" in result.stderr
        assert _tree(state) == before

        (state / ".filler").unlink()
        assert lab.run("promote", model, "2").code == 0
        assert "2: {stage: Production, " in file.read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ("promote", "{model}", "2"),
        ("plan", "--out", "plan.json"),
        ("import", "--update"),
        ("discover",),
    ],
)
def test_what_cannot_be_written_whole_is_not_written(lab: Lab, arguments: tuple[str, ...]) -> None:
    model = lab.model(3)
    lab.hand.tag(model, None, "added", "by hand")
    lab.declare(model, _large("Production"))
    (lab.git.root / "plan.json").write_text("the plan of yesterday")
    before = _tree(lab.git.root)

    done = _full(lab, *(word.format(model=model) for word in arguments))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "cannot be written: File too large; nothing was changed" in done.stderr
    assert "Traceback" not in done.stderr
    assert _tree(lab.git.root) == before


def test_an_import_that_does_not_fit_writes_no_model_and_makes_no_folder(lab: Lab) -> None:
    models = [lab.model(1) for _ in range(3)]
    for key in ("a", "b"):
        lab.hand.tag(models[1], None, key, _LONG)
    before = _tree(lab.git.root)

    done = _full(lab, "import", *models)
    assert done.returncode == 1, done.stdout
    assert f"`registry-state/{models[1]}.yaml` cannot be written" in done.stderr
    assert _tree(lab.git.root) == before
    assert not (lab.git.root / "registry-state").exists()


def test_a_link_stays_a_link_and_a_mode_stays(tmp_path: Path) -> None:
    target, link = tmp_path / "there" / "target", tmp_path / "link"
    target.parent.mkdir()
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(Path("there") / "target")

    write_files([FileToWrite(link, "link", b"new")])
    assert link.readlink() == Path("there") / "target"
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["link", "target", "there"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
@pytest.mark.parametrize("is_new", [True, False])
def test_a_file_that_was_not_there_gets_the_mode_of_any_other(
    tmp_path: Path, umask: int, mode: int, *, is_new: bool
) -> None:
    before = os.umask(umask)
    try:
        write_files([FileToWrite(tmp_path / "file", "file", b"", is_new=is_new)])
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


def test_a_new_file_never_overwrites_another_nor_a_link_to_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"theirs")
    (tmp_path / "b").symlink_to("nowhere")
    files = [FileToWrite(tmp_path / name, name, b"ours", is_new=True) for name in "abc"]

    assert write_files(files) == (files[0], files[1])
    assert _tree(tmp_path) == {"a": b"theirs", "c": b"ours"}
    assert (tmp_path / "b").is_symlink()


def test_what_was_replaced_before_a_failure_is_named_and_new_files_are_gone(
    tmp_path: Path,
) -> None:
    (tmp_path / "b").write_bytes(b"old")
    files = [
        FileToWrite(tmp_path / "folder" / "a", "a", b"new", is_new=True),
        FileToWrite(tmp_path / "b", "b", b"new"),
        FileToWrite(Path("/dev/full"), "full", b"new"),
    ]
    with pytest.raises(UsageError, match=r"`full` cannot be written: No space .*; written .*: b$"):
        write_files(files)
    assert _tree(tmp_path) == {"b": b"new"}
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError])
def test_new_files_are_gone_when_what_they_are_for_fails(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    files = [FileToWrite(tmp_path / "deep" / "er" / "a", "a", b"", is_new=True)]
    with pytest.raises(failure), written(files):  # noqa: PT012  the body is what fails
        assert files[0].path.exists()
        raise failure
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_no_file_can_have_leaves_nothing_behind(tmp_path: Path) -> None:
    files = [
        FileToWrite(tmp_path / name, name[:1], b"", is_new=True) for name in ("a", "b" * 300, "c")
    ]
    with pytest.raises(UsageError, match="`b` cannot be written: File name too long; nothing"):
        write_files(files)
    assert list(tmp_path.iterdir()) == []


def test_a_device_a_pipe_and_a_folder_keep_their_names(tmp_path: Path) -> None:
    write_files([FileToWrite(Path(os.devnull), "null", b"gone")])
    assert Path(os.devnull).is_char_device()

    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb") as stream:
        write_files([FileToWrite(Path(f"/dev/fd/{theirs}"), "pipe", b"through")])
        os.close(theirs)
        assert stream.read() == b"through"

    with pytest.raises(UsageError, match="Is a directory; nothing was changed"):
        write_files([FileToWrite(tmp_path, "folder", b"")])


@pytest.fixture(name="common_folder")
def common_folder_fixture() -> Iterator[Path]:
    """Make a folder that another user can come to, and become one where root runs the tests."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        before = os.geteuid()
        (folder / "file").write_bytes(b"old")
        os.chown(folder, _NOBODY if before == 0 else -1, -1)
        os.chown(folder / "file", _NOBODY if before == 0 else -1, -1)
        if before == 0:
            os.seteuid(_NOBODY)
        try:
            yield folder
        finally:
            os.seteuid(before)
            folder.chmod(0o755)


@pytest.mark.parametrize(
    ("name", "mode", "is_new"), [(".", 0o555, True), (".", 0o555, False), ("file", 0o444, False)]
)
def test_what_may_not_be_written_to_is_left_alone(
    common_folder: Path, name: str, mode: int, *, is_new: bool
) -> None:
    (common_folder / name).chmod(mode)
    target = common_folder / ("new" if is_new else "file")
    with pytest.raises(UsageError, match="`f` cannot be written: Permission denied; n") as told:
        write_files([FileToWrite(target, "f", b"new", is_new=is_new)])
    assert "must be writable" in str(told.value.hint)
    assert _tree(common_folder) == {"file": b"old"}


# Files that are no product: the demo's home in a temporary folder; the outputs of a CI step, which
# are appended to.
_OTHERS = {"api.ci.job", "demo.sandbox"}


_WRITING = {"w", "x", "a", "wb", "xb", "ab"}


def _writes(node: ast.AST) -> bool:
    """Return whether a node calls what writes a file."""
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
    modes = {one.value for one in node.args if isinstance(one, ast.Constant)}
    return name in {"write_text", "write_bytes"} or (name == "open" and bool(_WRITING & modes))


def test_one_module_writes_files() -> None:
    root = Path(reconciler.__file__).parent
    found = {
        ".".join(path.relative_to(root).with_suffix("").parts)
        for path in root.rglob("*.py")
        if any(map(_writes, ast.walk(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert found == _OTHERS | {"files.atomic_write"}
